"""Moving a gallery to another face model: whole, in pieces, and where it cannot be."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
import sqlalchemy as sa
from tests.records.drafts import NOW, draft, register, sample
from tests.records.opener import Opener

from limen.errors import Unavailable
from limen.records import feed, reextract, store
from limen.records.importer import Import
from limen.records.manifest import read
from limen.records.reextract import NO_ORIGINAL, Move, left
from limen.records.tables import Record, Sample
from limen.settings import Settings
from limen.terms import Modality
from limen.vault.seal import Context, Use
from limen.wire.messages import GalleryPut

NEXT = "next"


class NextOpener(Opener):
    """Makes templates with the next model."""

    def _enrolled(self, job, sample, modality, position, content, original):
        made = super()._enrolled(job, sample, modality, position, content, original)
        if modality != Modality.FACE or not made.usable:
            return made
        context = Context(Use.TEMPLATE, job.country, job.record, sample, modality, position, b"next", job.expires)
        template = self._vault.seal(context, b"next template of " + content)[1]
        _, portrait, kept = made.blobs()
        return replace(
            made, model=b"next".ljust(16, b"\0"), quality=77, template_length=len(template),
            tail=template + portrait + kept,
        )  # fmt: skip


@pytest.fixture
def imported(database, vault, tmp_path):
    """Two records with faces and fingers, and one that came as a file."""
    register(database, "FRA")
    for name in ("a.jpg", "b.png", "c.jpg", "d.jpg"):
        (tmp_path / name).write_bytes(b"picture " + name.encode())
    (tmp_path / "f.an2").write_text("1 0\n2 3\n\nrecord_id=FILE-1\n")
    (tmp_path / "manifest.csv").write_text("record_id,names,face,right_index\nR-1,A,a.jpg;d.jpg,b.png\nR-2,B,c.jpg,\n")
    job = Import(Settings(), database, vault, "FRA", tmp_path, enrol=Opener(vault), now=NOW)
    steps = [*job.entries(read(tmp_path / "manifest.csv")[0]), *job.files(["f.an2"])]
    assert [step.outcome for step in steps] == ["added"] * 3


def rows(database):
    with database.reading() as session:
        found = session.scalars(sa.select(Sample).order_by(Sample.handle)).all()
        for row in found:
            assert (row.record.id, row.original) is not None
        return {row.id: row for row in found}


def puts(database, after=0):
    with database.reading() as session:
        messages, upto = feed.changes(session, after, 99)
    return [message for message in messages if isinstance(message, GalleryPut)], upto


def test_every_face_moves_and_nothing_else_changes(database, vault, imported):
    before, (_, known) = rows(database), puts(database)
    steps = list(Move(database, vault, NextOpener(vault), NEXT, now=NOW).run())
    assert sorted(step.moved for step in steps) == [1, 1, 2]
    assert not any(step.why for step in steps)
    after = rows(database)
    assert after.keys() == before.keys()
    for name, row in after.items():
        old = before[name]
        assert (row.handle, row.input_hash, row.expires, row.ppi) == (old.handle, old.input_hash, old.expires, old.ppi)
        if row.modality == Modality.FACE:
            assert (row.model, row.quality) == (NEXT, 77)
        else:
            assert (row.model, row.template, row.change) == (old.model, old.template, old.change)
    changed, _ = puts(database, known)
    assert {message.model.rstrip(b"\0") for message in changed} == {b"next"}
    assert len(changed) == 4
    assert left(database, NEXT, NOW) == []


def test_what_was_moved_opens_under_its_new_model(database, vault, imported):
    list(Move(database, vault, NextOpener(vault), NEXT, now=NOW).run())
    with database.reading() as session:
        for record in session.scalars(sa.select(Record)):
            for row in record.samples:
                if row.modality != Modality.FACE:
                    continue
                context = replace(store.sample_context(row, record, Use.TEMPLATE), model=b"next")
                assert vault.unseal(context, row.template).startswith(b"next template of ")
                assert store.portrait(row, vault).startswith(b"portrait of ")
                if row.original_length:
                    kept = vault.unseal(store.sample_context(row, record, Use.FILE), row.original)
                    assert kept.startswith(b"picture ")


def test_a_second_run_has_nothing_to_do(database, vault, imported):
    list(Move(database, vault, NextOpener(vault), NEXT, now=NOW).run())
    opener = NextOpener(vault)
    assert list(Move(database, vault, opener, NEXT, now=NOW).run()) == []
    assert opener.jobs == []


def test_an_interrupted_move_goes_on_where_it_was(database, vault, imported):
    first = NextOpener(vault, fail_after=2)
    with pytest.raises(Unavailable):
        list(Move(database, vault, first, NEXT, jobs=1, now=NOW).run())
    half = len(left(database, NEXT, NOW))
    assert 0 < half < 3
    second = NextOpener(vault)
    assert len(list(Move(database, vault, second, NEXT, now=NOW).run())) == half
    assert left(database, NEXT, NOW) == []


def test_a_record_changes_whole_or_not_at_all(database, vault, imported):
    seen = set()
    for fail_after in (0, 1, 1, 2, 9):
        with contextlib.suppress(Unavailable):
            list(Move(database, vault, NextOpener(vault, fail_after), NEXT, jobs=1, now=NOW).run())
        with database.reading() as session:
            for record in session.scalars(sa.select(Record)):
                assert len({row.model for row in record.samples if row.modality == Modality.FACE}) == 1
        seen.add(len(left(database, NEXT, NOW)))
    assert {0, 3} < seen


def test_a_record_without_its_original_stays_and_is_named(database, vault):
    register(database, "FRA")
    with database.writing() as session:
        record = store.save(session, draft(samples=[sample(original=None)]), now=NOW)
    [step] = Move(database, vault, NextOpener(vault), NEXT, now=NOW).run()
    assert (step.record, step.moved, step.why) == (record.id, 0, NO_ORIGINAL)
    assert [row.model for row in rows(database).values()] == ["sface-1"]
    assert left(database, NEXT, NOW) == [("FRA", record.id)]


def test_a_photo_that_the_new_model_cannot_use_stays_with_the_old(database, vault, imported):
    class Blind(NextOpener):
        def __call__(self, job, data):
            return super().__call__(job, b"faceless" if b"c.jpg" in data else data)

    steps = list(Move(database, vault, Blind(vault), NEXT, now=NOW).run())
    [stuck] = [step for step in steps if step.why]
    assert (stuck.moved, "No face" in stuck.why) == (0, True)
    models = sorted(row.model for row in rows(database).values() if row.modality == Modality.FACE)
    assert models == ["made-up", NEXT, NEXT, NEXT]


def test_it_waits_for_an_opener_that_loads_the_model_and_not_for_ever(database, vault, imported, monkeypatch):
    class Slow(NextOpener):
        def _enrolled(self, *args):
            made = super()._enrolled(*args)
            return replace(made, model=b"made-up") if len(self.jobs) < 3 and made.usable else made

    monkeypatch.setattr(reextract, "RETRY_SECONDS", 0.01)
    assert len(list(Move(database, vault, Slow(vault), NEXT, now=NOW).run())) == 3
    assert left(database, NEXT, NOW) == []
    monkeypatch.setattr(reextract, "FOLLOW_SECONDS", 0.05)
    with pytest.raises(Unavailable, match="does not make templates of 'other'"):
        list(Move(database, vault, NextOpener(vault), "other", now=NOW).run())


def test_a_record_that_is_withdrawn_meanwhile_stays_withdrawn(database, vault, imported):
    class Withdrawing(NextOpener):
        def __call__(self, job, data):
            with database.writing() as session:
                for record in session.scalars(sa.select(Record)).all():
                    store.withdraw(session, record, now=NOW)
            return super().__call__(job, data)

    list(Move(database, vault, Withdrawing(vault), NEXT, jobs=1, now=NOW).run())
    assert rows(database) == {}
