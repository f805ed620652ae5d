"""Counts for Prometheus, without content: how many searches ended how and how long they took, by kind of answer alone.

Whoever scrapes shows the token that the front writes to `DATA/run/metrics.token` when it starts.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from limen.matcher.watch import EDGES
from limen.search.answer import SearchAnswer
from limen.settings import Settings
from limen.vault.files import replace_private

SECONDS = (0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30)  # bounds: around the second that an answer may take


QUALITY = (20, 40, 60, 80)  # bounds of the classes of quality, which is 0 to 100


class EvidenceOfStrongest(Collector):
    """Histograms of the strongest candidate's evidence, as the matcher published them: the error rates in service.

    A drift of these to the right without more hits means that false positives will follow; see docs/monitoring.md.
    """

    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = {}

    def collect(self) -> Iterable[Metric]:
        """The histograms."""
        family = HistogramMetricFamily(
            "limen_strongest_evidence_nats", "Evidence for each search's strongest candidate.", labels=["probe"]
        )
        for kind, counts in self.counts.items():
            bounds = [*(str(float(edge)) for edge in EDGES), "+Inf"]
            family.add_metric([kind], list(zip(bounds, accumulate(counts), strict=True)), sum_value=None)
        yield family


class Metrics:
    """The front's counts. No label names a country, an officer or a record."""

    def __init__(self, settings: Settings) -> None:
        self._token = secrets.token_urlsafe(32)
        self._file = settings.run / "metrics.token"
        self.registry = CollectorRegistry()
        self.answers = Counter(
            "limen_searches", "Searches by answer and way of sending.", ["answer", "sealed"], registry=self.registry
        )
        self.failures = Counter(
            "limen_errors", "Requests that failed, by error code.", ["code"], registry=self.registry
        )
        self.seconds = Histogram(
            "limen_search_seconds",
            "From the end of the sign-in check to the answer.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.reasons = Counter("limen_reasons", "Reasons given with answers.", ["reason"], registry=self.registry)
        self.quality = Histogram(
            "limen_sample_quality",
            "Quality of the images searched with, 0 to 100.",
            ["modality"],
            buckets=QUALITY,
            registry=self.registry,
        )
        self.images = Counter(
            "limen_images",
            "Images searched with, by what became of them.",
            ["modality", "used"],
            registry=self.registry,
        )
        self.hits = Gauge(
            "limen_hits",
            "Hits and leads that are kept, by what examiners said.",
            ["answer", "state"],
            registry=self.registry,
        )
        self.open = Gauge("limen_open_searches", "Searches open now.", registry=self.registry)
        self.gallery = Gauge("limen_gallery", "Size of the gallery.", ["of"], registry=self.registry)
        self.evidence = EvidenceOfStrongest()
        self.registry.register(self.evidence)
        self.complete = Gauge("limen_gallery_complete", "1 once the whole gallery is in force.", registry=self.registry)

    def publish_token(self) -> None:
        """Write the token for the scraper, readable by the hub's own user alone."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_private(self._file, self._token.encode("ascii") + b"\n")

    def shown(self, authorization: str) -> bool:
        """Whether an `Authorization` header shows the token."""
        return hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode("ascii"))

    def answered(self, answer: SearchAnswer, seconds: float) -> None:
        """Count one answered search."""
        self.answers.labels(answer.answer, "yes" if answer.sealed else "no").inc()
        self.seconds.observe(seconds)
        for reason in answer.reasons:
            self.reasons.labels(reason.code).inc()
        for sample in answer.samples:
            self.images.labels(sample.modality, sample.used).inc()
            if sample.quality is not None:
                self.quality.labels(sample.modality).observe(sample.quality)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)
