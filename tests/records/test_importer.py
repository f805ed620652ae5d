"""Imports: whole records, the same state from the same input, nothing half-written, nothing lost."""

import csv
import json
import os

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.records.drafts import NOW, register
from tests.records.opener import Opener

from limen import countries
from limen.errors import NotFound, Unavailable
from limen.records import feed, manifest, store
from limen.records.database import Database
from limen.records.export import export, listed, pages
from limen.records.importer import Import
from limen.records.tables import Record, Sample
from limen.settings import Settings
from limen.terms import Modality
from limen.vault.seal import Use

COLUMNS = ["record_id", "names", "valid_until", "visible_to", "images"]
YEAR = 365 * 86_400


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(4):
        (tmp_path / "in" / f"face{number}.jpg").write_bytes(b"face %d" % number)
        (tmp_path / "in" / f"finger{number}.png").write_bytes(b"finger %d" % number)
    (tmp_path / "in" / "bad.jpg").write_bytes(b"unreadable")
    (tmp_path / "in" / "wall.jpg").write_bytes(b"faceless")
    return tmp_path / "in"


def row(record_id, images, names="DUPONT", valid_until="", visible_to=""):
    return [record_id, names, valid_until, visible_to, images]


def write(folder, *rows):
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


PEOPLE = [row(f"R-{n}", f"face=face{n}.jpg; right-index=finger{n}.png") for n in range(4)]


def run(database, vault, folder, opener=None, *, country="FRA", files=None, **more):
    """Import; returns steps and the rejects of all of them."""
    job = Import(Settings(), database, vault, country, folder, enrol=opener or Opener(vault), now=NOW, **more)
    entries, bad_rows = ([], []) if files else manifest.read(folder / "manifest.csv")
    assert bad_rows == []
    steps = list(job.files(files) if files else job.entries(entries))
    return steps, [reject for step in steps for reject in step.rejects]


def outcomes(steps):
    return [step.outcome for step in steps]


def state(database, vault, country="FRA"):
    """All that an import decides: fields, validity, visibility, and samples by their content."""
    found = {}
    with database.reading() as session:
        for record in store.of_owner(session, country):
            person = store.personal_fields(record, vault)
            samples = sorted((sample.modality, sample.position, sample.input_hash) for sample in record.samples)
            found[person.record_id] = (person, record.visible, record.purpose, record.valid_until, samples)
            for sample in record.samples:
                if sample.modality == Modality.FACE:
                    assert store.portrait(sample, vault).startswith(b"portrait of ")
    return found


def test_records_come_in_sealed(database, vault, folder):
    register(database, "FRA")
    write(folder, row("R-1", "face=face1.jpg; right-index=finger1.png", visible_to="BIH", valid_until="2027-06-30"))
    steps, rejects = run(database, vault, folder)
    assert (outcomes(steps), rejects, steps[0].enrolled) == (["added"], [], 2)
    [(person, visible, purpose, _, samples)] = state(database, vault).values()
    assert person.names == ("DUPONT",)
    assert set(countries.listed(visible)) == {"BIH", "FRA"}
    assert purpose == "locate-wanted"
    assert [sample[:2] for sample in samples] == [(1, 0), (2, 2)]
    with database.reading() as session:
        record = session.scalars(sa.select(Record)).one()
        [put, _] = feed.changes(session, 0, 10)[0]
        kept = {
            vault.unseal(store.sample_context(sample, record, Use.FILE), sample.original) for sample in record.samples
        }
    assert kept == {b"face 1", b"finger 1"}
    assert put.expires == put.valid_until
    values = [value for value in vars(record).values() if isinstance(value, bytes | str)]
    assert not any("DUPONT" in str(value) or "R-1" in str(value) for value in values)


def test_the_same_input_again_changes_nothing(database, vault, folder):
    register(database, "FRA")
    write(folder, *PEOPLE, row("R-bad", "face=bad.jpg"))
    first, rejects = run(database, vault, folder)
    before, opener = state(database, vault), Opener(vault)
    with database.reading() as session:
        change = feed.last_change(session)
    second, again = run(database, vault, folder, opener)
    assert outcomes(first) == ["added"] * 4 + ["rejected"]
    assert outcomes(second) == ["unchanged"] * 4 + ["rejected"]
    assert rejects == again
    assert len(opener.jobs) == 1  # only the bad one is tried again
    assert state(database, vault) == before
    with database.reading() as session:
        assert feed.last_change(session) == change


@pytest.mark.parametrize("killed_after", range(8))
def test_killed_anywhere_and_run_again_it_ends_in_the_same_state(database, vault, folder, killed_after):
    register(database, "FRA", "DEU")
    write(folder, *PEOPLE)
    with pytest.raises(Unavailable):
        run(database, vault, folder, Opener(vault, fail_after=killed_after), jobs=1)
    with database.reading() as session:
        for record in store.of_owner(session, "FRA"):
            assert len(record.samples) == 2  # whole or not at all
    assert run(database, vault, folder)[1] == []
    run(database, vault, folder, country="DEU")
    assert {key: value[:4] for key, value in state(database, vault, "FRA").items()} == {
        key: value[:4] for key, value in state(database, vault, "DEU").items()
    }
    assert len(state(database, vault)) == 4


def test_bad_images_are_rejected_with_reasons_and_stop_nothing(database, vault, folder):
    register(database, "FRA")
    (folder / "empty.jpg").touch()
    (folder / "sub").mkdir()
    os.mkfifo(folder / "pipe.jpg")
    (folder / "link.jpg").symlink_to("/etc/hostname")
    (folder / "ring.jpg").symlink_to("ring.jpg")
    bad = {
        "bad.jpg": "cannot be read",
        "wall.jpg": "No face was found",
        "absent.jpg": "No such file",
        "empty.jpg": "is empty",
        "sub": "Is a directory",
        "pipe.jpg": "no file",
        "link.jpg": "leads out",
        "ring.jpg": "cannot be read",
        "/etc/hostname": "leads out",
        "../../in/../x": "leads out",
        "nul\0.jpg": "cannot be read",
    }
    rows = [row(f"B-{number}", f"face={file}; right-index=finger1.png") for number, file in enumerate(bad)]
    (folder / "manifest.jsonl").write_text(
        "\n".join(json.dumps(dict(zip(COLUMNS, values, strict=True))) for values in rows)
    )
    job = Import(Settings(), database, vault, "FRA", folder, enrol=Opener(vault), now=NOW)
    steps = list(job.entries(manifest.read(folder / "manifest.jsonl")[0]))
    assert outcomes(steps) == ["added"] * len(bad)  # each still has its finger
    for step, (file, reason) in zip(steps, bad.items(), strict=True):
        [reject] = step.rejects
        assert (reject.file, reject.kind) == (file, "image")
        assert reason in reject.reason


def test_a_changed_manifest_changes_what_it_says(database, vault, folder):
    register(database, "FRA")
    write(folder, row("R-1", "face=face1.jpg; right-index=finger1.png"), PEOPLE[2])
    run(database, vault, folder)
    with database.reading() as session:
        handles = {record.id: record.handle for record in store.of_owner(session, "FRA")}
    write(folder, row("R-1", "face=face1.jpg; left-index=finger3.png", "MARTIN", "", "none"), PEOPLE[2])
    opener = Opener(vault)
    steps, _ = run(database, vault, folder, opener)
    assert outcomes(steps) == ["changed", "unchanged"]
    assert [job.position for job in opener.jobs] == [7]  # the face was there
    person, visible, *_, samples = state(database, vault)["R-1"]
    assert person.names == ("MARTIN",)
    assert countries.listed(visible) == ["FRA"]
    assert [sample[:2] for sample in samples] == [(1, 0), (2, 7)]
    with database.reading() as session:
        assert {record.id: record.handle for record in store.of_owner(session, "FRA")} == handles


def test_another_validity_is_sealed_anew(database, vault, folder):
    register(database, "FRA")
    write(folder, row("R-1", "face=face1.jpg", valid_until="2027-01-01"))
    run(database, vault, folder)
    write(folder, row("R-1", "face=face1.jpg", valid_until="2028-01-01"))
    steps, _ = run(database, vault, folder)
    assert (outcomes(steps), steps[0].enrolled) == (["changed"], 1)
    with database.reading() as session:
        [put] = [message for message in feed.changes(session, 0, 9)[0] if hasattr(message, "expires")]
    assert put.expires == put.valid_until


def test_a_faulty_input_deletes_nothing(database, vault, folder):
    register(database, "FRA")
    write(folder, row("R-1", "face=face1.jpg; right-index=finger1.png"))
    run(database, vault, folder)
    (folder / "face1.jpg").unlink()
    steps, [reject] = run(database, vault, folder)
    assert reject.file == "face1.jpg"
    assert len(state(database, vault)["R-1"][4]) == 2
    assert outcomes(steps) == ["unchanged"]


def test_photos_of_several_people_are_counted(database, vault, folder):
    register(database, "FRA")
    (folder / "group.jpg").write_bytes(b"crowd at a station")
    write(folder, row("R-1", "face=face1.jpg"), row("R-2", "face=group.jpg"))
    assert [step.crowded for step in run(database, vault, folder)[0]] == [0, 1]
    assert [step.crowded for step in run(database, vault, folder)[0]] == [0, 0]


def test_validity_is_bounded_and_over_is_over(database, vault, folder):
    register(database, "FRA")
    write(
        folder,
        row("long", "face=face1.jpg", valid_until="2099-01-01"),
        row("mark", "mark=finger1.png", valid_until="2036-01-01"),
        row("open", "face=face2.jpg"),
        row("over", "face=face3.jpg", valid_until="2020-01-01"),
    )
    steps, [reject] = run(database, vault, folder)
    assert [step.shortened for step in steps] == [True, False, False, False]
    assert (reject.record, reject.reason) == ("over", "The record's time is over.")
    until = {key: value[3] for key, value in state(database, vault).items()}
    assert until["long"] == until["open"] == NOW + store.RETENTION
    assert NOW + 9 * YEAR < until["mark"] < NOW + store.RETENTION_MARKS
    later = Import(Settings(), database, vault, "FRA", folder, enrol=Opener(vault), now=NOW + YEAR)
    assert outcomes(later.entries(manifest.read(folder / "manifest.csv")[0]))[:3] == ["unchanged"] * 3


def test_two_countries_may_use_the_same_record_ids(database, vault, folder):
    register(database, "FRA", "DEU")
    write(folder, *PEOPLE)
    run(database, vault, folder)
    assert outcomes(run(database, vault, folder, country="DEU")[0]) == ["added"] * 4
    with database.reading() as session:
        hashes = [sample.input_hash for sample in session.scalars(sa.select(Sample))]
    assert len(set(hashes)) == 16  # the same images, not linkable across countries


def test_an_unregistered_country_imports_nothing(database, vault, folder):
    with pytest.raises(NotFound, match="does not take part"):
        run(database, vault, folder)


FILE = "1 0\n2 2\n2 7\n\nrecord_id=TCN-1\nnames=SMITH John\n"


def test_files_become_records(database, vault, folder):
    register(database, "FRA")
    (folder / "a.an2").write_text(FILE)
    (folder / "b.an2").write_text(FILE.replace("2 7\n", ""))  # another file that claims the same record
    (folder / "c.an2").write_text("\n\nnames=NOBODY\n")
    files = ["a.an2", "b.an2", "c.an2"]
    steps, rejects = run(database, vault, folder, files=files)
    assert outcomes(steps) == ["added", "added", "rejected"], rejects
    assert rejects[0].reason == "The file has no usable sample."
    assert set(state(database, vault)) == {"TCN-1", "TCN-1 (b)"}
    opener = Opener(vault)
    assert outcomes(run(database, vault, folder, opener, files=files)[0])[:2] == ["unchanged"] * 2
    assert len(opener.jobs) == 1
    with database.reading() as session:
        record = next(r for r in store.of_owner(session, "FRA") if len(r.samples) == 4)
        [file] = [sample for sample in record.samples if sample.modality == 0]
        assert vault.unseal(store.sample_context(file, record, Use.FILE), file.original) == FILE.encode()
        messages = feed.changes(session, 0, 100)[0]
    assert sum(hasattr(message, "tail") for message in messages) == 5


def test_a_file_that_could_be_read_in_part_says_so(database, vault, folder):
    register(database, "FRA")
    (folder / "a.an2").write_text(FILE + "problems=2\n")
    steps, [reject] = run(database, vault, folder, files=["a.an2"])
    assert outcomes(steps) == ["added"]
    assert (reject.file, reject.kind) == ("a.an2", "part") and "2 problems" in reject.reason
    assert "exchange check" in reject.advice


def test_a_newer_file_of_a_record_replaces_it(database, vault, folder):
    register(database, "FRA")
    (folder / "a.an2").write_text(FILE)
    run(database, vault, folder, files=["a.an2"])
    (folder / "a.an2").write_text(FILE.replace("SMITH", "SMYTHE"))
    assert outcomes(run(database, vault, folder, files=["a.an2"])[0]) == ["changed"]
    [(person, *_)] = state(database, vault).values()
    assert person.names == ("SMYTHE John",)


def test_what_is_exported_can_be_imported(database, vault, folder, tmp_path):
    register(database, "FRA", "DEU")
    write(folder, *PEOPLE[:3], row("R-9", "face=face3.jpg; mark=finger3.png", "A;B", "2027-01-01", "BIH"))
    run(database, vault, folder)
    assert list(export(database, vault, "FRA", tmp_path / "out")) == [True] * 4
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0
    job = Import(Settings(), database, vault, "DEU", tmp_path / "out", enrol=Opener(vault), now=NOW)
    assert outcomes(job.entries(manifest.read(tmp_path / "out" / "manifest.jsonl")[0])) == ["added"] * 4
    french, german = state(database, vault, "FRA"), state(database, vault, "DEU")
    assert {key: value[0] for key, value in french.items()} == {key: value[0] for key, value in german.items()}
    assert [value[3] for value in french.values()] == [value[3] for value in german.values()]


def test_one_damaged_record_hides_no_others(database, vault, folder, tmp_path):
    register(database, "FRA")
    write(folder, *PEOPLE)
    run(database, vault, folder)
    with database.writing() as session:
        first = store.of_owner(session, "FRA")[0]
        first.fields = first.fields[:-1] + bytes([first.fields[-1] ^ 1])
    states = [listed(record, vault)["state"] for record in pages(database, "FRA")]
    assert states == ["damaged", "active", "active", "active"]
    assert list(export(database, vault, "FRA", tmp_path / "out")) == [False, True, True, True]
    assert len((tmp_path / "out" / "manifest.jsonl").read_text().splitlines()) == 3


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_history_of_imports_ends_like_the_last_one_alone(tmp_path_factory, vault, data):
    """Whatever was imported, cut off and changed before: in the end the records are what the last input says."""
    folder = tmp_path_factory.mktemp("history")
    for number in range(5):
        (folder / f"{number}.jpg").write_bytes(b"face %d" % number)
    database = Database(f"sqlite:///{folder / 'records.sqlite'}")
    database.upgrade()
    register(database, "FRA", "DEU")
    images = st.sets(st.integers(0, 4), min_size=1, max_size=3).map(lambda n: ";".join(f"face={i}.jpg" for i in n))
    rows = st.tuples(st.just("R"), images, st.sampled_from("AB"), st.sampled_from(["", "2027-01-01"]))
    for _ in range(data.draw(st.integers(1, 3))):
        write(folder, row(*data.draw(rows)))
        try:
            run(database, vault, folder, Opener(vault, data.draw(st.none() | st.integers(0, 2))))
        except Unavailable:
            continue
    run(database, vault, folder)
    run(database, vault, folder, country="DEU")
    [french], [german] = state(database, vault, "FRA").values(), state(database, vault, "DEU").values()
    assert french[0] == german[0]
    assert french[3] == german[3]
    assert len(french[4]) == len(german[4])
    database.close()


def test_a_slap_comes_in_as_its_fingers_and_goes_out_whole(database, vault, folder, tmp_path):
    register(database, "FRA")
    (folder / "slap.png").write_bytes(b"index middle faceless little")
    write(folder, row("R-1", "finger:13=slap.png"))
    steps, rejects = run(database, vault, folder)
    assert outcomes(steps) == ["added"]
    assert [(reject.file, reject.record) for reject in rejects] == [("slap.png (finger right-ring)", "R-1")]
    [(*_, samples)] = state(database, vault).values()
    assert [sample[:2] for sample in samples] == [(2, 2), (2, 3), (2, 5), (2, 13)]
    with database.reading() as session:
        (record,) = store.of_owner(session, "FRA")
        assert listed(record, vault)["fingers"] == 3, "the slap itself is no finger"
    again, rejects = run(database, vault, folder)
    assert (outcomes(again), rejects) == (["unchanged"], [])
    assert list(export(database, vault, "FRA", tmp_path / "out")) == [True]
    (line,) = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
    (image,) = json.loads(line)["images"]
    assert (image["position"], (tmp_path / "out" / image["file"]).read_bytes()) == (
        "plain-right-four",
        b"index middle faceless little",
    )
    write(folder, row("R-1", "face=face1.jpg"))
    assert outcomes(run(database, vault, folder)[0]) == ["changed"]
    [(*_, samples)] = state(database, vault).values()
    assert [sample[:2] for sample in samples] == [(1, 0)]
