"""Type-2 in XML: INT-I's elements by the numbers of its traditional fields; the common person elements for others."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from limen.exchange.niem.paths import at, date, every, text

_NAME_PARTS = ("PersonNamePrefixText", "PersonGivenName", "PersonMiddleName", "PersonSurName", "PersonNameSuffixText",
               "PersonMaidenName", "PersonExtendedName")  # fmt: skip


def fields(element: Element, domain: str) -> Iterator[tuple[int, list[list[str]]]]:
    """Field numbers and their subfields of items, in the numbering of the transaction's domain (1.013)."""
    if domain.upper().startswith("INT"):
        yield from _interpol(element)
    else:
        yield from _north_american(element)


def _interpol(element: Element) -> Iterator[tuple[int, list[list[str]]]]:
    subject = at(element, "RecordSubject")
    for number, name in (
        (7, "NationalCaseIdentifier"),
        (10, "NationalPersonIdentifier"),
        (11, "NationalBusinessReference"),
    ):
        yield number, [[_identifier(at(element, name))]]
    yield 8, [[text(element, "LatentCaseEvidenceIdentifier")]]
    yield 9, [[text(element, "LatentIdentifier")]]
    if subject is not None:
        yield 30, [_name(child) for child in subject if child.tag == "PersonName"][:1]
        yield 34, [_name(alias) for alias in every(at(subject, "PersonAliases"), "PersonName")]
        yield 35, [[date(at(subject, "PersonBirthDate"))]]
        yield 38, [[e.text or ""] for e in every(subject, "PersonCitizenshipISO3166Alpha3Code")]
        yield 39, [[text(subject, "PersonSexCode")]]
    yield 54, [[text(element, "OffenceDescriptionText")]]
    yield 55, [[date(at(element, "OffenceDateTime"))]]
    contact = at(element, "ContactInformation")
    yield 63, [[text(contact, name)] for name in ("TelephoneNumberFullID", "OrganizationName", "PersonFullName",
                                                  "AdditionalContactInformationText")]  # fmt: skip
    yield 64, _respondents(at(element, "RespondentsList"))
    error = at(element, "ErrorMessage")
    yield 74, [[text(error, name) for name in ("ErrorCode", "ErrorFieldMnemonicCode", "ErrorMessageText")]]
    yield 90, [[text(element, "InterpolReferenceNumber")]]
    yield 92, [[date(at(element, "ExpirationDate"))]]


def _identifier(element: Element | None) -> str:
    """Country and number, as the traditional encoding writes them: `DEU/1234`."""
    country, number = text(element, "LocationCountryISO3166Alpha3Code"), text(element, "IdentificationID")
    return f"{country}/{number}" if country and number else number


def _name(element: Element) -> list[str]:
    """Seven items (2.030): prefix, given, middle, surname, suffix, maiden, extended; one if only the last is there."""
    parts = [text(element, part) for part in _NAME_PARTS]
    return [parts[6]] if not any(parts[:6]) else parts


def _respondents(element: Element | None) -> list[list[str]]:
    if element is None:
        return []
    number, total = (
        text(element, "CandidateSequenceID", "IdentificationID"),
        text(element, "TransactionCandidatesTotalQuantity"),
    )
    rows = [[text(element, "TransactionCategoryCode")], [text(element, "TransactionSearchResultsCode")]]
    return [*rows, [f"{number:0>3}/{total:0>3}"]] if number and total else rows


def _north_american(element: Element) -> Iterator[tuple[int, list[list[str]]]]:
    names = []
    for person in every(element, "PersonName"):
        surname, rest = (
            text(person, "PersonSurName"),
            [text(person, "PersonGivenName"), text(person, "PersonMiddleName")],
        )
        given = " ".join(part for part in rest if part)
        names.append(f"{surname},{given}" if given else surname or text(person, "PersonFullName"))
    yield 18, [names[:1]]
    yield 19, [[name] for name in names[1:]]
    yield 21, [[e.text or ""] for e in every(element, "PersonCitizenshipISO3166Alpha3Code")]
    yield 22, [[date(at(element, "PersonBirthDate"))]]
    yield 24, [[text(element, "PersonSexCode")]]
