"""The field's own words, as types: one meaning everywhere, with the codes that travel on the wire.

Sources: ISO/IEC 2382-37 (vocabulary), ANSI/NIST-ITL 1-2011 Table 8 (friction ridge positions),
INTERPOL's Rules on the Processing of Data, Art. 10 (purposes) and Art. 72-75 (notices).
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Modality(IntEnum):
    """What kind of biometric a sample is. The number travels on the wire and is bound into sealed blobs."""

    FACE = 1
    FINGER = 2
    PALM = 3
    MARK = 4  # a crime-scene (latent) friction ridge image

    @property
    def slug(self) -> str:
        """Lower-case name, as in manifests and on the command line."""
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> Modality:
        """Modality from its slug; `ValueError` names the allowed ones."""
        try:
            return cls[text.strip().upper()]
        except KeyError:
            raise ValueError(f"'{text}' is no modality; use one of {', '.join(m.slug for m in cls)}") from None


class Position(IntEnum):
    """Friction ridge position code of ANSI/NIST-ITL 1-2011, Table 8 (the subset that Limen searches)."""

    UNKNOWN = 0
    RIGHT_THUMB = 1
    RIGHT_INDEX = 2
    RIGHT_MIDDLE = 3
    RIGHT_RING = 4
    RIGHT_LITTLE = 5
    LEFT_THUMB = 6
    LEFT_INDEX = 7
    LEFT_MIDDLE = 8
    LEFT_RING = 9
    LEFT_LITTLE = 10
    PLAIN_RIGHT_THUMB = 11
    PLAIN_LEFT_THUMB = 12
    PLAIN_RIGHT_FOUR = 13
    PLAIN_LEFT_FOUR = 14
    PLAIN_THUMBS = 15
    UNKNOWN_PALM = 20
    RIGHT_FULL_PALM = 21
    RIGHT_WRITERS_PALM = 22
    LEFT_FULL_PALM = 23
    LEFT_WRITERS_PALM = 24
    RIGHT_LOWER_PALM = 25
    RIGHT_UPPER_PALM = 26
    LEFT_LOWER_PALM = 27
    LEFT_UPPER_PALM = 28
    RIGHT_OTHER = 29
    LEFT_OTHER = 30
    RIGHT_INTERDIGITAL = 31
    RIGHT_THENAR = 32
    RIGHT_HYPOTHENAR = 33
    LEFT_INTERDIGITAL = 34
    LEFT_THENAR = 35
    LEFT_HYPOTHENAR = 36
    RIGHT_GRASP = 37
    LEFT_GRASP = 38

    @property
    def slug(self) -> str:
        """Lower-case name with hyphens: `right-index`."""
        return self.name.lower().replace("_", "-")

    @property
    def is_finger(self) -> bool:
        """One finger (not a slap of several, not a palm); UNKNOWN counts."""
        return self <= 12

    @property
    def finger(self) -> Position:
        """The finger itself: plain thumbs (11, 12) become thumbs (1, 6); others stay."""
        return {11: Position.RIGHT_THUMB, 12: Position.LEFT_THUMB}.get(self.value, self)

    @classmethod
    def parse(cls, text: str | int) -> Position:
        """Position from a slug or an ANSI/NIST code; `ValueError` lists the fingers."""
        word = str(text).strip()
        try:
            return cls(int(word)) if word.isdigit() else cls[word.upper().replace("-", "_")]
        except (KeyError, ValueError):
            fingers = ", ".join(cls(code).slug for code in range(1, 11))
            raise ValueError(f"'{text}' is no finger position; use an ANSI/NIST code or one of {fingers}") from None


class Answer(StrEnum):
    """The four answers of a search."""

    HIT = "hit"
    NO_HIT = "no-hit"
    REFER = "refer"
    CANNOT_TELL = "cannot-tell"

    @property
    def wire(self) -> int:
        """Code on the wire, 1-4 in the order above."""
        return list(Answer).index(self) + 1

    @classmethod
    def from_wire(cls, code: int) -> Answer:
        """The answer for a wire code; `ValueError` if there is none."""
        if not 1 <= code <= 4:
            raise ValueError(f"{code} is no answer code")
        return list(cls)[code - 1]


class Purpose(StrEnum):
    """Why a search or record is processed: RPD Art. 10, nothing else is allowed."""

    LOCATE_WANTED = "locate-wanted"
    IDENTIFY_PERSON = "identify-person"
    CRIMINAL_INVESTIGATION = "criminal-investigation"
    ALERT = "alert"
    IDENTIFY_DEAD = "identify-dead"
    FORENSIC_ANALYSIS = "forensic-analysis"
    SECURITY_CHECK = "security-check"
    CRIME_ANALYSIS = "crime-analysis"
    BORDER_CONTROL = "border-control"


class Disclosure(StrEnum):
    """How much of a record its owner shows to other countries that find it."""

    FULL = "full"
    IDENTITY = "identity"  # who it is and what asks for them, not what for
    CONTACT = "contact"  # only that there is a record, whose, and whom to call


class Sex(StrEnum):
    """As in travel documents (ICAO 9303) and ANSI/NIST Type-2."""

    FEMALE = "F"
    MALE = "M"
    UNKNOWN = "X"


class Notice(StrEnum):
    """INTERPOL notice colours, and what they ask for."""

    RED = "red"
    BLUE = "blue"
    GREEN = "green"
    YELLOW = "yellow"
    BLACK = "black"
    ORANGE = "orange"
    PURPLE = "purple"
    UN_SPECIAL = "un-special"
    DIFFUSION = "diffusion"

    @property
    def asks(self) -> str:
        """One line for the officer: what the notice asks for."""
        return _NOTICE_ASKS[self]

    @property
    def urgent(self) -> bool:
        """Whether the person must not be let go before someone is called."""
        return self in (Notice.RED, Notice.YELLOW, Notice.ORANGE, Notice.UN_SPECIAL)


_NOTICE_ASKS = {
    Notice.RED: "Wanted: locate and arrest, with a view to extradition.",
    Notice.BLUE: "Information wanted on identity, location or activities.",
    Notice.GREEN: "Warning: criminal activities; a possible threat to public safety.",
    Notice.YELLOW: "Missing person: help to locate or to identify.",
    Notice.BLACK: "Unidentified body: help to identify.",
    Notice.ORANGE: "Warning: an event, person or object that is an imminent danger.",
    Notice.PURPLE: "Information on ways of working, objects or hiding places.",
    Notice.UN_SPECIAL: "Subject to United Nations Security Council sanctions.",
    Notice.DIFFUSION: "Wanted: request sent by a National Central Bureau.",
}
