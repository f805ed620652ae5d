"""From the pixels of a finger, palm or mark to its minutiae template, with the reasons why it may be of no use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from limen.images import Image
from limen.reasons import Reason
from limen.ridge import expectation, flow, foreground, marks, quality, resolution, slap
from limen.ridge.network import CLEAR, MODEL, Leader, Minutiae
from limen.ridge.template import MAX_MINUTIAE, NOT_COMPUTED, RidgeTemplate
from limen.terms import Modality, Position

SMALLEST_SIDE = 48  # pixels at 500 ppi: 2.4 mm, five ridges
#: Most pixels at 500 ppi that are read: a full palm of 8 x 5.5 inches (ANSI/NIST-ITL 1-2011, Table 8) is 11 million;
#: one finger, rolled from nail to nail, 1.6 x 1.5 inches, 0.6 million.
MOST_PIXELS, MOST_FINGER_PIXELS = 12_000_000, 2_000_000
#: Below this many clear minutiae a third of the mated comparisons stay under 7 nats, above it one in a hundred
#: (docs/accuracy.md); the matcher knows too, but the post can capture again only if told at once.
FEWEST_MINUTIAE = 12
SMALLEST_AREA = 60.0  # mm2; a flat fingertip covers 150-400, the smallest phone sensors 30-60
LOWEST_NFIQ2 = 20  # NFIQ 2's guidance: below 20 "poor", capture again


@dataclass(frozen=True)
class RidgeResult:
    """What became of one image.

    Attributes:
        template: its minutiae, or None where there is nothing to compare.
        quality: NFIQ 2, 0-100 (0 also where hardly a ridge can be seen), or 255 where not computed (palms, marks, too
            small, not asked for).
        count: of clear minutiae; the template also has faint ones, which say so by their quality.
        area: of skin with ridges, mm2.
        reasons: why it is of no or of limited use, the gravest first; empty for a good print.
    """

    template: RidgeTemplate | None
    quality: int = NOT_COMPUTED
    count: int = 0
    area: float = 0.0
    reasons: list[Reason] = field(default_factory=list)


class RidgeExtractor:
    """The extractor, loaded on first use; `warm` before forking."""

    def __init__(self) -> None:
        self._leader: Leader | None = None

    def warm(self) -> None:
        """Load the network and NFIQ 2 and run each once, so that forked children need no file and no second try."""
        quality.warm()
        self._network().read(np.full((64, 64), 255, np.uint8), 255)

    def extract(
        self,
        image: Image,
        position: int,
        ppi: float | None = None,
        *,
        mark: bool = False,
        measure_quality: bool = True,
    ) -> RidgeResult:
        """Template of one finger, palm or mark.

        Args:
            image: decoded, ridges dark on light or the other way round.
            position: ANSI/NIST-ITL friction ridge position (`limen.terms.Position`).
            ppi: resolution where the caller knows it (from a record), in place of the image's own statement.
            mark: whether it is a crime-scene mark: its ground is left out, and no NFIQ 2 is computed.
            measure_quality: whether to compute NFIQ 2 (single fingers only; it takes longer than all the rest).

        Never raises on content: what cannot be used comes back without a template, and with its reason.
        """
        grey, reasons = _at_500_ppi(image, ppi)
        if grey is None:
            return RidgeResult(None, reasons=reasons)
        finger = Position(position).is_finger and not mark
        return self._read(grey, position, reasons, finger=finger, mark=mark, measure_quality=measure_quality)

    def extract_all(
        self,
        image: Image,
        modality: Modality,
        position: int,
        ppi: float | None = None,
        *,
        measure_quality: bool = True,
        plotted: RidgeTemplate | None = None,
    ) -> list[RidgeResult]:
        """Templates of everything on an image: of a slap each finger, with its own position; else one.

        Arguments as `extract` has them. A slap on which no finger is found comes back whole. Minutiae that an examiner
        `plotted` on a mark join those that are found there; of a print they count only where nothing is found.
        """
        if modality is Modality.MARK or not slap.is_slap(position):
            mark = modality is Modality.MARK
            one = self.extract(image, position, ppi, mark=mark, measure_quality=measure_quality)
            return [_joined(one, plotted, mark) if plotted is not None else one]
        grey, reasons = _at_500_ppi(image, ppi)
        if grey is None:
            return [RidgeResult(None, reasons=reasons)]
        found = slap.fingers(grey, position)
        if not found:
            return [self._read(grey, position, reasons)]
        return [
            self._read(finger.grey, finger.position, reasons, finger=True, measure_quality=measure_quality)
            for finger in found
        ]

    def _read(
        self,
        grey: np.ndarray,
        position: int,
        reasons: list[Reason],
        *,
        finger: bool = False,
        mark: bool = False,
        measure_quality: bool = False,
    ) -> RidgeResult:
        """Template of an image at 500 ppi with dark ridges; `reasons`: what is known of it so far.

        `finger`: one finger, held to a finger's size and to show ridges; else a mark, a palm, or a whole slap.
        """
        skin = foreground.find(grey)
        top, left, bottom, right = skin.box
        if not skin.area:
            return RidgeResult(None, reasons=[Reason.NO_RIDGES, *reasons])
        if finger and (bottom - top) * (right - left) > MOST_FINGER_PIXELS:
            return RidgeResult(None, area=skin.area, reasons=[Reason.RESOLUTION_WRONG])
        minutiae = self._network().read(grey[top:bottom, left:right], int(grey[0, 0]))
        if mark:
            minutiae = minutiae.of(marks.on_mark(minutiae, bottom - top, right - left))
        clear = int(np.count_nonzero(minutiae.sure >= CLEAR))
        if not clear:
            return RidgeResult(None, area=skin.area, reasons=[Reason.NO_RIDGES, *reasons])
        score = quality.nfiq2(grey) if finger and measure_quality else NOT_COMPUTED
        if finger and flow.area(grey[top:bottom, left:right]) < flow.LEAST:
            score, reasons = 0, [Reason.NO_RIDGES, *reasons]  # perhaps no print at all: kept, and never relied on
        template = _template(minutiae, position, score, grey.shape, top, left)
        return RidgeResult(template, score, clear, skin.area, [*_limits(clear, skin.area, score), *reasons])

    def _network(self) -> Leader:
        if self._leader is None:
            self._leader = Leader()
        return self._leader


def of_plotted(plotted: RidgeTemplate, reasons: Sequence[Reason] = ()) -> RidgeResult:
    """What minutiae are worth that were plotted by hand, or by another system, where there is no image to read."""
    if not len(plotted):
        return RidgeResult(None, reasons=[Reason.NO_RIDGES, *reasons])
    count = expectation.clear(plotted)
    few = [Reason.TOO_FEW_MINUTIAE] if count < FEWEST_MINUTIAE else []
    return RidgeResult(plotted, count=count, reasons=[*few, *reasons])


def _joined(found: RidgeResult, plotted: RidgeTemplate, mark: bool) -> RidgeResult:
    """An image's result with what was plotted on it."""
    if found.template is None:
        return of_plotted(plotted, [reason for reason in found.reasons if reason is not Reason.NO_RIDGES])
    if not mark:
        return found
    template = marks.with_plotted(found.template, plotted)
    others = [reason for reason in found.reasons if reason is not Reason.TOO_FEW_MINUTIAE]
    return replace(of_plotted(template, others), area=found.area)


def _at_500_ppi(image: Image, ppi: float | None) -> tuple[np.ndarray | None, list[Reason]]:
    """The image as the network needs it, and what is to be said of its resolution; None if it cannot be used."""
    ppi, reasons = resolution.resolve(ppi or image.ppi)
    if reasons and image.height * image.width <= MOST_PIXELS:
        ppi = resolution.estimate(image.grey())
    height, width = resolution.size_at_500(image.height, image.width, ppi)
    if min(height, width) < SMALLEST_SIDE:
        return None, [Reason.SMALL_AREA, *reasons]
    if height * width > MOST_PIXELS:
        return None, [Reason.RESOLUTION_WRONG]
    return _ridges_dark(resolution.resample(image.grey(), ppi)), reasons


def _ridges_dark(grey: np.ndarray) -> np.ndarray:
    """The print with dark ridges: an image whose rim is mostly black is a negative.

    Where the print fills the picture either reading is as good: an inverted ridge ending is a fork at the same place
    with the same direction, and comparison does not depend on the kind.
    """
    rim = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return 255 - grey if np.mean(rim < 64) > 0.9 else grey


def _template(
    minutiae: Minutiae, position: int, score: int, shape: tuple[int, ...], top: int, left: int
) -> RidgeTemplate:
    """The surest minutiae in the pixels of the whole image."""
    best = slice(0, MAX_MINUTIAE)
    return RidgeTemplate(
        model=MODEL,
        position=int(position),
        quality=score,
        width=int(shape[1]),
        height=int(shape[0]),
        x=minutiae.x[best] + np.float32(left),
        y=minutiae.y[best] + np.float32(top),
        angle=minutiae.angle[best],
        kind=minutiae.kind[best],
        minutia_quality=np.clip(np.rint(minutiae.sure[best] * 100), 0, 100).astype(np.uint8),
    )


def _limits(count: int, area: float, score: int) -> list[Reason]:
    """Why a print that was read may still be of limited use."""
    return [
        reason
        for reason, applies in (
            (Reason.TOO_FEW_MINUTIAE, count < FEWEST_MINUTIAE),
            (Reason.SMALL_AREA, area < SMALLEST_AREA),
            (Reason.LOW_RIDGE_QUALITY, score < LOWEST_NFIQ2),
        )
        if applies
    ]
