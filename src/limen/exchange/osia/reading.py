"""From a request's bytes to what it asks; everything that cannot be served is refused here, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from limen.errors import BadFile, NotAllowed
from limen.exchange.osia.models import (
    BIOMETRIC_TYPES,
    BiometricData,
    Encounter,
    Encryption,
    IdentifyRequest,
    Integrity,
    VerifyFromBioRequest,
    VerifyFromIdRequest,
)
from limen.exchange.osia.samples import OsiaSample, samples
from limen.terms import Purpose

MAX_ITEMS = 200  # biometric items of one request: all fingers, palms and faces, several times

Model = TypeVar("Model", bound=BaseModel)
_FILTER = TypeAdapter(dict[str, Any], config=ConfigDict(strict=True))


@dataclass(frozen=True)
class Probe:
    """What to search with."""

    samples: list[OsiaSample]


def encounter(data: bytes) -> Encounter:
    """An encounter that may be kept.

    Raises:
        BadFile: no such JSON; the message names the field, never its content.
        NotAllowed: it holds what the hub takes from nobody (templates, references to elsewhere, encrypted parts), or
            is in another gallery than the hub has.
    """
    found = parsed(data, Encounter)
    _whole(found.encryption, found.integrity)
    _plain(found.biometricData)
    gallery(found.galleries)
    return found


def gallery(names: object) -> Purpose:
    """The one purpose that an encounter's galleries name.

    Raises:
        NotAllowed: it is in several galleries, or in one that there is not: clients make none.
    """
    purposes = [purpose.value for purpose in Purpose]
    if not isinstance(names, list) or len(names) != 1 or names[0] not in purposes:
        raise NotAllowed(
            "An encounter is in exactly one gallery, one of the purposes that the hub's rules allow.",
            advice=f"Use one of: {', '.join(purposes)}.",
        )
    return Purpose(names[0])


def probe(data: bytes, *, verify: bool) -> Probe:
    """The samples of a search (`IdentifyRequest`) or of a verification (`VerifyFromIdRequest`).

    Raises:
        As `encounter`; also `NotAllowed` for a filter that the hub does not have.
    """
    found = parsed(data, VerifyFromIdRequest) if verify else parsed(data, IdentifyRequest)
    _whole(found.encryption, found.integrity)
    _plain(found.biometricData)
    wanted = modalities(found.filter) if isinstance(found, IdentifyRequest) else BIOMETRIC_TYPES
    asked = samples([item for item in found.biometricData if item.biometricType in wanted])
    if not asked:
        raise NotAllowed("There is no image of a face, finger, palm or mark to search with.")
    return Probe(asked)


def check_pair(data: bytes) -> None:
    """`BadFile` unless it is a `VerifyFromBioRequest`."""
    parsed(data, VerifyFromBioRequest)


def criteria(data: bytes) -> dict[str, Any]:
    """A request's `Filter`; `BadFile` if it is no JSON object."""
    try:
        found = _FILTER.validate_json(data)
    except ValidationError:
        raise BadFile("The body is no filter.") from None
    return found


def modalities(criteria: dict[str, Any]) -> Sequence[str]:
    """OSIA's words for the modalities that a filter leaves.

    Raises:
        BadFile: `biometricType` is no list of the standard's words.
        NotAllowed: other filters. Names and dates are sealed: the search cannot look at them.
    """
    if others := set(criteria) - {"biometricType"}:
        raise NotAllowed(
            f"The hub has no filter for {len(others)} of the fields that are asked for; it has biometricType alone.",
            advice="Personal fields are sealed, and no search looks at them.",
        )
    wanted = criteria.get("biometricType", list(BIOMETRIC_TYPES))
    if not isinstance(wanted, list) or not all(word in BIOMETRIC_TYPES for word in wanted):
        raise BadFile("The field 'filter.biometricType' is no list of biometric types.")
    return wanted


def parsed(data: bytes, model: type[Model]) -> Model:
    """One of the standard's structures; `BadFile` names the field that is not as it must be."""
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])[:80]
        what = f"The field '{where}'" if where else "The body"
        raise BadFile(f"{what} is missing or not as OSIA has it.") from None


def _whole(encryption: Encryption | None, integrity: list[Integrity]) -> None:
    if encryption is not None:
        raise NotAllowed("The hub opens no data that is encrypted in OSIA's way.", advice="Send it over TLS.")
    if integrity:
        raise NotAllowed(
            "The hub does not check OSIA's integrity blocks.",
            advice="Leave them out; the signature over the request covers all of it.",
        )


def _plain(items: list[BiometricData]) -> None:
    if len(items) > MAX_ITEMS:
        raise BadFile(f"There are more than {MAX_ITEMS} biometric items.")
    for item in items:
        _whole(item.encryption, item.integrity)
        if item.template or item.templateRef:
            raise NotAllowed(
                "The hub takes no templates: it extracts from images itself.", advice="Send the image instead."
            )
        if item.imageRef:
            raise NotAllowed("The hub fetches nothing from elsewhere.", advice="Send the image itself, in `image`.")
