"""The XML encoding gives the same records as the traditional one, and XML's dangers are refused."""

from __future__ import annotations

import base64
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limen import exchange
from limen.errors import BadFile
from limen.exchange import an2, niem
from limen.exchange.an2 import examiner
from limen.exchange.an2.rules import check
from limen.images import decode, wsq
from limen.terms import Modality, Position

PIXELS = (np.indices((80, 64)).sum(axis=0) * 3 % 256).astype(np.uint8)
WSQ = wsq.encode(PIXELS)

SPACES = (
    'xmlns:itl="http://biometrics.nist.gov/standard/2011" xmlns:biom="http://niem.gov/niem/biometrics/1.0" '
    'xmlns:nc="http://niem.gov/niem/niem-core/2.0" xmlns:int-i="http://interpol.int/int-i/1.0"'
)


def element(name: str, *content: str) -> str:
    return f"<{name}>{''.join(content)}</{name}>"


def identified(name: str, value: str, *more: str) -> str:
    return element(name, *more, element("nc:IdentificationID", value))


def dated(name: str, value: str, kind: str = "Date") -> str:
    return element(name, element(f"nc:{kind}", value))


def type_1(domain: str = "INT-I", kind: str = "CPS") -> str:
    return element(
        "itl:PackageInformationRecord",
        element("biom:RecordCategoryCode", "1"),
        element(
            "biom:Transaction",
            dated("biom:TransactionDate", "2026-11-22"),
            element("int-i:TransactionDestinationOrganization", identified("nc:OrganizationIdentification", "INT")),
            element(
                "int-i:TransactionOriginatingOrganization",
                element("nc:OrganizationName", "BKA & Söhne".replace("&", "&amp;")),
            ),
            dated("biom:TransactionUTCDate", "2026-11-22T11:00:05Z", "DateTime"),
            identified("biom:TransactionControlIdentification", "TCN-7"),
            element(
                "biom:TransactionDomain",
                identified("biom:DomainVersionNumberIdentification", "6.0"),
                element("biom:TransactionDomainName", domain),
            ),
            element(
                "biom:TransactionImageResolutionDetails",
                element("biom:NativeScanningResolutionValue", "00.00"),
                element("biom:NominalTransmittingResolutionValue", "00.00"),
            ),
            element("biom:TransactionMajorVersionValue", "05"),
            element("biom:TransactionMinorVersionValue", "02"),
            element("int-i:TransactionCategoryCode", kind),
            element(
                "biom:TransactionContentSummary",
                element("biom:ContentFirstRecordCategoryCode", "1"),
                element("biom:ContentRecordQuantity", "1"),
                element(
                    "biom:ContentRecordSummary",
                    identified("biom:ImageReferenceIdentification", "0"),
                    element("biom:RecordCategoryCode", "2"),
                ),
            ),
        ),
    )


def name(given: str, surname: str, maiden: str = "") -> str:
    parts = element("nc:PersonGivenName", given) + element("nc:PersonSurName", surname)
    return element("int-i:PersonName", parts, element("nc:PersonMaidenName", maiden) if maiden else "")


GERMANY = element("int-i:LocationCountryISO3166Alpha3Code", "DEU")
TYPE_2 = element(
    "itl:PackageDescriptiveTextRecord",
    element("biom:RecordCategoryCode", "02"),
    identified("biom:ImageReferenceIdentification", "0"),
    element(
        "itl:UserDefinedDescriptiveDetail",
        element(
            "int-i:DomainDefinedDescriptiveDetail",
            element(
                "int-i:RecordSubject",
                dated("nc:PersonBirthDate", "1950-12-01"),
                element("nc:PersonCitizenshipISO3166Alpha3Code", "DEU"),
                name("Renate", "Mustermann", "Schmidt"),
                element(
                    "int-i:PersonAliases",
                    element("int-i:PersonName", element("int-i:PersonExtendedName", "Die Frau")),
                    name("Erika", "Schneider"),
                ),
                element("int-i:PersonSexCode", "F"),
                element("int-i:PersonFather", element("nc:PersonGivenName", "Max")),
            ),
            element("int-i:RecordOffence", element("int-i:OffenceDescriptionText", "Fraud")),
            element(
                "int-i:RecordMetadata",
                element(
                    "int-i:MiscellaneousIdentification",
                    identified("int-i:NationalPersonIdentifier", "123", GERMANY),
                ),
                element(
                    "int-i:ContactInformation",
                    element("nc:OrganizationName", "NCB Berlin"),
                    element("int-i:AdditionalContactInformationText", "Call at once"),
                ),
                dated("nc:ExpirationDate", "2030-07-10"),
            ),
        ),
    ),
)  # fmt: skip


def image(record: str, kind: int, idc: int, data: bytes, *details: str) -> str:
    return element(
        f"itl:{record}",
        element("biom:RecordCategoryCode", str(kind)),
        identified("biom:ImageReferenceIdentification", str(idc)),
        element(
            "biom:Image",
            element("nc:BinaryBase64Object", base64.encodebytes(data).decode()),
            element("biom:ImageBitsPerPixelQuantity", "8"),
            element("biom:ImageCaptureDetail", dated("biom:CaptureDate", "2026-05-01"),
                    element("biom:CaptureOrganization", identified("nc:OrganizationIdentification", "BKA"))),
            element("biom:ImageCompressionAlgorithmText", "WSQ20"),
            element("biom:ImageHorizontalLineLengthPixelQuantity", "64"),
            element("biom:ImageHorizontalPixelDensityValue", "500"),
            element("biom:ImageScaleUnitsCode", "1"),
            element("biom:ImageVerticalLineLengthPixelQuantity", "80"),
            element("biom:ImageVerticalPixelDensityValue", "500"),
            *details,
        ),
    )  # fmt: skip


PRINT = image(
    "PackageFingerprintImageRecord", 14, 1, WSQ,
    element("biom:FingerprintImageImpressionCaptureCategoryCode", "0"),
    element("biom:FingerprintImageQuality", element("biom:FingerPositionCode", "9")),
    element("biom:FingerPositionCode", "7"),
)  # fmt: skip


def package(*records: str, before: str = "") -> bytes:
    root = f"<itl:NISTBiometricInformationExchangePackage {SPACES}>{''.join(records)}"
    return (
        f"<?xml version='1.0' encoding='UTF-8'?>{before}{root}</itl:NISTBiometricInformationExchangePackage>".encode()
    )


def test_an_interpol_package() -> None:
    transaction = niem.read(package(type_1(), TYPE_2, PRINT))
    assert not transaction.problems
    assert check(transaction, "int-i") == []
    assert (transaction.kind, transaction.domain) == ("CPS", "INT-I")
    assert [transaction.type1.text(n) for n in (2, 5, 7, 8, 9, 14)] == [
        "0502", "20261122", "INT", "BKA & Söhne", "TCN-7", "20261122110005Z"
    ]  # fmt: skip
    assert an2.person_fields(transaction) == {
        "record_id": "DEU/123",
        "names": ["Renate Mustermann (née Schmidt)", "Die Frau", "Erika Schneider"],
        "date_of_birth": "1950-12-01",
        "sex": "F",
        "nationalities": ["DEU"],
        "offence": "Fraud",
        "instructions": "NCB Berlin; Call at once",
        "valid_until": "2030-07-10",
    }
    (sample,) = an2.samples(transaction)
    assert (sample.modality, sample.position, sample.ppi) == (Modality.FINGER, Position.LEFT_INDEX, 500)
    assert sample.data == WSQ
    assert sample.captured == "2026-05-01"


def test_it_can_be_written_in_the_traditional_encoding() -> None:
    transaction = niem.read(package(type_1(), TYPE_2, PRINT))
    header = an2.Header("CPS", "INT", "BKA", control="TCN-7")
    again = an2.read(an2.write(header, transaction.records[1:]))
    assert an2.person_fields(again) == an2.person_fields(transaction)
    assert [s.data for s in an2.samples(again)] == [WSQ]
    assert check(again, "int-i") == []


def test_faces_palms_marks_and_type_4() -> None:
    records = [
        image("PackageFacialAndSMTImageRecord", 10, 2, WSQ, element("biom:ImageCategoryCode", "FACE"),
              element("biom:ImageColorSpaceCode", "GRAY")),
        image("PackagePalmprintImageRecord", 15, 3, WSQ, element("biom:PalmPositionCode", "21")),
        image("PackageLatentImageRecord", 13, 4, WSQ, element("biom:FrictionRidgePositionCode", "0")),
        image("PackageHighResolutionGrayscaleImageRecord", 4, 5, WSQ, element("biom:FingerPositionCode", "1")),
    ]  # fmt: skip
    found = an2.samples(niem.read(package(type_1(), TYPE_2, *records)))
    assert [(s.modality, s.position) for s in found] == [
        (Modality.FACE, 0), (Modality.PALM, 21), (Modality.MARK, 0), (Modality.FINGER, 1)
    ]  # fmt: skip
    assert all(decode(sample.data).pixels.shape == (80, 64) for sample in found)


def test_slaps_with_segments() -> None:
    slap = np.full((200, 400), 90, np.uint8)
    square = element(
        "biom:FingerprintImageSegmentPositionSquare",
        element("biom:FingerPositionCode", "2"),
        *(element(f"biom:Segment{side}CoordinateValue", value) for side, value in
          (("BottomVertical", "179"), ("LeftHorizontal", "10"), ("RightHorizontal", "109"), ("TopVertical", "20"))),
    )  # fmt: skip
    data = image(
        "PackageFingerprintImageRecord", 14, 1, wsq.encode(slap), element("biom:FingerPositionCode", "13"), square
    )
    (finger,) = an2.samples(niem.read(package(type_1(), TYPE_2, data)))
    assert (finger.position, finger.width, finger.height) == (Position.RIGHT_INDEX, 100, 160)


def test_minutiae_of_a_mark() -> None:
    minutia = element(
        "biom:INCITSMinutia", identified("biom:MinutiaIdentification", "1"),
        element("biom:INCITSMinutiaLocation", element("biom:PositionHorizontalCoordinateValue", "30"),
                element("biom:PositionVerticalCoordinateValue", "40"),
                element("biom:ImageLocationThetaAngleMeasure", "45")),
        element("biom:INCITSMinutiaCategoryCode", "2"), element("biom:MinutiaQualityValue", "50"),
    )  # fmt: skip
    shape = element(
        "biom:FingerImpressionImage", element("biom:ImageHorizontalPixelDensityValue", "1000"),
        element("biom:ImageScaleUnitsCode", "1"), element("biom:ImageVerticalPixelDensityValue", "1000"),
    )  # fmt: skip
    record = element("itl:PackageMinutiaeRecord", element("biom:RecordCategoryCode", "9"),
                     identified("biom:ImageReferenceIdentification", "0"),
                     element("biom:INCITSMinutiae", shape, minutia))  # fmt: skip
    found = examiner.template(niem.read(package(type_1(), record)).of_type(9)[0])
    assert found is not None
    assert (found.x[0], found.y[0], round(float(np.degrees(found.angle[0])))) == (15, 20, 90)


def test_north_american_packages() -> None:
    fields = an2.person_fields(niem.read(package(type_1("NORAM"), TYPE_2)))
    assert fields["names"][:1] == ["Renate Mustermann"]  # type: ignore[index]
    assert fields["date_of_birth"] == "1950-12-01"


LAUGHS = "<!DOCTYPE x [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{('&' + chr(97 + n) + ';') * 10}'>" for n in range(12)
)


@pytest.mark.parametrize(
    "before",
    [
        LAUGHS + "]>",
        "<!DOCTYPE x SYSTEM 'http://example.org/x.dtd'>",
        "<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE x>",
    ],
)
def test_document_types_and_entities_are_refused(before: str) -> None:
    with pytest.raises(BadFile, match="document type"):
        niem.read(package(type_1(), TYPE_2, before=before))


def test_an_undeclared_entity_is_not_well_formed() -> None:
    with pytest.raises(BadFile, match="not well-formed"):
        niem.read(package(type_1().replace("TCN-7", "&f;")))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<",
        b"<a/>",
        b"<a><b></a>",
        b"not xml",
        package(),
        package(TYPE_2),
        package(type_1())[:-5],
        b"\xff\xfe<\0a\0",
    ],
)
def test_what_is_no_package_is_refused(data: bytes) -> None:
    with pytest.raises(BadFile):
        niem.read(data)


def test_unknown_encodings_are_refused() -> None:
    for encoding in (b"TF-8", b"rot13", b"utf-7", b"big5"):
        with pytest.raises(BadFile):
            niem.read(package(type_1()).replace(b"UTF-8", encoding))


def test_deep_and_many_elements_are_refused_soon() -> None:
    started = time.process_time()
    with pytest.raises(BadFile, match="deeper than"):
        niem.read(b"<a>" * 1_000_000)
    with pytest.raises(BadFile, match="more than"):
        niem.read(b"<a>" + b"<b/>" * 2_000_000)
    assert time.process_time() - started < 5


def test_broken_images_and_records_are_problems() -> None:
    transaction = niem.read(package(type_1(), PRINT.replace(base64.encodebytes(WSQ).decode(), "no base64!"), "<x/>"))
    assert [(p.record, p.field) for p in transaction.problems] == [(1, "14.999"), (2, "")]
    assert an2.samples(transaction) == []


def test_xml_is_recognised() -> None:
    assert niem.looks_like_xml(b"\xef\xbb\xbf<?xml")
    assert niem.looks_like_xml("<?xml".encode("utf-16"))
    assert not niem.looks_like_xml(b"1.001:10")


GOOD = package(type_1(), TYPE_2, PRINT.replace(base64.encodebytes(WSQ).decode(), "AAAA"))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_mutated_packages_are_read_or_refused(data: st.DataObject) -> None:
    mutated = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 6))):
        spot = data.draw(st.integers(0, len(mutated) - 1))
        if data.draw(st.booleans()):
            mutated[spot] = data.draw(st.sampled_from(b"<>/&;0129ax\xff"))
        else:
            del mutated[spot : spot + data.draw(st.integers(1, 60))]
    try:
        transaction = niem.read(bytes(mutated))
    except BadFile:
        return
    an2.person_fields(transaction)
    an2.samples(transaction)
    check(transaction, "int-i")


def test_either_encoding_is_read_and_recognised() -> None:
    both = [package(type_1(), TYPE_2, PRINT), an2.write(an2.Header("CPS", "A", "B"), [])]
    for data in both:
        assert exchange.is_transaction(data[:4096])
        assert exchange.read(data).kind == "CPS"
    for other in (b"", WSQ, b"<html>", b"1.002:"):
        assert not exchange.is_transaction(other)
