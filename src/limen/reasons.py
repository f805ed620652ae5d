"""Why a sample could not be used, or an answer is what it is: codes for the wire, words for people.

Each reason has one sentence of what is wrong and, where the person at the post can do something, what to do.
Face terms follow ISO/IEC 29794-5; finger terms follow NFIQ 2.
"""

from __future__ import annotations

from enum import IntEnum


class Reason(IntEnum):
    """A reason; its number is a bit (0-63) in the messages between processes."""

    UNREADABLE = 0
    EMPTY = 1
    TOO_LARGE = 2
    UNSUPPORTED_FORMAT = 3
    DECODER_DIED = 4
    WRONG_KIND = 5
    TOOK_TOO_LONG = 6
    NO_FACE = 8
    SEVERAL_FACES = 9
    FACE_TOO_SMALL = 10
    FACE_TURNED = 11
    FACE_BLURRED = 12
    TOO_DARK = 13
    TOO_BRIGHT = 14
    FACE_CUT_OFF = 15
    NO_COLOUR = 16
    FACE_COVERED = 17
    NO_CONTRAST = 18
    NO_SUCH_FACE = 19
    FACE_UNCLEAR = 20
    NO_RIDGES = 24
    TOO_FEW_MINUTIAE = 25
    LOW_RIDGE_QUALITY = 26
    SMALL_AREA = 27
    RESOLUTION_UNKNOWN = 28
    RESOLUTION_WRONG = 29
    MODALITIES_DISAGREE = 40
    FACE_LEAD_ONLY = 41
    WEAK_EVIDENCE = 42
    SEVERAL_CANDIDATES = 43
    GALLERY_INCOMPLETE = 44
    PROBE_TOO_POOR = 45
    CLAIM_CONTRADICTED = 46
    NOT_SEALED = 47

    @property
    def slug(self) -> str:
        """Stable name in JSON: `no-face`."""
        return self.name.lower().replace("_", "-")

    @property
    def text(self) -> str:
        """What is wrong, in one sentence."""
        return _WORDS[self][0]

    @property
    def advice(self) -> str:
        """What to do about it, or an empty string."""
        return _WORDS[self][1]


def to_mask(reasons: set[Reason] | list[Reason] | tuple[Reason, ...]) -> int:
    """Reasons as a 64-bit mask."""
    return sum(1 << reason for reason in set(reasons))


def from_mask(mask: int) -> list[Reason]:
    """Reasons in a mask, lowest first; unknown bits are ignored."""
    return [reason for reason in Reason if mask >> reason & 1]


_WORDS: dict[Reason, tuple[str, str]] = {
    Reason.UNREADABLE: ("The image cannot be read.", "Take it again, or send it as JPEG or PNG."),
    Reason.EMPTY: ("The image is empty.", "Take it again."),
    Reason.TOO_LARGE: ("The image is larger than the hub takes.", "Send at most 24 megapixels and 32 MB."),
    Reason.UNSUPPORTED_FORMAT: (
        "The image's format is not supported.",
        "Send JPEG, PNG, TIFF, BMP, PGM, JPEG 2000 or WSQ.",
    ),
    Reason.DECODER_DIED: ("Reading the image failed badly; it may be damaged or hostile.", "Take it again."),
    Reason.TOOK_TOO_LONG: (
        "The images could not be read in the time that a search has; the hub may be busy.",
        "Search again in a moment; if it stays so, capture again.",
    ),
    Reason.WRONG_KIND: ("The image is not of the kind that it was said to be.", "Check which image is which."),
    Reason.NO_FACE: ("No face was found.", "Take the photo again with the whole face in view."),
    Reason.SEVERAL_FACES: (
        "There are several faces; the most prominent was used.",
        "Check that it is the right one, choose another, or photograph one person only.",
    ),
    Reason.FACE_TOO_SMALL: ("The face is too small.", "Go closer to the person."),
    Reason.FACE_TURNED: ("The face is turned away.", "Ask the person to turn the face to the camera."),
    Reason.FACE_BLURRED: ("The face is blurred.", "Hold still and clean the lens."),
    Reason.TOO_DARK: ("The face is too dark.", "Find more light, in front of the person."),
    Reason.TOO_BRIGHT: ("The face is too bright.", "Avoid direct light on the face."),
    Reason.FACE_CUT_OFF: (
        "Part of the face is outside the picture.",
        "Take the photo again with the whole face in view.",
    ),
    Reason.NO_COLOUR: (
        "The photo has no colour; faces are found less surely.",
        "Send a colour photo where there is one.",
    ),
    Reason.FACE_COVERED: (
        "Eyes or mouth are covered, or in deep shade.",
        "Ask the person to take off dark glasses or mask, and to face the light.",
    ),
    Reason.FACE_UNCLEAR: (
        "The face is hard to recognise: unclear, disguised or drawn.",
        "Take another photo, of the person and from the front.",
    ),
    Reason.NO_CONTRAST: ("The picture has no content; the camera may be covered or frozen.", "Check the camera."),
    Reason.NO_SUCH_FACE: (
        "The photo has fewer faces than the number that was chosen.",
        "Choose one of the faces that are shown.",
    ),
    Reason.NO_RIDGES: ("No friction ridges were found.", "Clean finger and glass, and capture again."),
    Reason.TOO_FEW_MINUTIAE: (
        "Too little of the finger can be read.",
        "Press the middle of the finger flat on the glass.",
    ),
    Reason.LOW_RIDGE_QUALITY: ("The print is of low quality.", "Clean or moisten the finger, and capture again."),
    Reason.SMALL_AREA: (
        "Only a small part of the finger was captured.",
        "Press the middle of the finger flat on the glass.",
    ),
    Reason.RESOLUTION_UNKNOWN: (
        "The image does not say its resolution; 500 ppi was assumed, or what its ridges suggest.",
        "Set the scanner to write its resolution.",
    ),
    Reason.RESOLUTION_WRONG: ("The resolution that the image states cannot be right.", "Check the scanner's settings."),
    Reason.MODALITIES_DISAGREE: ("Face and fingers point to different people.", "Capture again; then ask an examiner."),
    Reason.FACE_LEAD_ONLY: (
        "Only the face points to this record.",
        "Capture fingers, or compare the portrait and ask an examiner.",
    ),
    Reason.WEAK_EVIDENCE: (
        "The likeness is not strong enough to be sure.",
        "Capture fingers or a better photo, or ask an examiner.",
    ),
    Reason.SEVERAL_CANDIDATES: ("Several records are alike.", "An examiner must compare them."),
    Reason.GALLERY_INCOMPLETE: ("Not all records could be searched just now.", "Search again in a minute."),
    Reason.PROBE_TOO_POOR: ("The capture is too poor to rule the person out.", "Capture again."),
    Reason.CLAIM_CONTRADICTED: ("The claimed identity contradicts the record.", ""),
    Reason.NOT_SEALED: (
        "The capture was not sealed on its way to the hub.",
        "Use the officers' page or Limen's client.",
    ),
}
