"""The key ring keeps its keys over restarts, and notices what was changed under it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from limen.errors import BadInput, Damaged, KeyUnavailable, NotFound, Unavailable
from limen.vault.keys import KeyRing
from limen.vault.seal import Use


def test_keys_and_identity_last(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "vault")
    epoch, identity = ring.epoch("FRA"), ring.identity
    key, signature = ring.key("FRA", epoch, Use.TEMPLATE), ring.sign(b"receipt")
    ring.close()

    again = KeyRing(tmp_path / "vault")
    assert again.key("FRA", epoch, Use.TEMPLATE) == key
    assert again.identity == identity
    Ed25519PublicKey.from_public_bytes(identity).verify(signature, b"receipt")
    again.close()


def test_every_country_epoch_and_use_has_its_own_key(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    first = {ring.key(country, ring.epoch(country), use) for country in ("FRA", "BIH") for use in Use}
    assert ring.rotate("FRA") == 2 == ring.epoch("FRA")
    second = {ring.key("FRA", 2, use) for use in Use}
    assert len(first | second) == 12
    assert ring.key("FRA", 1, Use.FILE) in first, "the older epoch still opens"
    ring.close()


def test_unknown_countries_and_epochs_have_no_key(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    ring.epoch("FRA")
    for country, epoch in (("DEU", 1), ("FRA", 2), ("FRA", 0)):
        with pytest.raises(KeyUnavailable):
            ring.key(country, epoch, Use.TEMPLATE)
    with pytest.raises(BadInput):
        ring.epoch("fr")
    assert ring.countries() == ["FRA"]
    ring.close()


def test_files_are_private_and_hold_no_key_in_clear(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "vault")
    key = ring.key("FRA", ring.epoch("FRA"), Use.TEMPLATE)
    ring.close()
    assert stat.S_IMODE((tmp_path / "vault").stat().st_mode) == 0o700
    for file in filter(Path.is_file, (tmp_path / "vault").rglob("*")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    assert key.hex() not in (tmp_path / "vault" / "keys.json").read_text()


def test_a_stopped_country_opens_nothing_also_after_a_restart_until_it_is_released(tmp_path: Path) -> None:
    ring, record = KeyRing(tmp_path), b"r" * 16
    with pytest.raises(NotFound):
        ring.stop("FRA")
    before, other = ring.key("FRA", ring.epoch("FRA"), Use.FIELDS, record, make=True), ring.epoch("BIH")
    ring.stop("FRA")
    for _ in range(2):
        with pytest.raises(KeyUnavailable, match="switched its records off"):
            ring.key("FRA", 1, Use.FIELDS, record)
        with pytest.raises(KeyUnavailable, match="switched its records off"):
            ring.keys("FRA", 1, Use.TEMPLATE, record, 1)
        with pytest.raises(KeyUnavailable, match="switched its records off"):
            ring.rotate("FRA")
        assert {one.country: one.state for one in ring.states()} == {"FRA": "stopped", "BIH": "held"}
        assert ring.key("BIH", other, Use.FIELDS, record, make=True), "the others go on"
        ring.close()
        ring = KeyRing(tmp_path)
    assert ring.shred("FRA", [b"x" * 16]) == 0, "forgetting goes on"
    ring.release("FRA")
    assert ring.key("FRA", 1, Use.FIELDS, record) == before
    ring.close()


def test_two_processes_cannot_hold_one_ring(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    with pytest.raises(Unavailable):
        KeyRing(tmp_path)
    ring.close()
    KeyRing(tmp_path).close()


def test_a_missing_root_key_is_said_and_not_replaced(tmp_path: Path) -> None:
    KeyRing(tmp_path).close()
    (tmp_path / "root.key").unlink()
    with pytest.raises(KeyUnavailable, match=r"root\.key is missing"):
        KeyRing(tmp_path)
    assert not (tmp_path / "root.key").exists()


@pytest.mark.parametrize("content", [b"", b"short", os.urandom(32)])
def test_a_wrong_root_key_is_damage(tmp_path: Path, content: bytes) -> None:
    KeyRing(tmp_path).close()
    (tmp_path / "root.key").write_bytes(content)
    with pytest.raises(Damaged):
        KeyRing(tmp_path)


def test_an_open_root_key_is_refused(tmp_path: Path) -> None:
    KeyRing(tmp_path).close()
    (tmp_path / "root.key").chmod(0o644)
    with pytest.raises(Damaged, match="read by others"):
        KeyRing(tmp_path)


def test_keys_swapped_between_countries_do_not_open(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    ring.epoch("FRA"), ring.epoch("BIH")
    ring.close()
    store = json.loads((tmp_path / "keys.json").read_text())
    store["countries"]["FRA"], store["countries"]["BIH"] = store["countries"]["BIH"], store["countries"]["FRA"]
    (tmp_path / "keys.json").write_text(json.dumps(store))
    ring = KeyRing(tmp_path)
    with pytest.raises(Damaged):
        ring.key("FRA", 1, Use.TEMPLATE)
    ring.close()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', "not json"])
def test_a_damaged_store_is_said(tmp_path: Path, text: str) -> None:
    KeyRing(tmp_path).close()
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(Damaged):
        KeyRing(tmp_path)
