"""Receipts: what became of one search, signed by the hub, for the person who was searched.

    {"receipt": {...}, "signature": "<base64>", "hub_key": "<hex>"}

The signature is Ed25519 by the hub's identity over `limen-receipt-v1`, a NUL byte, and the receipt as canonical JSON
(RFC 8785 for what receipts hold: objects with ASCII keys, strings, integers, booleans and lists). A receipt carries the
search's random id and times to the minute; never a name, a biometric, a hash of one, or which officer asked.
`hub_key` only says which key to look up: whoever checks a receipt knows the hub's key from elsewhere. Once the log has
taken the search's entries, "log" is added beside these three (`ledger.logged`).
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from limen.errors import BadFile, Refused

DOMAIN = b"limen-receipt-v1\0"
MAX_RECEIPT = 32 << 10  # bytes of JSON; ours have about 4,000 with their proofs
PROVES = (
    "It proves that the hub's signing key vouches for this: the search ended as written, the process that opened the "
    "capture had ended, and the hub keeps no more of it than is written under 'kept'."
)
PROVES_LOGGED = (
    "It also proves that the search stands in the hub's public log as it is written here: whoever keeps the checkpoint "
    "would see it if the hub took the entry back or changed it."
)
CANNOT_PROVE = (
    "It cannot prove what the capturing device, a proxy in front of the hub, or someone with full control of the hub's "
    "machine kept."
)


def signed_bytes(receipt: dict[str, Any]) -> bytes:
    """What the hub signs."""
    text = json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return DOMAIN + text.encode("utf-8")


def envelope(receipt: dict[str, Any], signature: bytes, identity: bytes) -> dict[str, Any]:
    """The receipt with its signature, as it is handed out."""
    return {
        "receipt": receipt,
        "signature": base64.b64encode(signature).decode("ascii"),
        "hub_key": identity.hex(),
    }


def parse(data: bytes) -> dict[str, Any]:
    """An envelope from a file's bytes; `BadFile` if it is none."""
    try:
        if len(data) > MAX_RECEIPT:
            raise ValueError
        found = json.loads(data)
        if set(found) - {"log"} != {"receipt", "signature", "hub_key"} or not isinstance(found["receipt"], dict):
            raise ValueError
        base64.b64decode(found["signature"], validate=True)
        bytes.fromhex(found["hub_key"])
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise BadFile(
            "This is no receipt of a Limen hub.", advice="Give the file as the hub or its page gave it."
        ) from None
    return dict(found)


def verify(found: dict[str, Any], identity: bytes) -> dict[str, Any]:
    """The receipt, if this hub signed it.

    Args:
        found: an envelope (`parse`).
        identity: the hub's Ed25519 public key, 32 bytes, known from elsewhere.

    Raises:
        Refused: changed, or not signed by this hub.
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(identity)
        key.verify(base64.b64decode(found["signature"], validate=True), signed_bytes(found["receipt"]))
    except (InvalidSignature, ValueError, binascii.Error):
        raise Refused(
            "The receipt is not good: it was changed, or another hub signed it.",
            advice="Ask the hub's operator for its published key, and for the receipt again.",
            code="receipt-forged",
        ) from None
    return dict(found["receipt"])
