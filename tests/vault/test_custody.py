"""A passphrase in place of a key file; moving from one custody to another; keys that leave and come back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from limen.errors import BadInput, Damaged, KeyUnavailable
from limen.settings import Settings
from limen.vault.custody import PassphraseCustody, lock_with_passphrase, unlock_with_passphrase
from limen.vault.keys import KeyRing
from limen.vault.opening import open_ring
from limen.vault.seal import Use

SECRET = b"correct horse battery staple"


def test_a_passphrase_opens_what_it_locked_and_another_does_not(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, custody="passphrase")
    ring = open_ring(settings, SECRET)
    key = ring.key("FRA", ring.epoch("FRA"), Use.TEMPLATE)
    ring.close()
    again = open_ring(settings, SECRET)
    assert again.key("FRA", 1, Use.TEMPLATE) == key
    again.close()
    for wrong, match in ((b"wrong horse battery staple", "passphrase is wrong"), (b"", "none was given")):
        with pytest.raises(KeyUnavailable, match=match):
            open_ring(settings, wrong)
    (tmp_path / "secret").write_bytes(SECRET + b"\nnot this\n")
    open_ring(Settings(data=tmp_path, custody="passphrase", passphrase_file=str(tmp_path / "secret"))).close()


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="fewer than 12"):
        open_ring(Settings(data=tmp_path, custody="passphrase"), b"short")


def test_the_custody_that_the_keys_have_is_named(tmp_path: Path) -> None:
    open_ring(Settings(data=tmp_path)).close()
    with pytest.raises(KeyUnavailable, match=r"root.locked is missing"):
        open_ring(Settings(data=tmp_path, custody="passphrase"), SECRET)


def test_the_root_moves_to_another_custody(tmp_path: Path) -> None:
    ring = open_ring(Settings(data=tmp_path))
    key, identity = ring.key("FRA", ring.epoch("FRA"), Use.TEMPLATE), ring.identity
    ring.move(PassphraseCustody(tmp_path / "vault" / "root.locked", SECRET, create=True))
    ring.close()
    with pytest.raises(BadInput, match="in the custody 'passphrase'"):
        open_ring(Settings(data=tmp_path))
    (tmp_path / "vault" / "root.key").unlink()
    again = open_ring(Settings(data=tmp_path, custody="passphrase"), SECRET)
    assert (again.key("FRA", 1, Use.TEMPLATE), again.identity) == (key, identity)
    again.close()


def test_a_key_that_was_taken_back_is_not_in_the_store_and_comes_back_as_itself(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    keys = {country: ring.key(country, ring.epoch(country), Use.TEMPLATE) for country in ("FRA", "BIH")}
    with pytest.raises(BadInput, match="handed out"):
        ring.revoke("FRA")
    handed, other = ring.hand_out("FRA", SECRET), ring.hand_out("BIH", SECRET)
    with pytest.raises(KeyUnavailable):
        ring.revoke("FRA", other, SECRET)
    ring.revoke("FRA", handed, SECRET)
    ring.close()
    assert json.loads((tmp_path / "keys.json").read_text())["countries"]["FRA"]["key"] == ""
    again = KeyRing(tmp_path)
    for refused in (
        lambda: again.key("FRA", 1, Use.TEMPLATE),
        lambda: again.rotate("FRA"),
        lambda: again.hand_out("FRA", SECRET),
        lambda: again.restore("FRA", handed, b"not that passphrase"),
        lambda: again.restore("FRA", other, SECRET),
    ):
        with pytest.raises(KeyUnavailable):
            refused()
    assert again.key("BIH", 1, Use.TEMPLATE) == keys["BIH"]
    with pytest.raises(BadInput, match="not here"):
        again.restore("FRA")
    with pytest.raises(BadInput, match="has not taken"):
        again.restore("BIH", other, SECRET)
    assert {one.country: one.state for one in again.states()} == {"BIH": "held", "FRA": "revoked"}
    again.restore("FRA", handed, SECRET)
    assert again.key("FRA", 1, Use.TEMPLATE) == keys["FRA"]
    again.close()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"format": "limen-passphrase-1"}', b"\xff"])
def test_what_is_no_locked_file_is_damage(content: bytes) -> None:
    with pytest.raises(Damaged):
        unlock_with_passphrase(content, SECRET, b"label")


def test_a_locked_file_cannot_ask_for_all_memory_or_be_taken_for_another() -> None:
    content = json.loads(lock_with_passphrase(b"secret", SECRET, b"label"))
    assert unlock_with_passphrase(json.dumps(content).encode(), SECRET, b"label") == b"secret"
    with pytest.raises(KeyUnavailable):
        unlock_with_passphrase(json.dumps(content).encode(), SECRET, b"other")
    content["argon2id"]["memory_kib"] = 1 << 40
    with pytest.raises(Damaged):
        unlock_with_passphrase(json.dumps(content).encode(), SECRET, b"label")
