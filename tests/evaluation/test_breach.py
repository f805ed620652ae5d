"""The breach drill: its eye first, then the whole of it."""

from __future__ import annotations

import base64
import json
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
from tests.matcher.people import face, print_of

from limen.evaluation.breach.drill import Drill
from limen.evaluation.breach.linkage import LINKERS, d_sys, link
from limen.evaluation.breach.loot import Loot, Thief, looks_sealed
from limen.evaluation.breach.people import people
from limen.evaluation.breach.report import PLACES
from limen.evaluation.breach.truth import Truth
from limen.vault.keys import KeyRing


@pytest.fixture(scope="module")
def truth() -> Truth:
    (person,) = people(1)
    return Truth(
        images=[*person.images[0].values()],
        templates=[face(1).pack(), print_of(1, 2).pack()],
        words=list(person.words),
        keys=[os.urandom(32)],
    )


def test_a_thief_sees_what_lies_open(truth: Truth) -> None:
    thief = Thief(truth)
    for content in (*truth.images, *truth.templates):
        loot = thief.look(b"something before " + content + b" and after", Loot())
        assert len(loot.images) + len(loot.templates) == 1
    for word in truth.words:
        for form in (word, word.upper(), word.encode("utf-16-le"), base64.b64encode(f"x{word}yz".encode())):
            assert thief.look(form if isinstance(form, bytes) else form.encode(), Loot()).words == {word}
    assert thief.look(b"\0" * 99 + truth.keys[0], Loot()).keys == {0}


def test_a_template_in_other_words_is_seen_by_parsing_it(truth: Truth) -> None:
    """As a thief would keep it: the same minutiae under another quality, the same face a little rounded."""
    thief = Thief(truth)
    rounded = face(1).pack()[:20] + np.round(face(1).vector, 3).astype("<f4").tobytes()
    assert thief.look(rounded, Loot()).templates == {0}


def test_a_thief_sees_nothing_in_noise(truth: Truth) -> None:
    thief = Thief(truth)
    loot = thief.look(np.random.default_rng(1).bytes(1 << 20), Loot())
    assert (loot.images, loot.templates, loot.words, loot.keys) == (set(), set(), set(), set())


def test_keys_that_lie_beside_their_store_are_tried(truth: Truth, tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "vault")
    ring.epoch("FRA")
    ring.close()
    root = tmp_path / "vault" / "root.key"
    key = root.read_bytes()
    thief = Thief(truth)
    assert thief.files(tmp_path, Loot()).keys == {("identity", ""), ("country", "FRA")}
    for written in (key.hex().encode(), b"KEY=" + base64.b64encode(key), json.dumps({"k": key.hex()}).encode()):
        root.write_bytes(written)
        assert thief.files(tmp_path, Loot()).keys, written
    root.unlink()
    assert not thief.files(tmp_path, Loot()).keys


def test_ciphertext_is_told_from_what_is_not() -> None:
    rng = np.random.default_rng(2)
    assert looks_sealed(rng.bytes(5000))
    assert not looks_sealed(b"a text of a person's record, " * 100)
    assert not looks_sealed(np.repeat(rng.integers(0, 64, 2000, np.uint8), 2).tobytes())
    assert looks_sealed(zlib.compress(rng.bytes(5000))), (
        "a compressed image looks so too: it is told by its first bytes"
    )


def test_d_sys_is_0_where_scores_are_alike_and_1_where_they_are_apart() -> None:
    rng = np.random.default_rng(3)
    assert d_sys(rng.normal(0, 1, 4000), rng.normal(0, 1, 4000)) < 0.1
    assert d_sys(rng.normal(9, 1, 4000), rng.normal(0, 1, 4000)) > 0.95
    assert 0.2 < d_sys(rng.normal(1, 1, 4000), rng.normal(0, 1, 4000)) < 0.8
    assert d_sys(np.zeros(3), np.zeros(9)) == 0


def test_templates_link_and_noise_does_not() -> None:
    store = [print_of(person, 2).pack() for person in range(6)]
    other = [print_of(person, 2, take=1).pack() for person in range(6)]
    assert link(store, other, LINKERS["templates"]).linkable == 6
    rng = np.random.default_rng(4)
    sealed = [[rng.bytes(len(one) + 33) for one in stored] for stored in (store, store)]
    for name in ("bits", "blocks", "templates"):
        assert link(*sealed, LINKERS[name]).linkable == 0, name
    xored = [[bytes(byte ^ 0x5A for byte in one) for one in stored] for stored in (store, store)]
    assert link(*xored, LINKERS["bits"]).linkable == 6, "a fixed transformation protects nothing"


@pytest.mark.slow
def test_the_whole_drill_finds_what_it_must_and_nothing_else() -> None:
    report = Drill(5).run()
    assert report.unexpected == []
    assert report.blind == []
    assert report.passed
    played = set(PLACES) - set(report.not_played)
    assert set(report.places) == played
    found = report.json()
    assert set(found["places"]["disk"]) == {
        "readable_biometrics",
        "readable_personal_fields",
        "usable_keys",
        "linkable",
    }
