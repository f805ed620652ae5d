"""Which minutiae to compare.

A mark on a busy ground has far more faint than clear minutiae, most of them false. A palm has ten times a finger's:
what a mark has in common with it stands out against a part of the palm, and drowns in the whole.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from limen.ridge import _native
from limen.ridge.template import RidgeTemplate

CLEAR = 55  # minutia quality from which LEADER's author takes it as found (`limen.ridge.network.CLEAR`)
UNSTATED = 0  # ISO/IEC 19794-2: quality not reported; counts as clear
#: A finger read well has a third more minutiae with the faint ones; poor ones up to twice as many.
MOSTLY_FAINT, FEW = 2, 24
HEAD, ROW = 24, 8  # bytes of a packed template's header, and of a minutia, whose last byte is its quality
ENOUGH = 64  # minutiae: with more faint ones than that, neither accuracy nor its lack can be seen (docs/accuracy.md)
LEAST = 8  # minutiae of the smallest view
FAINT_SHARE = 32  # faint minutiae of the larger view
#: Pixels at 500 ppi: prints that reach further than any finger (ANSI/NIST-ITL 1-2011, Table 8: 40 mm) are compared in
#: parts too, which overlap by half. Mated marks of a finger's size on palms of 1,300 clear minutiae: evidence of 7.6
#: nats (median) against the whole; 16.6, 15.4 and 13.5 against parts of 500, 700 and 1,000 pixels (docs/accuracy.md).
LARGE, PART = 1000, 700
RULE = (LARGE, ENOUGH, MOSTLY_FAINT, FEW, CLEAR)  # when a print is its own only view, for the native kernels


def views(template: RidgeTemplate) -> list[RidgeTemplate]:
    """A reference's views: its minutiae as a probe has them, and of a palm each part. The best comparison counts."""
    return [_some(template, rows) for rows in view_rows(template)]


def view_rows(template: RidgeTemplate) -> list[np.ndarray]:
    """Which minutiae each of a reference's views has: int64 row numbers."""
    return [*_probe_rows(template), *(_part_rows(template) if _large(template) else [])]


def probe_views(template: RidgeTemplate) -> list[RidgeTemplate]:
    """A probe's views: all clear minutiae and the surest faint ones up to 64; or if most are faint, two with fewer."""
    return [_some(template, rows) for rows in _probe_rows(template)]


def parts(template: RidgeTemplate) -> list[RidgeTemplate]:
    """A large print's overlapping squares of `PART` pixels, as far as they hold minutiae; a small one as it is."""
    return [_some(template, rows) for rows in _part_rows(template)] if _large(template) else [template]


def _probe_rows(template: RidgeTemplate) -> list[np.ndarray]:
    clear = count_clear(template.minutia_quality)
    if not _mostly_faint(len(template), clear):
        most = max(ENOUGH, clear)
        return [np.arange(len(template)) if len(template) <= most else _surest_rows(template, most)]
    least = max(LEAST, clear)
    return [_surest_rows(template, least), _surest_rows(template, least + FAINT_SHARE)]


def _part_rows(template: RidgeTemplate) -> list[np.ndarray]:
    left, top = float(template.x.min()), float(template.y.min())
    found = []
    for y in np.arange(top, max(float(template.y.max()) - PART / 2, top + 1), PART / 2):
        for x in np.arange(left, max(float(template.x.max()) - PART / 2, left + 1), PART / 2):
            inside = (template.x >= x) & (template.x < x + PART) & (template.y >= y) & (template.y < y + PART)
            rows = np.flatnonzero(inside)
            if len(rows) >= LEAST:
                found += [rows[some] for some in _probe_rows(_some(template, rows))]
    return found


def _large(template: RidgeTemplate) -> bool:
    return len(template) > 0 and max(np.ptp(template.x), np.ptp(template.y)) > LARGE


def is_whole(packed: bytes) -> bool:
    """Whether a packed template (or a stored one) is its own and only view; so are bytes that are no template."""
    return bool(_native.is_whole(packed, RULE))


def count_clear(quality: np.ndarray) -> int:
    """How many minutiae of these qualities are clear, or do not say how clear they are."""
    return int(np.count_nonzero((quality >= CLEAR) | (quality == UNSTATED)))


def _mostly_faint(count: int, clear: int) -> bool:
    return count > MOSTLY_FAINT * clear + FEW


def surest(template: RidgeTemplate, count: int) -> RidgeTemplate:
    """The template with its `count` surest minutiae, unstated ones first."""
    return _some(template, _surest_rows(template, count))


def _surest_rows(template: RidgeTemplate, count: int) -> np.ndarray:
    quality = template.minutia_quality.astype(int)
    return np.argsort(-np.where(quality == UNSTATED, 101, quality), kind="stable")[:count]


def _some(template: RidgeTemplate, chosen: np.ndarray) -> RidgeTemplate:
    fields = {name: getattr(template, name)[chosen] for name in ("x", "y", "angle", "kind", "minutia_quality")}
    return dataclasses.replace(template, **fields)
