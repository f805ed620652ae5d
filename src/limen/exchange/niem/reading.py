"""NIEM XML to the records of `limen.exchange.an2`: elements become the fields that the traditional encoding numbers.

Read: Types 1, 2 (INT-I's and the common elements of others), 4, 9 (INCITS minutiae), 10, 13, 14, 15; others are kept by
type and IDC only. Element names: the standard's Annex C and INTERPOL's machine readable tables, version 6.0.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

from limen.errors import BadFile
from limen.exchange.an2.reading import MAX_RECORDS
from limen.exchange.an2.records import Field, Problem, Record, Transaction
from limen.exchange.niem import persons
from limen.exchange.niem.paths import at, date, every, stamp, text, within
from limen.exchange.niem.safe_xml import parse

_ROOT = "NISTBiometricInformationExchangePackage"
_TYPE_4_CODES = {"NONE": "0", "WSQ20": "1", "JPEGB": "2", "JPEGL": "3", "JP2": "4", "JP2L": "5", "PNG": "6"}
#: Elements with positions or images of their own, inside an image's element.
_SUBORDINATE = ("Segment", "Missing", "Quality", "INCITSMinutia", "MinutiaeQuality", "OriginalImage")


def looks_like_xml(data: bytes) -> bool:
    """Whether the bytes begin as XML does (with a byte order mark or white space before it, or in UTF-16)."""
    return data[:64].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<")


def read(data: bytes) -> Transaction:
    """Take a NIEM XML file apart.

    Raises:
        BadFile: not well-formed, with a document type or entities, too large, or no ANSI/NIST-ITL package.
    """
    root = parse(data)
    if root.tag != _ROOT:
        raise BadFile("The XML file is no ANSI/NIST-ITL package.", advice=f"Its root must be {_ROOT}.")
    records: list[Record] = []
    problems: list[Problem] = []
    for element in root:
        kind = text(element, "RecordCategoryCode")
        if not (kind.isascii() and kind.isdigit() and 0 < int(kind[:4]) < 100):
            problems.append(Problem(len(records), "", "has no record category code"))
            continue
        if len(records) >= MAX_RECORDS:
            problems.append(Problem(None, "", f"more than {MAX_RECORDS} records; the rest is not read"))
            break
        records.append(_record(element, int(kind), len(records), records, problems))
    if not records or records[0].type != 1:
        raise BadFile("The package does not begin with a Type-1 record.", advice="It is PackageInformationRecord.")
    return Transaction(tuple(records), tuple(problems), bytes(data))


def _record(element: Element, kind: int, index: int, records: list[Record], problems: list[Problem]) -> Record:
    identifier = text(element, "ImageReferenceIdentification", "IdentificationID")
    idc = int(identifier) if identifier.isascii() and identifier.isdigit() and len(identifier) < 4 else None
    readers: dict[int, Callable[[Element], Iterator[tuple[int, list[list[str]]]]]] = {
        1: _type_1, 9: _type_9, 4: _type_4, 10: _type_10, 13: _ridges, 14: _ridges, 15: _ridges
    }  # fmt: skip
    if kind == 2:
        rows = persons.fields(element, records[0].text(13) if records else "")
    else:
        rows = readers.get(kind, lambda _: iter(()))(element)
    fields = [Field(number, tuple(tuple(row) for row in values)) for number, values in rows if _filled(values)]
    if idc is not None:
        fields.append(Field(2, ((str(idc),),)))
    image, complaint = _image(element) if kind in (4, 10, 13, 14, 15) else (b"", "")
    if complaint:
        problems.append(Problem(index, f"{kind}.999", complaint))
    return Record(kind, idc, tuple(sorted(fields, key=lambda field: field.number)), image)


def _filled(values: list[list[str]]) -> bool:
    return any(item for row in values for item in row)


def _image(element: Element) -> tuple[bytes, str]:
    """The image's bytes, and what is wrong with their base64."""
    encoded = text(element, "BinaryBase64Object")
    try:
        return base64.b64decode("".join(encoded.split()), validate=True), ""
    except (binascii.Error, ValueError):
        return b"", "the image is no valid base64"


def _type_1(element: Element) -> Iterator[tuple[int, list[list[str]]]]:
    major, minor = text(element, "TransactionMajorVersionValue"), text(element, "TransactionMinorVersionValue")
    summaries = every(element, "ContentRecordSummary")
    rows = [
        [text(s, "RecordCategoryCode"), text(s, "ImageReferenceIdentification", "IdentificationID")] for s in summaries
    ]
    control = ("TransactionControlIdentification", "IdentificationID")
    yield 2, [[f"{major:0>2}{minor:0>2}"]] if major else []
    yield 3, [["1", text(element, "ContentRecordQuantity") or str(len(rows))], *rows]
    yield 4, [[text(element, "TransactionCategoryCode")]]
    yield 5, [[date(at(element, "TransactionDate"))]]
    yield 6, [[text(element, "TransactionPriorityValue")]]
    yield 7, [[_organization(at(element, "TransactionDestinationOrganization"))]]
    yield 8, [[_organization(at(element, "TransactionOriginatingOrganization"))]]
    yield 9, [[text(element, *control)]]
    yield 10, [[text(element, "TransactionControlReferenceIdentification", "IdentificationID")]]
    yield 11, [[text(element, "NativeScanningResolutionValue")]]
    yield 12, [[text(element, "NominalTransmittingResolutionValue")]]
    domain = at(element, "TransactionDomain")
    yield 13, [[text(domain, "TransactionDomainName"), text(domain, "IdentificationID")]]
    yield 14, [[stamp(at(element, "TransactionUTCDate"))]]


def _organization(element: Element | None) -> str:
    return text(element, "OrganizationIdentification", "IdentificationID") or text(element, "OrganizationName")


def _size(element: Element) -> Iterator[tuple[int, list[list[str]]]]:
    yield 4, [[_organization(at(element, "CaptureOrganization"))]]
    yield 5, [[date(at(element, "CaptureDate"))]]
    yield 6, [[text(element, "ImageHorizontalLineLengthPixelQuantity")]]
    yield 7, [[text(element, "ImageVerticalLineLengthPixelQuantity")]]
    yield 8, [[text(element, "ImageScaleUnitsCode")]]
    yield 9, [[text(element, "ImageHorizontalPixelDensityValue")]]
    yield 10, [[text(element, "ImageVerticalPixelDensityValue")]]
    yield 11, [[_compression(element)]]


def _compression(element: Element) -> str:
    return text(element, "ImageCompressionAlgorithmText") or text(element, "ImageCompressionAlgorithmCode")


def _type_10(element: Element) -> Iterator[tuple[int, list[list[str]]]]:
    yield 3, [[text(element, "ImageCategoryCode")]]
    yield from _size(element)
    yield 12, [[text(element, "ImageColorSpaceCode")]]


def _ridges(element: Element) -> Iterator[tuple[int, list[list[str]]]]:
    yield 3, [[_impression(element)]]
    yield from _size(element)
    yield 12, [[text(element, "ImageBitsPerPixelQuantity")]]
    yield 13, _positions(element)
    names = ("FingerPositionCode", "SegmentLeftHorizontalCoordinateValue", "SegmentRightHorizontalCoordinateValue",
             "SegmentTopVerticalCoordinateValue", "SegmentBottomVerticalCoordinateValue")  # fmt: skip
    yield 21, [[text(s, name) for name in names] for s in every(element, "FingerprintImageSegmentPositionSquare")]


def _type_4(element: Element) -> Iterator[tuple[int, list[list[str]]]]:
    yield 3, [[_impression(element)]]
    yield 4, _positions(element)
    yield 5, [[text(element, "ImageResolutionCode") or "0"]]
    yield 6, [[text(element, "ImageHorizontalLineLengthPixelQuantity")]]
    yield 7, [[text(element, "ImageVerticalLineLengthPixelQuantity")]]
    yield 8, [[_TYPE_4_CODES.get(_compression(element).upper(), "")]]


def _impression(element: Element) -> str:
    return next((e.text or "" for e in within(element) if e.tag.endswith("ImpressionCaptureCategoryCode")), "")


def _positions(element: Element) -> list[list[str]]:
    """Positions of the image itself, not those of its segments, missing fingers or quality marks."""
    found = within(element, skip=_SUBORDINATE)
    return [[e.text or ""] for e in found if e.tag.endswith("PositionCode") and "Pose" not in e.tag]


def _type_9(element: Element) -> Iterator[tuple[int, list[list[str]]]]:
    yield 3, [[_impression(element)]]
    block = at(element, "INCITSMinutiae")
    if block is None:
        return
    yield 128, [[text(block, "ImageHorizontalLineLengthPixelQuantity")]]
    yield 129, [[text(block, "ImageVerticalLineLengthPixelQuantity")]]
    yield 130, [[text(block, "ImageScaleUnitsCode")]]
    yield 131, [[text(block, "ImageHorizontalPixelDensityValue")]]
    yield 132, [[text(block, "ImageVerticalPixelDensityValue")]]
    yield 134, _positions(block)
    yield 136, [[text(block, "MinutiaeQuantity")]]
    names = ("IdentificationID", "PositionHorizontalCoordinateValue", "PositionVerticalCoordinateValue",
             "ImageLocationThetaAngleMeasure", "INCITSMinutiaCategoryCode", "MinutiaQualityValue")  # fmt: skip
    yield 137, [[text(minutia, name) for name in names] for minutia in every(block, "INCITSMinutia")]
