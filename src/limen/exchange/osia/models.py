"""The structures of OSIA's requests, as strict as the standard writes them: no other fields, no null.

Fields that the standard marks as the server's own may come along, because clients send back what they have read.
"""

# ruff: noqa: N815 - the names are the standard's

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

BiometricType = Literal["FACE", "FINGER", "IRIS", "SIGNATURE", "UNKNOWN"]
_RIDGES = (
    "UNKNOWN", "RIGHT_THUMB", "RIGHT_INDEX", "RIGHT_MIDDLE", "RIGHT_RING", "RIGHT_LITTLE", "LEFT_THUMB", "LEFT_INDEX",
    "LEFT_MIDDLE", "LEFT_RING", "LEFT_LITTLE", "PLAIN_RIGHT_FOUR_FINGERS", "PLAIN_LEFT_FOUR_FINGERS", "PLAIN_THUMBS",
    "UNKNOWN_PALM", "RIGHT_FULL_PALM", "RIGHT_WRITERS_PALM", "LEFT_FULL_PALM", "LEFT_WRITERS_PALM", "RIGHT_LOWER_PALM",
    "RIGHT_UPPER_PALM", "LEFT_LOWER_PALM", "LEFT_UPPER_PALM", "RIGHT_OTHER", "LEFT_OTHER", "RIGHT_INTERDIGITAL",
    "RIGHT_THENAR", "RIGHT_HYPOTHENAR", "LEFT_INTERDIGITAL", "LEFT_THENAR", "LEFT_HYPOTHENAR",
    "RIGHT_INDEX_AND_MIDDLE", "RIGHT_MIDDLE_AND_RING", "RIGHT_RING_AND_LITTLE", "LEFT_INDEX_AND_MIDDLE",
    "LEFT_MIDDLE_AND_RING", "LEFT_RING_AND_LITTLE", "RIGHT_INDEX_AND_LEFT_INDEX", "RIGHT_INDEX_AND_MIDDLE_AND_RING",
    "RIGHT_MIDDLE_AND_RING_AND_LITTLE", "LEFT_INDEX_AND_MIDDLE_AND_RING", "LEFT_MIDDLE_AND_RING_AND_LITTLE",
)  # fmt: skip
SUBTYPES = (
    *_RIDGES,
    "EYE_UNDEF",
    "EYE_RIGHT",
    "EYE_LEFT",
    "EYE_BOTH",
    "PORTRAIT",
    "LEFT_PROFILE",
    "RIGHT_PROFILE",
)
IMPRESSIONS = (
    "LIVE_SCAN_PLAIN", "LIVE_SCAN_ROLLED", "NONLIVE_SCAN_PLAIN", "NONLIVE_SCAN_ROLLED", "LATENT_IMPRESSION",
    "LATENT_TRACING", "LATENT_PHOTO", "LATENT_LIFT", "LIVE_SCAN_SWIPE", "LIVE_SCAN_VERTICAL_ROLL", "LIVE_SCAN_PALM",
    "NONLIVE_SCAN_PALM", "LATENT_PALM_IMPRESSION", "LATENT_PALM_TRACING", "LATENT_PALM_PHOTO", "LATENT_PALM_LIFT",
    "LIVE_SCAN_OPTICAL_CONTACTLESS_PLAIN", "OTHER", "UNKNOWN",
)  # fmt: skip
BIOMETRIC_TYPES = ("FACE", "FINGER", "IRIS", "SIGNATURE", "UNKNOWN")


def _one_of(words: tuple[str, ...]) -> AfterValidator:
    def check(word: str) -> str:
        if word not in words:
            raise ValueError("none of the standard's words")
        return word

    return AfterValidator(check)


def _unique(words: list[str]) -> list[str]:
    if len(set(words)) != len(words):
        raise ValueError("repeated")
    return words


SubType = Annotated[str, _one_of(SUBTYPES)]
Impression = Annotated[str, _one_of(IMPRESSIONS)]
Galleries = Annotated[list[str], Field(min_length=1), AfterValidator(_unique)]


class Strict(BaseModel):
    """What the standard closes with `additionalProperties: false`."""

    model_config = ConfigDict(extra="forbid", strict=True)
    _free: ClassVar[frozenset[str]] = frozenset()  # fields that may be anything, also null

    @model_validator(mode="before")
    @classmethod
    def _no_null(cls, data: Any) -> Any:
        if isinstance(data, dict) and any(value is None and name not in cls._free for name, value in data.items()):
            raise ValueError("null")
        return data


class Encryption(Strict):
    """That something is encrypted for somebody; the hub opens nothing that is not sealed to its own offer."""

    type: Literal["JWE", "PKCS7"]
    scope: str


class Integrity(Strict):
    """A hash over parts of the request; the hub checks the signature over the whole request instead."""

    id: str = ""
    type: Literal["NONE", "JWS", "PKCS7"] = "NONE"
    scope: str
    alg: str
    encrypted: bool = False
    followRef: bool = False
    hash: str
    signature: str = ""
    signatureRef: str = ""


class Missing(Strict):
    """Part of a hand that is not there."""

    biometricSubType: SubType = "UNKNOWN"
    presence: Literal["BANDAGED", "AMPUTATED", "DAMAGED"] = "BANDAGED"


class BiometricData(Strict):
    """One biometric item."""

    biometricType: BiometricType
    biometricSubType: SubType = "UNKNOWN"
    instance: str = ""
    encounterId: str = ""
    image: str = ""
    imageRef: str = ""
    captureDate: str = ""
    captureDevice: str = ""
    impressionType: Impression = "UNKNOWN"
    width: int = 0
    height: int = 0
    bitdepth: int = 0
    mimeType: str = ""
    resolution: int = 0
    compression: Literal["NONE", "WSQ", "JPEG", "JPEG2000", "PNG"] | None = None
    missing: list[Missing] = []
    metadata: str = ""
    comment: str = ""
    template: str = ""
    templateRef: str = ""
    templateFormat: str = ""
    quality: int = 0
    qualityFormat: str = ""
    algorithm: str = ""
    vendor: str = ""
    encryption: Encryption | None = None
    integrity: list[Integrity] = []


class Encounter(Strict):
    """Somebody's data, taken at one time."""

    _free = frozenset({"contextualData", "biographicData"})

    encounterId: str = ""
    status: Literal["ACTIVE", "INACTIVE"]
    encounterType: str
    createdDate: str = ""
    updatedDate: str = ""
    galleries: Galleries
    clientData: str = ""
    contextualData: Any = None
    biographicData: Any = None
    biometricData: list[BiometricData]
    encryption: Encryption | None = None
    integrity: list[Integrity] = []


class IdentifyRequest(Strict):
    """Whom to look for, and among which modalities."""

    filter: dict[str, Any]
    biometricData: list[BiometricData]
    encryption: Encryption | None = None
    integrity: list[Integrity] = []


class VerifyFromIdRequest(Strict):
    """Whether this is the person of a known id."""

    biometricData: list[BiometricData]
    encryption: Encryption | None = None
    integrity: list[Integrity] = []


class VerifyFromBioRequest(Strict):
    """Whether two sets of data are of one person."""

    biometricData1: list[BiometricData]
    biometricData2: list[BiometricData]
    encryption: Encryption | None = None
    integrity: list[Integrity] = []
