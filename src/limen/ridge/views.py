"""Which minutiae to compare: a mark on a busy ground has far more faint than clear ones, most of them false."""

from __future__ import annotations

import dataclasses

import numpy as np

from limen.ridge.template import RidgeTemplate

CLEAR = 55  # minutia quality from which LEADER's author takes it as found (`limen.ridge.network.CLEAR`)
UNSTATED = 0  # ISO/IEC 19794-2: quality not reported; counts as clear
#: A finger read well has a third more minutiae with the faint ones; poor ones up to twice as many.
MOSTLY_FAINT, FEW = 2, 24
HEAD, ROW = 24, 8  # bytes of a packed template's header, and of a minutia, whose last byte is its quality
ENOUGH = 64  # minutiae: with more faint ones than that, neither accuracy nor its lack can be seen (docs/accuracy.md)
LEAST = 8  # minutiae of the smallest view
FAINT_SHARE = 32  # faint minutiae of the larger view


def views(template: RidgeTemplate) -> list[RidgeTemplate]:
    """One view: all clear minutiae and the surest faint ones up to 64; or where most are faint, two views with fewer.

    All views are compared and the best counts.
    """
    clear = _clear(template.minutia_quality)
    if not _mostly_faint(len(template), clear):
        return [template if len(template) <= max(ENOUGH, clear) else surest(template, max(ENOUGH, clear))]
    least = max(LEAST, clear)
    return [surest(template, least), surest(template, least + FAINT_SHARE)]


def is_whole(packed: bytes) -> bool:
    """Whether a packed template is its own and only view; so are bytes that are no template."""
    quality = np.frombuffer(packed, np.uint8)[HEAD + ROW - 1 :: ROW]
    return len(quality) <= ENOUGH and not _mostly_faint(len(quality), _clear(quality))


def _clear(quality: np.ndarray) -> int:
    return int(np.count_nonzero((quality >= CLEAR) | (quality == UNSTATED)))


def _mostly_faint(count: int, clear: int) -> bool:
    return count > MOSTLY_FAINT * clear + FEW


def surest(template: RidgeTemplate, count: int) -> RidgeTemplate:
    """The template with its `count` surest minutiae, unstated ones first."""
    quality = template.minutia_quality.astype(int)
    order = np.argsort(-np.where(quality == UNSTATED, 101, quality), kind="stable")[:count]
    fields = {name: getattr(template, name)[order] for name in ("x", "y", "angle", "kind", "minutia_quality")}
    return dataclasses.replace(template, **fields)
