"""Imports that are killed, squeezed, or meet each other."""

import multiprocessing
import os
import signal
import threading

import pytest
from tests.records.drafts import NOW, register
from tests.records.opener import Opener
from tests.records.test_database import fill

from limen.errors import Unavailable
from limen.records import manifest, store
from limen.records.database import Database
from limen.records.importer import Import
from limen.settings import Settings


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    lines = ["record_id,names,face,right_index"]
    for number in range(6):
        (folder / f"{number}.jpg").write_bytes(b"face %d" % number * 500)
        (folder / f"{number}.png").write_bytes(b"finger %d" % number * 500)
        lines.append(f"R-{number},Person {number},{number}.jpg,{number}.png")
    (folder / "manifest.csv").write_text("\n".join(lines))
    return folder


def run(database, vault, folder, opener=None):
    entries, _ = manifest.read(folder / "manifest.csv")
    job = Import(Settings(), database, vault, "FRA", folder, enrol=opener or Opener(vault), now=NOW)
    return [step.outcome for step in job.entries(entries)]


def whole(database):
    """Number of records; each must be whole."""
    with database.reading() as session:
        records = store.of_owner(session, "FRA")
        assert all(len(record.samples) == 2 for record in records)
        return len(records)


def _killed(url, vault, folder, after):
    class Deadly(Opener):
        def __call__(self, job, data):
            if len(self.jobs) >= after:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().__call__(job, data)

    run(Database(url), vault, folder, Deadly(vault))


@pytest.mark.parametrize("after", [1, 5, 9])
def test_a_killed_importer_leaves_whole_records_and_can_be_run_again(empty_url, vault, folder, after):
    database = Database(empty_url)
    database.upgrade()
    register(database, "FRA")
    database.close()  # nothing of the pool may be shared with the child
    child = multiprocessing.get_context("fork").Process(target=_killed, args=(empty_url, vault, folder, after))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    stored = whole(database)
    assert stored < 6
    assert run(database, vault, folder).count("added") == 6 - stored
    assert whole(database) == 6
    assert run(database, vault, folder) == ["unchanged"] * 6
    database.close()


def test_on_a_full_disk_nothing_is_half_and_later_all_is_there(tmp_path, vault, folder):
    small = Database(f"sqlite:///{tmp_path / 'small.sqlite'}")
    small.upgrade()
    register(small, "FRA")
    fill(small, pages=20)
    with pytest.raises(Unavailable, match="disk is full"):
        run(small, vault, folder)
    assert 0 < whole(small) < 6
    roomy = Database(f"sqlite:///{tmp_path / 'small.sqlite'}")
    run(roomy, vault, folder)
    assert whole(roomy) == 6
    small.close()
    roomy.close()


def test_two_imports_of_the_same_at_once_end_in_one_state(database, vault, folder):
    register(database, "FRA")
    outcomes, errors = [], []

    def clerk():
        try:
            outcomes.append(run(database, vault, folder))
        except Exception as error:
            errors.append(error)

    clerks = [threading.Thread(target=clerk) for _ in range(3)]
    for thread in clerks:
        thread.start()
    for thread in clerks:
        thread.join()
    assert errors == []
    assert whole(database) == 6
    assert sum(outcome.count("added") for outcome in outcomes) == 6
    assert run(database, vault, folder) == ["unchanged"] * 6
