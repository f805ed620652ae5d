"""Figures by group, and the manifests that name the groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.evaluation.test_fused import _faces

from limen.cli.evaluate.tables import group_rows
from limen.errors import BadInput
from limen.evaluation import groups
from limen.evaluation.face import FPIR, open_set


def _manifest(folder: Path, text: str) -> Path:
    (folder / groups.NAME).write_text(text, "utf-8")
    return folder


def test_people_are_named_themselves_or_by_their_files(tmp_path: Path) -> None:
    by_person = groups.read(_manifest(tmp_path, "person,sex,age\nAnn,F,20-39\nBob,M,\n"), "sex")
    assert by_person.of == {"Ann": "F", "Bob": "M"}
    by_file = groups.read(_manifest(tmp_path, "file,sex\nAnn/1.jpg,F\nAnn/2.jpg,F\nBob/1.jpg,M\n"), "sex")
    assert by_file.of == by_person.of
    assert groups.read(_manifest(tmp_path, "identity,sex\nAnn,F\nBob,M\n"), "sex").of == by_person.of
    assert by_file.numbers(["Zoe", "Bob", "Ann"]) == (["F", "M"], [-1, 1, 0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,sex\nAnn,F\n", "no column 'person' or 'file'"),
        ("person,age\nAnn,30\n", "no column 'sex'"),
        ("file,sex\nAnn/1.jpg,F\nAnn/2.jpg,M\n", "Ann is both 'F' and 'M'"),
        ("person,sex\nAnn,\n", "puts nobody in a group"),
        ("", "no column"),
    ],
)
def test_what_a_manifest_lacks_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        groups.read(_manifest(tmp_path, text), "sex")


def test_without_a_manifest_nothing_is_grouped(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no manifest"):
        groups.read(tmp_path, "sex")


def test_the_group_that_is_missed_shows_and_small_groups_are_marked() -> None:
    people = np.repeat(np.arange(80), 5)[:, None]
    number = np.array([0] * 40 + [1] * 35 + [2] * 4 + [-1])
    score = np.where(number[people[:, 0]] == 1, np.where(np.arange(400) % 5 == 0, -5.0, 20.0), 20.0)
    alarm = np.where(number[people[:, 0]] == 0, 1.0, 9.0)
    found = groups.rates((score, people), (alarm, people), {"fpir_0.01": 5.0}, (["a", "b", "c"], number))
    rates = {name: found[name]["rates"]["fpir_0.01"] for name in found}
    assert (rates["a"]["fnir"], rates["b"]["fnir"]) == (0.0, 0.2)
    assert rates["b"]["interval"][0] <= 0.2 <= rates["b"]["interval"][1]
    assert (rates["a"]["fpir"], rates["b"]["fpir"]) == (0.0, 1.0)
    assert [found[name]["few"] for name in "abc"] == [False, False, True]
    assert [found[name]["people"] for name in "abc"] == [40, 35, 4]
    _, a, b, c = group_rows(found)
    assert c[0] == "c (too few people)" and b[3].startswith("20.00%") and a[3].startswith("0.00%")


def test_groups_of_faces_add_up_to_the_whole() -> None:
    photos = _faces(np.random.default_rng(6)).photos
    names = [f"p{n:03}" for n in range(int(photos.identity.max()) + 1)]
    grouping = groups.Grouping("half", {name: "ab"[n % 2] for n, name in enumerate(names)})
    found, whole = groups.of_faces(photos, grouping, names), open_set(photos)
    assert sum(group["mated_searches"] for group in found.values()) == len(whole.mate)
    assert sum(group["non_mated_searches"] for group in found.values()) == len(whole.alarm)
    for key, rate in FPIR.items():
        parts = [(group["rates"][key]["fnir"], group["mated_searches"]) for group in found.values()]
        assert np.average(np.array(parts)[:, 0], weights=np.array(parts)[:, 1]) == pytest.approx(whole.fnir(rate))
