"""One record as an owner describes it, checked: what every way of importing comes down to."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from limen import countries
from limen.errors import BadInput
from limen.records.personal import Personal
from limen.terms import Disclosure, Modality, Notice, Position, Purpose, Sex

MAX_IMAGES = 200  # of one record: all fingers, palms and faces, several times
_STATELESS = ("XXA", "XXB", "XXC", "XXX")  # ICAO Doc 9303-3, section 5: stateless, refugees, unspecified
_MODALITY_WORDS = {
    "portrait": Modality.FACE,
    "photo": Modality.FACE,
    "fingerprint": Modality.FINGER,
    "print": Modality.FINGER,
    "palmprint": Modality.PALM,
    "latent": Modality.MARK,
}
_PURPOSES = {  # what a notice asks for, where the owner does not say
    Notice.YELLOW: Purpose.IDENTIFY_PERSON,
    Notice.BLACK: Purpose.IDENTIFY_DEAD,
    Notice.GREEN: Purpose.ALERT,
    Notice.ORANGE: Purpose.ALERT,
    Notice.BLUE: Purpose.CRIMINAL_INVESTIGATION,
    Notice.PURPLE: Purpose.CRIMINAL_INVESTIGATION,
}

E = TypeVar("E", Sex, Notice, Purpose, Disclosure)


@dataclass(frozen=True)
class ImageRef:
    """An image of a record: path below the import's folder, what it is said to be, and its resolution (0 as stated)."""

    file: str
    modality: Modality
    position: Position
    ppi: int = 0


@dataclass(frozen=True)
class Reject:
    """What could not be imported and why; never any content.

    Attributes:
        file: image's or manifest's place, such as `faces/a.jpg` or `manifest.csv:12`.
        record: the owner's record id, where known.
        reason, advice: one sentence each; advice may be empty.
        kind: `image`, `record`, `row` or `part` (of a file), by what was left out.
    """

    file: str
    record: str
    reason: str
    advice: str = ""
    kind: str = "row"


@dataclass(frozen=True)
class Entry:
    """A record to be imported.

    Attributes:
        personal: sealed fields.
        purpose: see `terms.Purpose`.
        visible: bitmap of `limen.countries`.
        valid_from, valid_until: Unix seconds; None where the owner does not say.
        images: at least one.
        place: where it was described, such as `manifest.csv:12`.
    """

    personal: Personal
    purpose: Purpose
    visible: bytes
    valid_from: int | None
    valid_until: int | None
    images: Sequence[ImageRef]
    place: str = ""

    @property
    def record_id(self) -> str:
        """The owner's own id."""
        return self.personal.record_id


def entry_of(record_id: str, values: Mapping[str, Any], images: Sequence[ImageRef], place: str = "") -> Entry:
    """A checked entry from a manifest's values.

    Raises:
        BadInput: a value cannot be used; the message names the column, never its content beyond codes and dates.
    """
    if not images:
        raise BadInput("The record has no images.", advice="List at least one face, finger, palm or mark.")
    if len(images) > MAX_IMAGES:
        raise BadInput(f"The record has {len(images)} images, more than {MAX_IMAGES}.")
    notice = _one_of(Notice, "notice", values.get("notice"))
    personal = Personal(
        record_id=record_id,
        names=tuple(_texts(values.get("names"), r"[;|]")),
        date_of_birth=_text(values.get("date_of_birth")),
        sex=_one_of(Sex, "sex", _sex(values.get("sex"))) or Sex.UNKNOWN,
        nationalities=tuple(_nationality(code) for code in _texts(values.get("nationalities"), r"[;|,\s]+")),
        notice=notice,
        notice_number=_text(values.get("notice_number")),
        offence=_text(values.get("offence")),
        instructions=_text(values.get("instructions")),
        contact=_text(values.get("contact")),
        disclosure=_one_of(Disclosure, "disclosure", values.get("disclosure")) or Disclosure.FULL,
    )
    default = _PURPOSES.get(notice, Purpose.LOCATE_WANTED) if notice else Purpose.LOCATE_WANTED
    return Entry(
        personal=personal,
        purpose=_one_of(Purpose, "purpose", values.get("purpose")) or default,
        visible=visibility(values.get("visible_to")),
        valid_from=moment("valid_from", values.get("valid_from")),
        valid_until=moment("valid_until", values.get("valid_until"), end=True),
        images=[replace(image, file=image.file.replace("\\", "/")) for image in images],
        place=place,
    )


def image_kind(word: str) -> tuple[Modality, Position]:
    """Modality and position from `face`, `right-index`, `finger:right-index`, `2`, `palm:21`, `mark`, ...

    Raises:
        BadInput: it names neither.
    """
    first, colon, rest = word.strip().lower().partition(":")
    modality = _modality(first)
    try:
        if colon:
            if modality is None:
                raise BadInput(f"'{first[:40]}' is no modality.", advice="Use face, finger, palm or mark.")
            return modality, _position(rest) if rest.strip() else _default(modality)
        return (modality, _default(modality)) if modality else _of_position(_position(first))
    except ValueError as error:
        raise BadInput(f"'{word[:40]}' names no kind of image.", advice=f"{error}; or face, palm, mark.") from None


def visibility(value: Any) -> bytes:
    """Bitmap from `all` (or nothing), `none` (the owner alone), or codes. `BadInput` names a code that is none."""
    words = _texts(value, r"[;|,\s]+")
    if not words or [word.lower() for word in words] in (["all"], ["*"]):
        return countries.EVERYONE
    if [word.lower() for word in words] in (["none"], ["owner"]):
        return countries.bitmap([])
    return countries.bitmap(words)


def moment(column: str, value: Any, *, end: bool = False) -> int | None:
    """Unix seconds from an ISO 8601 date or time (UTC unless it says otherwise); a day as an end is included.

    Raises:
        BadInput: it is none, or before 1970.
    """
    text = _text(value)
    if not text:
        return None
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            day = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)
            time = day + datetime.timedelta(days=1) if end else day
        else:
            time = datetime.datetime.fromisoformat(text)
            time = time if time.tzinfo else time.replace(tzinfo=datetime.UTC)
        seconds = int(time.timestamp())
    except (ValueError, OverflowError):
        seconds = -1
    if seconds < 0:
        raise BadInput(f"The column '{column}' is no date.", advice="Use YYYY-MM-DD.")
    return seconds


def _modality(word: str) -> Modality | None:
    word = word.strip()
    return _MODALITY_WORDS.get(word) or next((one for one in Modality if one.slug == word), None)


def _position(word: str) -> Position:
    return Position.parse(word.replace(" ", "-"))


def _default(modality: Modality) -> Position:
    return Position.UNKNOWN_PALM if modality is Modality.PALM else Position.UNKNOWN


def _of_position(position: Position) -> tuple[Modality, Position]:
    return (Modality.PALM if position >= Position.UNKNOWN_PALM else Modality.FINGER), position


def _one_of(kind: type[E], column: str, value: Any) -> E | None:
    text = _text(value).lower().replace("_", "-").replace(" ", "-")
    if not text:
        return None
    for one in kind:
        if one.value.lower() == text:
            return one
    raise BadInput(f"The column '{column}' has a word that is not known.", advice=f"Use one of {', '.join(kind)}.")


def _sex(value: Any) -> str:
    text = _text(value).lower()
    return {"male": "m", "female": "f", "unknown": "x", "u": "x", "w": "f"}.get(text, text)


def _nationality(code: str) -> str:
    word = code.upper()
    return word if word in _STATELESS else countries.check(word)


def _texts(value: Any, separator: str) -> list[str]:
    parts = value if isinstance(value, list) else re.split(separator, _text(value))
    return [part for part in (_text(part) for part in parts) if part]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value).strip()
    raise BadInput("A value is neither text nor a number.")
