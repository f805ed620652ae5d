"""Signed notes and checkpoints: C2SP signed-note, tlog-checkpoint, and tlog-cosignature for Ed25519.

The hub's identity signs a checkpoint's text as it is, without a prefix, as the format wants. It cannot be taken for a
receipt or an offer, whose signed bytes begin with a word and a NUL byte (a note has no control character but newline),
nor for a cosignature, whose first line is `cosignature/v1` (no origin may be that).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from limen.errors import BadFile, BadInput, Refused

NOTE, COSIGNATURE = 0x01, 0x04  # signature types: a note's Ed25519, a witness's timestamped Ed25519
MAX_NOTE = 64 << 10  # bytes; the formats ask for room for 16 signatures
COSIGNED = "cosignature/v1"
_NAME = re.compile(r"[^\s+\x00-\x20]{1,255}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """A tree's head: origin, number of leaves, root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note's text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True)
class Key:
    """A key with its name: who signs (`signed-note`'s verifier key)."""

    name: str
    public: bytes
    kind: int = NOTE

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public) != 32:
            raise BadInput("An Ed25519 public key has 32 bytes.")

    @property
    def id(self) -> bytes:
        """The key's id, 4 bytes."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> Key:
        """A key from `name+id+base64`; `BadInput` if it is none."""
        try:
            name, key_id, material = text.strip().split("+", 2)
            raw = base64.b64decode(material, validate=True)
            key = cls(name, raw[1:], raw[0])
            if key.id.hex() != key_id or key.kind not in (NOTE, COSIGNATURE):
                raise ValueError
        except (ValueError, IndexError, binascii.Error):
            raise BadInput("This is no key of a log.", advice="A key reads NAME+ID+BASE64, in one line.") from None
        return key

    def line(self, signature: bytes) -> str:
        """A note's signature line."""
        return f"— {self.name} {base64.b64encode(self.id + signature).decode()}\n"


def check_name(name: str) -> None:
    """Check an origin or key name; `BadInput` if it may not be one."""
    if not _NAME.fullmatch(name) or name == COSIGNED:
        raise BadInput("This cannot be a log's name.", advice="Use a host and path, such as hub.example.org/ledger.")


def split(data: bytes) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """A note's text and its signatures (name, key id, signature); `BadFile` if it is no note."""
    try:
        note = data.decode("utf-8")
        if len(data) > MAX_NOTE or re.search(r"[\x00-\x09\x0b-\x1f]", note):
            raise ValueError
        at = note.rindex("\n\n")
        text, lines = note[: at + 1], note[at + 2 :]
        if not lines.endswith("\n"):
            raise ValueError
        found = []
        for line in lines[:-1].split("\n"):
            dash, name, encoded = line.split(" ")
            raw = base64.b64decode(encoded, validate=True)
            if dash != "—" or len(raw) < 5:
                raise ValueError
            found.append((name, raw[:4], raw[4:]))
    except (ValueError, binascii.Error):
        raise BadFile("This is no signed note.", code="bad-note") from None
    return text, found


def parse(text: str) -> Checkpoint:
    """The checkpoint of a note's text; `BadFile` if it is none. Extension lines are not taken."""
    lines = text.split("\n")
    try:
        if len(lines) != 4 or lines[3] or not _SIZE.fullmatch(lines[1]):
            raise ValueError
        check_name(lines[0])
        checkpoint = Checkpoint(lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True))
        if len(checkpoint.root) != 32 or checkpoint.text != text:
            raise ValueError
    except (ValueError, binascii.Error, BadInput):
        raise BadFile("This note is no checkpoint of a log.", code="bad-checkpoint") from None
    return checkpoint


def opened(data: bytes, key: Key) -> Checkpoint:
    """The checkpoint of a note that this key signed.

    Raises:
        BadFile: no note, or no checkpoint.
        Refused: not signed by the key, or changed (`checkpoint-forged`).
    """
    text, signatures = split(data)
    good = [
        _good(text, key, signature) for name, key_id, signature in signatures if (name, key_id) == (key.name, key.id)
    ]
    if not good or not all(good):
        raise Refused(
            "The checkpoint is not good: it was changed, or another key signed it.",
            advice="Compare the hub's key with the one that it publishes.",
            code="checkpoint-forged",
        )
    return parse(text)


def cosigned_bytes(text: str, now: int) -> bytes:
    """What a witness signs; `now` in Unix seconds."""
    return f"{COSIGNED}\ntime {now}\n{text}".encode()


def _good(text: str, key: Key, signature: bytes) -> bool:
    message = text.encode()
    if key.kind == COSIGNATURE:
        message, signature = cosigned_bytes(text, int.from_bytes(signature[:8], "big")), signature[8:]
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
