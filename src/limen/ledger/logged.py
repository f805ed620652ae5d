"""What a receipt shows of the log: entries of its search, each with the proof that a signed checkpoint covers it.

    "log": {"checkpoint": "<signed note>", "entries": [{"index": 7, "entry": "<line>", "proof": ["<base64>", ...]}]}

It stands beside the signed receipt, because it comes into being after it: the log takes entries in batches. Nothing in
it needs the receipt's signature: the checkpoint has its own, and the proofs hold or not (RFC 9162, 2.1.3.2).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from limen.errors import LimenError, Refused
from limen.ledger import note
from limen.ledger.checking import included
from limen.ledger.entry import Entry, Kind
from limen.ledger.note import Checkpoint, Key

MAX_ENTRIES = 8  # of one search: admitted, answered, forgotten, and what followed a hit


@dataclass(frozen=True)
class Logged:
    """What was found good: the entries of the search, and the checkpoint that covers them."""

    entries: tuple[Entry, ...]
    checkpoint: Checkpoint


def described(
    checkpoint: bytes, lines: Sequence[bytes], indexes: Sequence[int], proofs: Sequence[list[bytes]]
) -> dict[str, Any]:
    """The receipt's "log"."""
    entries = [
        {"index": index, "entry": line.decode("ascii"), "proof": [base64.b64encode(step).decode() for step in proof]}
        for line, index, proof in zip(lines, indexes, proofs, strict=True)
    ]
    return {"checkpoint": checkpoint.decode("utf-8"), "entries": entries}


def check(found: Any, receipt: dict[str, Any], identity: bytes) -> Logged:
    """Check a receipt's "log" against the receipt, which was found good before.

    Args:
        found: the "log".
        receipt: what the hub signed.
        identity: the hub's Ed25519 public key, 32 bytes, known from elsewhere.

    Raises:
        Refused: a proof or the checkpoint's signature does not hold, or the entries are of another search or say
            something else of it (`receipt-not-in-log`).
    """
    try:
        data = found["checkpoint"].encode("utf-8")
        head = note.opened(data, Key(note.parse(note.split(data)[0]).origin, identity))
        if not 1 <= len(found["entries"]) <= MAX_ENTRIES:
            raise ValueError
        entries = tuple(_entry(item, head) for item in found["entries"])
        if {entry.id.hex() for entry in entries} != {receipt["search"]}:
            raise ValueError
        answers = [entry.answer for entry in entries if entry.kind is Kind.SEARCH_ANSWERED]
        if answers != [receipt["answer"]] or any(entry.purpose != receipt["purpose"] for entry in entries):
            raise ValueError
    except (LimenError, ValueError, TypeError, KeyError, AttributeError):
        raise Refused(
            "The receipt is signed, but its proof that the search is in the hub's log does not hold.",
            advice="Ask the hub for the receipt again; if it stays so, tell the data-protection authority.",
            code="receipt-not-in-log",
        ) from None
    return Logged(entries, head)


def _entry(item: dict[str, Any], head: Checkpoint) -> Entry:
    line, index = item["entry"].encode("ascii"), item["index"]
    proof = [base64.b64decode(step, validate=True) for step in item["proof"]]
    if type(index) is not int or not included(line, index, head.size, proof, head.root):
        raise ValueError
    return Entry.unpack(line)
