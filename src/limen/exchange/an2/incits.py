"""The INCITS 378 block of a Type-9 record (9.126-9.137, "M1"): a view of a minutiae file, number by number.

Its coordinates, angles (steps of 2 degrees), kinds and qualities are those of INCITS 378 itself, so that nothing is
rounded on the way. Extended data (9.138-9.140: ridge counts, cores, deltas) are neither read nor written.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limen.errors import BadFile
from limen.exchange.an2.records import Field, Record
from limen.exchange.minutiae import MinutiaeFile, Standard, View, to_standard
from limen.exchange.minutiae.layout import MINUTIA, NOT_REPORTED

MOST = 99  # records: an IDC has two digits (7.3.1)
_OWNER, _FORMAT = "27", "513"  # 9.126: INCITS technical committee M1; its minutiae format without extended data
_PER_CM, _PER_INCH = "2", "1"  # 9.130
_PER_CM_OF_INCH = {250: 98, 500: 197, 1000: 394, 2000: 787}  # as INCITS 378 writes scanner classes
_CERTIFIED, _EQUIPMENT = 0x8000, 0x0FFF  # 378-2004, 6.4.4: Appendix F compliance, and the equipment's number
_FROM_FIELDS = {"0": 0, "1": 1, "2": 2, "A": 1, "B": 2}  # some writers use the letters of 9.012
_INDEX = 65_535


def records(file: MinutiaeFile, impression: int | None = None) -> list[Record]:
    """Type-9 records of a file's views, IDC 1 onward; files of other standards are converted first.

    Args:
        file: any minutiae file; of ISO files the angles are rounded to 2 degrees.
        impression: for 9.003 in place of the views' own; 4 for a mark.

    Raises:
        BadFile: more than 99 views.
    """
    if file.standard not in (Standard.INCITS_2004, Standard.INCITS_2009):
        file = to_standard(file, Standard.INCITS_2009)
    if len(file.views) > MOST:
        raise BadFile(f"An ANSI/NIST-ITL file numbers at most {MOST} records of minutiae.")
    return [_record(file, view, idc, impression) for idc, view in enumerate(file.views, start=1)]


def file(found: Sequence[Record]) -> MinutiaeFile | None:
    """Records as an INCITS 378-2009 file of a view each; None if one of them has no such block, or a malformed one."""
    views = [_view(record) for record in found]
    if not views or None in views:
        return None
    product = next(iter(found[0].subfields(126)), ())[2:3]
    equipment = next(iter(found[0].subfields(127)), ())
    compliance = _CERTIFIED if equipment[:1] == ("APPF",) else 0
    return MinutiaeFile(
        Standard.INCITS_2009,
        tuple(view for view in views if view is not None),
        product=_whole(product[0], 0xFFFF_FFFF) or 0 if product else 0,
        equipment=compliance | (_whole(equipment[1], _EQUIPMENT) or 0 if len(equipment) > 1 else 0),
    )


def _record(file: MinutiaeFile, view: View, idc: int, impression: int | None) -> Record:
    owner, algorithm = (str(int.from_bytes(view.qualities[at : at + 2].ljust(2, b"\0"), "big")) for at in (0, 2))
    appendix_f = "APPF" if file.equipment & _CERTIFIED else "NONE"
    quality = NOT_REPORTED if view.quality is None else view.quality
    rows = [
        tuple(str(int(value)) for value in (number, m["x"], m["y"], m["angle"], m["kind"], m["quality"]))
        for number, m in enumerate(view.minutiae, start=1)
    ]
    values: dict[int, tuple[tuple[str, ...], ...]] = {
        3: ((str(view.impression if impression is None else impression),),),
        4: (("U",),),  # not in the standard's own first format
        126: ((_OWNER, _FORMAT, str(file.product)),),
        127: ((appendix_f, str(file.equipment & _EQUIPMENT)),),
        128: ((str(view.width),),),
        129: ((str(view.height),),),
        130: ((_PER_CM,),),
        131: ((str(view.resolution[0]),),),
        132: ((str(view.resolution[1]),),),
        133: ((str(view.view),),),
        134: ((str(view.position),),),
        135: ((str(quality), owner, algorithm),),
        136: ((str(len(rows)),),),
        137: tuple(rows),
    }
    return Record(9, idc, tuple(Field(number, value) for number, value in values.items() if value))


def _view(record: Record) -> View | None:
    units, across, down = record.text(130), record.whole(131), record.whole(132)
    width, height, position = record.whole(128), record.whole(129), record.whole(134)
    if (
        units not in (_PER_CM, _PER_INCH)
        or not (across and down and width and height)
        or position is None
        or position > 10
    ):
        return None
    if units == _PER_INCH:
        across, down = (_PER_CM_OF_INCH.get(value, round(value / 2.54)) for value in (across, down))
    minutiae = _minutiae(record)
    if minutiae is None or max(across, down, width, height) > _INDEX:
        return None
    quality = [_whole(item, 0xFFFF) or 0 for item in next(iter(record.subfields(135)), ("254",))]
    owner, algorithm = (*quality[1:3], 0, 0)[:2]
    return View(
        position=position,
        view=min(record.whole(133) or 0, 255),
        impression=min(record.whole(3) or 0, 255),
        quality=min(quality[0], 255),
        width=width,
        height=height,
        resolution=(across, down),
        minutiae=minutiae,
        qualities=owner.to_bytes(2, "big") + algorithm.to_bytes(2, "big"),
    )


def _minutiae(record: Record) -> np.ndarray | None:
    """9.137: number, x, y, half the angle in degrees, kind, quality; None if a row is none or they do not fit."""
    rows = record.subfields(137)
    out = np.zeros(len(rows), MINUTIA)
    for at, row in enumerate(rows):
        numbers = [_whole(item, most) for item, most in zip(row[1:4], (16_383, 16_383, 179), strict=False)]
        kind = _FROM_FIELDS.get(row[4].strip().upper()) if len(row) > 4 else None
        if len(numbers) < 3 or None in numbers or kind is None:
            return None
        quality = _whole(row[5], 255) if len(row) > 5 else 0
        out[at] = (kind, *numbers, quality or 0)
    return out if len(rows) < 256 else None


def _whole(text: str, most: int) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 11 and int(text) <= most else None
