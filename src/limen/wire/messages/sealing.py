"""What the vault seals, opens, signs and does with keys (the vault's sockets)."""

from __future__ import annotations

from dataclasses import dataclass

from limen.wire.frame import Message
from limen.wire.messages.limits import KIB, MAX_CAPTURE, MAX_KEYS, MIB

SEAL_CONTEXT = "B3s16s16sBB16sQ"


@dataclass(frozen=True)
class SealedAs:
    """What a blob is bound to (`vault.seal.Context`); messages that carry it have `SEAL_CONTEXT` as their layout."""

    use: int
    country: bytes
    record: bytes
    sample: bytes
    modality: int
    position: int
    model: bytes
    expires: int


@dataclass(frozen=True)
class Seal(SealedAs, Message, kind=60, layout=SEAL_CONTEXT, tail=MAX_CAPTURE + MIB):
    """Seal the tail for a country. All fixed fields are bound as associated data (`vault.seal.Context`).

    use: 1 template, 2 sample (image, portrait), 3 personal fields, 4 file. The vault answers Sealed.
    Workers may seal 1, 2 and 4; the front 2, 3 and 4.
    """

    tail: bytes


@dataclass(frozen=True)
class Sealed(Message, kind=61, layout="I", tail=MAX_CAPTURE + 2 * MIB):
    """A sealed blob, and the epoch of its data key."""

    epoch: int
    tail: bytes


@dataclass(frozen=True)
class Unseal(SealedAs, Message, kind=62, layout=SEAL_CONTEXT, tail=MAX_CAPTURE + 2 * MIB):
    """Open a blob (front only, never use 1). The vault answers Unsealed."""

    tail: bytes


@dataclass(frozen=True)
class Unsealed(Message, kind=63, tail=MAX_CAPTURE + MIB):
    """What was sealed."""

    tail: bytes


@dataclass(frozen=True)
class TemplateKeysAsk(Message, kind=64, layout="3sI16sI"):
    """The matcher asks for the template keys of a record of a country's epoch, and of `count - 1` stored after it."""

    country: bytes
    epoch: int
    record: bytes
    count: int


@dataclass(frozen=True)
class TemplateKeys(Message, kind=65, tail=48 * MAX_KEYS):
    """Records' UUIDs (16 bytes), each with the AES-256 key of its templates (use 1) of that epoch."""

    tail: bytes


@dataclass(frozen=True)
class SignOffer(Message, kind=66, layout="16s32s32sQ"):
    """A worker asks the hub's identity to vouch for its one-time key. Answer: Signature."""

    search: bytes
    nonce: bytes
    public_key: bytes
    expires: int


@dataclass(frozen=True)
class SignReceipt(Message, kind=67, tail=64 * KIB):
    """The front asks for a signature under a receipt or checkpoint. Answer: Signature."""

    tail: bytes


@dataclass(frozen=True)
class Signature(Message, kind=68, layout="64s"):
    """Ed25519, by the hub's identity."""

    signature: bytes


@dataclass(frozen=True)
class IdentityAsk(Message, kind=69):
    """The hub's public key? Answer: Identity."""


@dataclass(frozen=True)
class Identity(Message, kind=70, layout="32s"):
    """The hub's Ed25519 public key."""

    public_key: bytes


@dataclass(frozen=True)
class CountriesAsk(Message, kind=71):
    """Which countries' keys are there? Answer: Countries."""


@dataclass(frozen=True)
class Countries(Message, kind=72, tail=4 * 256):
    """Three ASCII letters and one byte a country.

    1: its key is there; 0: it is not, by the country's own will (taken back, switched off, its token pulled); 2: it is
    not, because what holds the hub's own keys does not answer.
    """

    tail: bytes


@dataclass(frozen=True)
class RefusalsAsk(Message, kind=83):
    """How often were more records to be opened than honest hits need (`vault.meter`)? Answer: Refusals."""


@dataclass(frozen=True)
class Refusals(Message, kind=84, tail=11 * 256):
    """Three ASCII letters and a count (uint64) for each owner of such records."""

    tail: bytes


@dataclass(frozen=True)
class LatestAsk(Message, kind=85):
    """What is the latest time that the vault has seen (`vault.clock`)? Answer: Latest."""


@dataclass(frozen=True)
class Latest(Message, kind=86, layout="Q"):
    """Unix seconds; 0: none yet."""

    at: int


@dataclass(frozen=True)
class StopCountry(Message, kind=79, layout="3s"):
    """Let nothing of a country open until two of its people release it (`limen keys release`). Answer: Done."""

    country: bytes


@dataclass(frozen=True)
class Shred(Message, kind=73, layout="3s", tail=16 * MAX_KEYS):
    """Destroy the keys of these records (UUIDs): what was sealed for them never opens again. Answer: Done."""

    country: bytes
    tail: bytes


@dataclass(frozen=True)
class Reseal(SealedAs, Message, kind=74, layout=SEAL_CONTEXT + "B", tail=MAX_CAPTURE + 2 * MIB):
    """Seal a blob anew with its country's present epoch; what is in it stays in the vault. Answer: Sealed.

    renew: 1: and under the secret that comes after the record's (`vault.seal.successor`); 0: under the same.
    """

    renew: int
    tail: bytes


@dataclass(frozen=True)
class KeyCommand(Message, kind=75, layout="B3sI", tail=64 * KIB):
    """What an operator or a country does with keys (`vault.commands`); the tail is CBOR. Answer: KeyAnswer."""

    verb: int
    country: bytes
    epoch: int
    tail: bytes


@dataclass(frozen=True)
class KeyAnswer(Message, kind=76, tail=MIB):
    """What became of it, as CBOR."""

    tail: bytes


@dataclass(frozen=True)
class PseudonymKeyAsk(Message, kind=77):
    """Which key seals the ledger's pseudonyms? Answer: PseudonymKey."""


@dataclass(frozen=True)
class PseudonymKey(Message, kind=78, layout="32s"):
    """X25519 public key (`ledger.pseudonym`)."""

    public_key: bytes
