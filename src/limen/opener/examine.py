"""One image of a person to a template: decode, extract, and say what it is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace

from limen import images
from limen.errors import BadImage
from limen.face.extract import FaceResult
from limen.images import Image
from limen.opener.tools import Tools
from limen.reasons import Reason, to_mask
from limen.ridge.extract import RidgeResult, of_plotted
from limen.ridge.template import RidgeTemplate
from limen.terms import Modality, Position
from limen.wire.messages import MAX_FACES
from limen.wire.parts import FaceBox, SampleReport

UNKNOWN_QUALITY = 255
MOST_AREA = 0xFFFF  # mm2, of two bytes: twice the largest palm
USED, USED_ALTHOUGH_POOR, NOT_USABLE = 1, 2, 3  # `SampleReport.status`
#: Reasons that say something of the file or its sender, not of the image's worth.
_REMARKS = {Reason.RESOLUTION_UNKNOWN, Reason.SEVERAL_FACES}


@dataclass(frozen=True)
class Finding:
    """What an image gave.

    Attributes:
        modality, position: what it is; no modality for a file that is kept as a whole.
        image: its pixels; None if it could not be decoded.
        template: packed `FaceTemplate` or `RidgeTemplate`; None if there is nothing to compare.
        further: packed templates of the same face by other models in use.
        faces: where they are, largest first; chosen: number of the one that was taken, from 1, 0 for none.
        model: that made the template; empty without one.
        quality: 0-100, or 255.
        minutiae: how many are clear; area: of skin with ridges, mm2; 0 for faces, and where unknown.
        reasons: what is wrong, gravest first.
    """

    modality: Modality | None
    position: Position
    image: Image | None
    template: bytes | None
    model: str
    quality: int
    minutiae: int
    reasons: list[Reason]
    further: tuple[bytes, ...] = ()
    faces: tuple[FaceBox, ...] = ()
    chosen: int = 0
    area: int = 0

    @property
    def status(self) -> int:
        """`SampleReport.status`."""
        if self.template is None:
            return NOT_USABLE
        return USED_ALTHOUGH_POOR if set(self.reasons) - _REMARKS else USED

    def report(self) -> SampleReport:
        """What the requester hears of it."""
        mask = to_mask(self.reasons)
        return SampleReport(
            self.modality or 0, self.position, self.status, self.quality, mask, self.minutiae, self.area
        )


def examine(
    data: bytes,
    modality: Modality,
    position: Position,
    tools: Tools,
    ppi: int = 0,
    plotted: RidgeTemplate | None = None,
    *,
    face: int = 0,
) -> list[Finding]:
    """Decode and extract one image; whatever is wrong with it is in the finding's reasons.

    Args:
        data: bytes of an image file; none where there are only plotted minutiae.
        modality, position: what it is said to be.
        tools: warm.
        ppi: resolution, where the sender knows better than the file; else 0.
        plotted: minutiae that an examiner, or another system, has plotted on it.
        face: which of several faces in a photo, from 1, largest first; 0 takes the most prominent.

    Returns:
        One finding; of a slap one for each of its fingers.
    """
    plotted = replace(plotted, position=int(position)) if plotted is not None else None
    if not data and plotted is not None:
        return [_of_ridges(of_plotted(plotted), None, modality, position)]
    try:
        image = images.decode(data)
    except BadImage as error:
        reason = _reason(error)
        if plotted is None:
            return [Finding(modality, position, None, None, "", UNKNOWN_QUALITY, 0, [reason])]
        return [_of_ridges(of_plotted(plotted, [reason]), None, modality, position)]
    return extract(image, modality, position, tools, ppi, plotted, face=face)


def extract(
    image: Image,
    modality: Modality,
    position: Position,
    tools: Tools,
    ppi: int = 0,
    plotted: RidgeTemplate | None = None,
    *,
    face: int = 0,
) -> list[Finding]:
    """Extract from decoded pixels; arguments and findings as `examine` has them."""
    if modality is Modality.FACE:
        return [_of_face(tools.face.extract(image, face=face), image)]
    found = tools.ridge.extract_all(image, modality, position, float(ppi) if ppi else None, plotted=plotted)
    return [_of_ridges(one, image, modality, position) for one in found]


def _of_face(face: FaceResult, image: Image) -> Finding:
    quality = face.quality if face.faces else UNKNOWN_QUALITY
    packed, model = (face.template.pack(), face.template.model) if face.template else (None, "")
    return Finding(
        Modality.FACE,
        Position.UNKNOWN,
        image,
        packed,
        model,
        quality,
        0,
        face.reasons,
        further=tuple(template.pack() for template in face.further),
        faces=tuple(
            FaceBox(one.x / image.width, one.y / image.height, one.width / image.width, one.height / image.height)
            for one in face.faces[:MAX_FACES]
        ),
        chosen=face.chosen + 1 if face.chosen < MAX_FACES else 0,
    )


def _of_ridges(ridge: RidgeResult, image: Image | None, modality: Modality, position: Position) -> Finding:
    area = min(round(ridge.area), MOST_AREA)
    if ridge.template is None:
        return Finding(modality, position, image, None, "", ridge.quality, ridge.count, ridge.reasons, area=area)
    packed, model = ridge.template.pack(), ridge.template.model
    own = Position(ridge.template.position)  # which finger of a slap
    return Finding(modality, own, image, packed, model, ridge.quality, ridge.count, ridge.reasons, area=area)


def _reason(error: BadImage) -> Reason:
    """The reason whose slug an image's error carries."""
    return next((reason for reason in Reason if reason.slug == error.code), Reason.UNREADABLE)
