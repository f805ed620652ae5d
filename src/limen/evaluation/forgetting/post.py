"""A post that searches in every way: as it should, as older systems do, wrongly, and with parts dying meanwhile."""

from __future__ import annotations

import base64
import contextlib
import io
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from limen.access.signing import HttpSignature
from limen.capture import container
from limen.capture.container import Sample
from limen.capture.offer import Offer
from limen.capture.sealing import seal_capture
from limen.client.hub import HubClient
from limen.errors import LimenError
from limen.evaluation.forgetting.control import ticks
from limen.evaluation.forgetting.scan import children
from limen.evaluation.forgetting.served import ServedHub
from limen.exchange import an2
from limen.terms import Modality

PURPOSE = "border-control"
SEALED, PLAIN = "application/limen-sealed", "application/cbor"
ANSWERED_BADLY = "refused"  # by the hub, with a clear error
RETRIES = 60  # every half second
FAILED = "failed"  # no answer, or one that a part was missing


class Post:
    """A border post of one officer.

    Every way of searching takes samples and returns what came of it: the kind of answer (`terms.Answer`), `refused` or
    `failed`.
    """

    def __init__(self, hub: ServedHub, officer: str, key: Ed25519PrivateKey) -> None:
        self._hub, self._officer = hub, officer
        self._signer = HttpSignature(key, officer)
        self._client = HubClient(hub.settings.url, self._signer, pins=hub.folder.parent / "pins")
        self.claim = secrets.token_urlsafe(96)  # a name that occurs nowhere else, to be looked for as well
        self._http = httpx.Client(base_url=hub.settings.url, auth=self._signer, timeout=120)

    def sealed(self, samples: Sequence[Sample]) -> str:
        """As it should be, with a claimed name."""
        claimed = {"names": self.claim}
        return self._answered(lambda: self._client.search(list(samples), PURPOSE, claimed=claimed)["answer"])

    def plain(self, samples: Sequence[Sample]) -> str:
        """The same capture, not sealed."""
        return self._answered(lambda: self._client.search(list(samples), PURPOSE, plain=True)["answer"])

    def image(self, samples: Sequence[Sample]) -> str:
        """One image alone, not sealed."""
        sample = samples[0]
        question = {"modality": sample.modality.slug, "position": str(int(sample.position))}
        return self._put(self._open(), sample.image, "image/png", question)

    def file(self, samples: Sequence[Sample]) -> str:
        """An ANSI/NIST-ITL file, not sealed."""
        return self._answered(lambda: self._client.search_file(_file(samples), PURPOSE, plain=True)[0])

    def sealed_file(self, samples: Sequence[Sample]) -> str:
        """The same file, sealed."""
        return self._answered(lambda: self._client.search_file(_file(samples), PURPOSE)[0])

    def tampered(self, samples: Sequence[Sample]) -> str:
        """Sealed, and one byte changed on the way."""
        opened = self._open()
        body = bytearray(seal_capture(_offer(opened), container.encode(list(samples))))
        body[len(body) // 2] ^= 1
        return self._put(opened, bytes(body), SEALED)

    def sealed_for_another_search(self, samples: Sequence[Sample]) -> str:
        """A capture that was sealed for one search and is sent to another."""
        other, opened = self._open(), self._open()
        body = seal_capture(_offer(other), container.encode(list(samples)))
        answer = self._put(opened, body, SEALED)
        self._http.delete(f"/v1/searches/{other['id']}")
        return answer

    def no_container(self, samples: Sequence[Sample]) -> str:
        """Plain bytes that are no container: an image under the wrong name."""
        return self._put(self._open(), samples[0].image, PLAIN)

    def by_a_stranger(self, samples: Sequence[Sample]) -> str:
        """A capture for an open search, signed by someone who is not registered."""
        opened = self._open()
        signer = HttpSignature(Ed25519PrivateKey.generate(), self._officer)
        with httpx.Client(base_url=self._hub.settings.url, auth=signer, timeout=120) as stranger:
            answer = _said(stranger.put(opened["capture_url"], content=container.encode(list(samples)), headers=_PLAIN))
        self._http.delete(f"/v1/searches/{opened['id']}")
        return answer

    def hung_up(self, samples: Sequence[Sample]) -> str:
        """A plain capture of which only a part is sent before the connection ends."""
        opened, body = self._open(), container.encode(list(samples))

        def part() -> Iterator[bytes]:
            yield body[: len(body) * 3 // 4]
            time.sleep(0.3)
            raise ConnectionAbortedError

        signed = self._http.build_request("PUT", opened["capture_url"], content=body, headers=_PLAIN)
        next(self._signer.auth_flow(signed))  # over the whole body, as if all of it were coming
        with contextlib.suppress(ConnectionAbortedError, httpx.HTTPError):
            with httpx.Client(base_url=self._hub.settings.url, timeout=120) as bare:
                bare.put(opened["capture_url"], content=part(), headers=signed.headers)
        return FAILED

    def killed(self, victim: str) -> Callable[[Sequence[Sample]], str]:
        """A search during which a process ends: `worker`, `front`, `matcher`, `vault` or `opener`."""

        def search(samples: Sequence[Sample]) -> str:
            answers: list[str] = []
            before = {pid: ticks(pid) for pid in self._workers()}
            thread = threading.Thread(target=lambda: answers.append(self.plain(samples)))
            thread.start()
            working = None
            while thread.is_alive() and working is None:
                working = next((p for p in self._workers() if ticks(p) > before.setdefault(p, ticks(p)) + 1), None)
                time.sleep(0.002)
            if victim == "worker" and working:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(working, signal.SIGKILL)
            elif victim != "worker":
                self._hub.kill(victim)
            thread.join()
            self._hub.wait_healthy()
            return answers[0]

        return search

    def _workers(self) -> list[int]:
        return children(self._hub.part("opener"))[1:]

    def _open(self) -> dict[str, Any]:
        """An open search; a hub of which a part is coming back says 503 for a moment."""
        for _ in range(RETRIES):
            response = self._http.post("/v1/searches", json={"purpose": PURPOSE})
            if response.status_code != 503:
                break
            time.sleep(0.5)
        opened: dict[str, Any] = response.raise_for_status().json()
        return opened

    def _put(self, opened: dict[str, Any], body: bytes, kind: str, question: dict[str, str] | None = None) -> str:
        return _said(
            self._http.put(opened["capture_url"], content=body, headers={"content-type": kind}, params=question)
        )

    @staticmethod
    def _answered(ask: Callable[[], str]) -> str:
        try:
            return ask()
        except LimenError as error:
            return FAILED if error.code in ("unavailable", "error") else ANSWERED_BADLY


_PLAIN = {"content-type": PLAIN}


def _said(response: httpx.Response) -> str:
    return str(response.json()["answer"]) if response.is_success else ANSWERED_BADLY


def _offer(opened: dict[str, Any]) -> Offer:
    nonce, key = (base64.b64decode(opened[name]) for name in ("nonce", "public_key"))
    return Offer(bytes.fromhex(opened["id"]), nonce, key, int(opened["expires"]))


def _file(samples: Sequence[Sample]) -> bytes:
    """The samples as Type-10 and Type-14 records."""
    records = []
    for idc, sample in enumerate(samples, 1):
        size = Image.open(io.BytesIO(sample.image))
        ridges = sample.modality is not Modality.FACE
        records.append(
            an2.image_record(
                sample.modality, sample.position, sample.image, idc, width=size.width, height=size.height,
                ppi=500 if ridges else None, source="LIMEN", colour=size.mode == "RGB",
            )
        )  # fmt: skip
    header = an2.Header(kind="CPS", destination="LIMEN", origin="BIH/POST")
    return an2.write(header, [an2.person_record({}, 0), *records])
