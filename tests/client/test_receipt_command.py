"""`limen receipt verify`: good, changed, of another hub, or no receipt at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from limen.cli import COMMANDS
from limen.cli.lazy import group
from limen.errors import BadFile, Refused
from limen.ledger import logged
from limen.ledger import receipt as receipts
from limen.ledger.audit import audit
from limen.ledger.entry import Entry, Kind
from limen.ledger.log import Log
from limen.terms import Answer, Purpose

HUB = Ed25519PrivateKey.generate()
KEY = HUB.public_key().public_bytes_raw()
RECEIPT = {"v": 1, "search": "00" * 16, "answer": "no-hit", "minute": 1795176000, "kept": [], "deleted": ["capture"]}
KEYWORD = st.text(st.sampled_from("abcdefgh"), min_size=1, max_size=8)
JSON = st.recursive(st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=6)


def signed(receipt: dict[str, object] = RECEIPT) -> dict[str, object]:
    """An envelope as the hub makes it."""
    return receipts.envelope(receipt, HUB.sign(receipts.signed_bytes(receipt)), KEY)


def run(file: Path, *more: str):
    words = ["receipt", "verify", str(file), "--hub-key", KEY.hex(), *more]
    return CliRunner().invoke(group("limen", "limen.cli", COMMANDS, "receipt"), words)


def test_a_good_receipt_is_read_out(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text(json.dumps(signed(), indent=3))  # how it is laid out does not matter
    found = run(file)
    assert found.exit_code == 0
    for words in ("is good", "2026-11-20", "no-hit", "nothing", "capture"):
        assert words in found.output
    assert json.loads(run(file, "--json").output) == {"good": True, "receipt": RECEIPT, "log": None}


@pytest.mark.parametrize("change", [{"answer": "hit"}, {"kept": ["everything"]}, {"more": 1}])
def test_a_changed_receipt_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    file = tmp_path / "r.json"
    envelope = signed()
    file.write_text(json.dumps(envelope | {"receipt": RECEIPT | change}))
    found = run(file)
    assert found.exit_code == 1 and isinstance(found.exception, Refused)


def test_the_key_in_the_receipt_itself_is_not_believed(tmp_path: Path) -> None:
    other = Ed25519PrivateKey.generate()
    forged = receipts.envelope(
        RECEIPT, other.sign(receipts.signed_bytes(RECEIPT)), other.public_key().public_bytes_raw()
    )
    file = tmp_path / "r.json"
    file.write_text(json.dumps(forged))
    assert isinstance(run(file).exception, Refused)


NO_KEY = b'{"receipt": {}, "signature": "", "hub_key": 1}'


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b"null", b"\xff", NO_KEY])
def test_what_is_no_receipt_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(BadFile):
        receipts.parse(data)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail_otherwise(data: bytes) -> None:
    with pytest.raises(BadFile):
        receipts.parse(data)


@given(st.dictionaries(KEYWORD, JSON, max_size=5))
def test_every_receipt_survives_its_file(receipt: dict[str, object]) -> None:
    found = receipts.parse(json.dumps(signed(receipt)).encode())
    assert receipts.verify(found, KEY) == receipt


def logged_receipt(folder: Path, *, answer: Answer = Answer.NO_HIT, search: bytes = bytes(16)) -> dict[str, Any]:
    """A receipt with its proofs, from a log that holds other searches too."""
    purpose = Purpose.BORDER_CONTROL
    lines = [
        Entry(Kind.SEARCH_ANSWERED, b"o" * 16, 29_000_000, purpose, Answer.HIT).pack(),
        Entry(Kind.SEARCH_ANSWERED, search, 29_000_000, purpose, answer).pack(),
        Entry(Kind.SEARCH_FORGOTTEN, search, 29_000_000, purpose).pack(),
        Entry(Kind.SEARCH_ADMITTED, b"p" * 16, 29_000_000, purpose).pack(),
    ]
    log = Log(folder, "hub.example.org/ledger", KEY)
    log.append(lines, HUB.sign)
    checkpoint, proofs = log.prove([1, 2])
    log.close()
    return signed(RECEIPT | {"purpose": "border-control"}) | {
        "log": logged.described(checkpoint, lines[1:3], [1, 2], proofs)
    }


def test_a_receipt_proves_that_the_log_holds_the_search(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text(json.dumps(logged_receipt(tmp_path / "log")))
    found = json.loads(run(file, "--json").output)["log"]
    assert (found["size"], found["entries"]) == (4, ["search-answered", "search-forgotten"])
    assert found["root"] == audit(tmp_path / "log", KEY).checkpoint.root.hex()
    assert found["root"] in run(file).output.split()  # whole, though the screen has 80 columns
    assert "stands in the hub's public log" in " ".join(run(file).output.split())


def test_a_log_that_says_something_else_is_refused(tmp_path: Path) -> None:
    good = logged_receipt(tmp_path / "log")
    other = logged_receipt(tmp_path / "other", answer=Answer.HIT)["log"]
    of_another = logged_receipt(tmp_path / "third", search=b"x" * 16)["log"]
    first, second = good["log"]["entries"]
    broken = [
        other,
        of_another,
        good["log"] | {"entries": []},
        good["log"] | {"entries": [second]},
        good["log"] | {"entries": [first | {"index": 2}]},
        good["log"] | {"entries": [first | {"proof": second["proof"]}]},
        good["log"] | {"entries": [first | {"entry": first["entry"].replace("no-hit", "hit")}]},
        good["log"] | {"checkpoint": other["checkpoint"]},
        good["log"] | {"checkpoint": good["log"]["checkpoint"].replace("\n4\n", "\n5\n")},
        {},
        None,
        7,
    ]
    for log in broken:
        (tmp_path / "r.json").write_text(json.dumps(good | {"log": log}))
        error = run(tmp_path / "r.json").exception
        assert isinstance(error, Refused) and error.code == "receipt-not-in-log", log
