"""Between minutiae files and Limen's templates, with stated rounding.

A file's pixels are brought to 500 ppi (float32, no rounding) and its angle units to radians; a template's pixels are
written at 500 ppi, rounded half to even to whole pixels (at most 0.5 pixel, 0.025 mm), its angles to the nearest unit
(at most 1 degree in INCITS, 0.7 degrees in ISO). Position, kinds and qualities are kept. A file's own numbers survive
file -> template -> file of the same standard where its resolution is 500 ppi.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from limen.errors import BadTemplate
from limen.exchange.minutiae.layout import MINUTIA, NOT_REPORTED, MinutiaeFile, Standard, View
from limen.ridge.template import BIFURCATION, ENDING, MAX_SIDE, NOT_COMPUTED, OTHER, RidgeTemplate

_PPCM = 197  # 500 ppi as these formats write it: 19.69 pixels a millimetre, rounded
#: Whole pixels a centimetre stand for these scanner classes exactly (ANSI/NIST-ITL 1-2011, 7.7.6: class resolutions).
_CLASSES = {98: 250.0, 99: 250.0, 196: 500.0, 197: 500.0, 393: 1000.0, 394: 1000.0, 787: 2000.0}
_ONE_SIZE = (Standard.INCITS_2004, Standard.ISO_2005)  # state image size and resolution once for all views
_INCITS = (Standard.INCITS_2004, Standard.INCITS_2009)
_CM_PER_INCH = 2.54
_MOST = 255  # minutiae in a view: its count has one byte
_KINDS = np.array([OTHER, ENDING, BIFURCATION], np.uint8)  # from the files' 0, 1, 2
_CODES = np.array([1, 2, 0], np.uint8)  # from the templates' ENDING, BIFURCATION, OTHER


def to_template(file: MinutiaeFile, view: int = 0) -> RidgeTemplate:
    """One view of a file as a template; its model name is the standard's.

    Raises:
        BadTemplate: no such view, no resolution, no image size, or a minutia outside its image.
    """
    if not 0 <= view < len(file.views):
        raise BadTemplate(f"The minutiae file has no view {view}.")
    source = file.views[view]
    across, down = (ppi(ppcm) for ppcm in source.resolution)
    if not (across and down and source.width and source.height):
        raise BadTemplate("The minutiae file does not say its image's size and resolution.")
    rows = source.minutiae
    if len(rows) and (rows["x"].max() > source.width or rows["y"].max() > source.height):
        raise BadTemplate("A minutia lies outside its image.")
    width, height = math.ceil(source.width * 500 / across), math.ceil(source.height * 500 / down)
    if max(width, height) > MAX_SIDE:
        raise BadTemplate("The image that the minutiae file describes is larger than any palm.")
    quality = NOT_COMPUTED if source.quality is None or source.quality > 100 else source.quality
    return RidgeTemplate(
        model=file.standard.value,
        position=source.position,
        quality=quality,
        width=width,
        height=height,
        x=(rows["x"] * (500 / across)).astype(np.float32),
        y=(rows["y"] * (500 / down)).astype(np.float32),
        angle=(rows["angle"] * (2 * np.pi / file.standard.turn)).astype(np.float32),
        kind=_KINDS[rows["kind"]],
        minutia_quality=np.where(rows["quality"] > 100, 0, rows["quality"]).astype(np.uint8),
    )


def ppi(pixels_per_cm: int) -> float:
    """Pixels an inch; the whole numbers that stand for a scanner class (197 for 500 ppi) give that class exactly."""
    return _CLASSES.get(pixels_per_cm, round(pixels_per_cm * _CM_PER_INCH, 2))


def from_templates(templates: Sequence[RidgeTemplate], standard: Standard) -> MinutiaeFile:
    """A file of one view a template. Of more than 255 minutiae the best by quality are kept, in their order.

    Standards of 2004 and 2005 state one image size for the file: the largest of the templates'.

    Raises:
        BadTemplate: no template, or more than the file can count.
    """
    if not 0 < len(templates) <= _MOST:
        raise BadTemplate("A minutiae file holds 1 to 255 views.")
    views, seen = [], dict[int, int]()
    shared = standard in _ONE_SIZE
    size = (max(t.width for t in templates), max(t.height for t in templates))
    for template in templates:
        number = seen.get(template.position, 0)
        if number > 15:
            raise BadTemplate("A minutiae file holds at most 16 views of one finger.")
        seen[template.position] = number + 1
        width, height = size if shared else (template.width, template.height)
        quality = NOT_REPORTED if template.quality > 100 else template.quality
        rows = _minutiae(template, standard.turn)
        views.append(View(template.position, number, 0, quality, width, height, (_PPCM, _PPCM), rows))
    return MinutiaeFile(standard, tuple(views))


def to_standard(file: MinutiaeFile, standard: Standard) -> MinutiaeFile:
    """The same minutiae in another standard: all numbers kept but the angles, which are rounded to its units.

    Extended data are left out (their layouts differ), as are ISO 2011's capture records and quality algorithms; product
    and equipment go where there is a place for them. A file whose views differ in size or resolution goes by way of
    templates into the standards that state them once.

    Raises:
        BadTemplate: as `to_template`, where that way is taken.
    """
    if standard is file.standard:
        return file
    shapes = {(view.width, view.height, view.resolution) for view in file.views}
    if len(shapes) > 1 and standard in _ONE_SIZE:
        return from_templates([to_template(file, view) for view in range(len(file.views))], standard)
    views = []
    for view in file.views:
        rows = view.minutiae.copy()
        rows["angle"] = np.rint(rows["angle"] * (standard.turn / file.standard.turn)).astype(np.int64) % standard.turn
        quality = NOT_REPORTED if view.quality is None else view.quality
        number = min(view.view, 15)
        impression = min(view.impression, 15)
        views.append(View(view.position, number, impression, quality, view.width, view.height, view.resolution, rows))
    product = file.product if standard in _INCITS else 0
    equipment = file.equipment if standard is not Standard.ISO_2011 else 0
    return MinutiaeFile(standard, tuple(views), product=product, equipment=equipment)


def _minutiae(template: RidgeTemplate, turn: int) -> np.ndarray:
    keep = np.arange(len(template))
    if len(template) > _MOST:
        keep = np.sort(np.argsort(-template.minutia_quality.astype(int), kind="stable")[:_MOST])
    rows = np.zeros(len(keep), MINUTIA)
    rows["kind"] = _CODES[template.kind[keep]]
    rows["x"] = np.rint(template.x[keep])
    rows["y"] = np.rint(template.y[keep])
    rows["angle"] = np.rint(template.angle[keep] * (turn / (2 * np.pi))).astype(np.int64) % turn
    rows["quality"] = template.minutia_quality[keep]
    return rows
