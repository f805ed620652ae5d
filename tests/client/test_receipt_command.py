"""`limen receipt verify`: good, changed, of another hub, or no receipt at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from limen.cli import COMMANDS
from limen.cli.lazy import group
from limen.errors import BadFile, Refused
from limen.ledger import receipt as receipts

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
    assert json.loads(run(file, "--json").output) == {"good": True, "receipt": RECEIPT}


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
