"""What an encounter says of a person, in the hub's own fields; and what of it is kept as it came."""

from __future__ import annotations

import json
from typing import Any

from limen.errors import BadFile
from limen.exchange.osia.models import Encounter

MAX_REST = 256 << 10  # bytes of JSON beside the images
#: OSIA's data dictionary names the biographic ones; the contextual ones are Limen's, documented in docs/osia.md.
_BIOGRAPHIC = {"dateOfBirth": "date_of_birth", "gender": "sex"}
_CONTEXTUAL = {
    "notice": "notice",
    "noticeNumber": "notice_number",
    "offence": "offence",
    "instructions": "instructions",
    "contact": "contact",
    "validFrom": "valid_from",
    "validUntil": "valid_until",
    "visibleTo": "visible_to",
}
_BYTES = ("image", "template")


def person(encounter: Encounter) -> dict[str, Any]:
    """Values by the manifest's columns (`records.entry.entry_of`), as far as the encounter gives them."""
    biographic = encounter.biographicData if isinstance(encounter.biographicData, dict) else {}
    contextual = encounter.contextualData if isinstance(encounter.contextualData, dict) else {}
    found = {ours: biographic[theirs] for theirs, ours in _BIOGRAPHIC.items() if theirs in biographic}
    found |= {ours: contextual[theirs] for theirs, ours in _CONTEXTUAL.items() if theirs in contextual}
    names = [_name(biographic), *_texts(biographic.get("aliases"))]
    found["names"] = [name for name in names if name]
    found["nationalities"] = _texts(biographic.get("nationality"))
    return found


def rest(encounter: Encounter) -> bytes:
    """The encounter without its images, as JSON; `BadFile` if that is too large to keep."""
    whole = encounter.model_dump(exclude_unset=True, exclude={"encounterId", "createdDate", "updatedDate"})
    items = [item.model_dump(exclude_unset=True, exclude=set(_BYTES)) for item in encounter.biometricData]
    text = json.dumps(whole | {"biometricData": items}, ensure_ascii=False, separators=(",", ":"))
    packed = text.encode("utf-8", "replace")
    if len(packed) > MAX_REST:
        raise BadFile(f"There are more than {MAX_REST >> 10} KiB beside the images.")
    return packed


def _name(biographic: dict[str, Any]) -> str:
    parts = [biographic.get("lastName"), biographic.get("firstName")]
    return ", ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())


def _texts(value: Any) -> list[str]:
    words = value if isinstance(value, list) else [value]
    return [word for word in words if isinstance(word, str) and word]
