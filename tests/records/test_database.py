"""The schema and its sessions, on SQLite and PostgreSQL alike."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import exc

from limen.errors import BadInput, Damaged, LimenError, Unavailable
from limen.records.database import Database, open_database, translate
from limen.records.tables import Country, Record, Table, Tombstone
from limen.settings import Settings


def test_the_migrations_make_what_the_models_say(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_an_upgrade_twice_changes_nothing(database):
    before = database.version()
    database.upgrade()
    assert database.version() == before
    assert before[0] == before[1]


def test_an_upgrade_keeps_every_row(empty_url):
    """A table that a migration rebuilds must not take its children with it."""
    database = Database(empty_url)
    database.upgrade("0001")
    blob, record = bytes(32), "0" * 31 + "1"
    with database.writing() as session:
        session.execute(sa.text("INSERT INTO countries VALUES ('FRA', '', NULL, 0)"))
        session.execute(
            sa.text("INSERT INTO records VALUES (:id, 1, 'FRA', :b, :b, 1, :b, :b, 'alert', 0, 9, 'active', 1, 5, 5)"),
            {"id": record, "b": blob},
        )
        session.execute(
            sa.text(
                "INSERT INTO samples VALUES "
                "(:id, 1, :id, 1, 0, 'm', 9, 0, 0, 1, 1, 0, 1, 9, :b, 2, 5, 0, :b, NULL, NULL)"
            ),
            {"id": record, "b": blob},
        )
    database.upgrade()
    with database.reading() as session:
        [found] = session.scalars(sa.select(Record)).all()
        assert (found.retained_from, len(found.samples)) == (5, 1)
    with pytest.raises(BadInput), database.writing() as session:  # foreign keys hold again
        session.execute(sa.text("UPDATE samples SET record_id = :no"), {"no": "0" * 31 + "2"})
    database.close()


def _upgrade(url):
    database = Database(url)
    database.upgrade()
    database.close()


def test_several_processes_may_upgrade_at_once(empty_url):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_upgrade, args=(empty_url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    database = Database(empty_url)
    assert database.version()[0] == database.version()[1]
    database.close()


@pytest.mark.parametrize("handle", [1, 2**63 - 1, 2**63, 2**64 - 1])
def test_handles_of_64_bits_come_back(database, handle):
    with database.writing() as session:
        session.add(Tombstone(change=1, record=handle, sample=0, at=0))
    with database.reading() as session:
        assert session.scalars(sa.select(Tombstone).where(Tombstone.record == handle)).one().record == handle


@pytest.mark.parametrize("handle", [-1, 2**64])
def test_other_handles_are_refused(database, handle):
    with pytest.raises(LimenError):
        with database.writing() as session:
            session.add(Tombstone(change=1, record=handle, sample=0, at=0))
    with database.reading() as session:
        assert session.scalars(sa.select(Tombstone)).all() == []


def test_an_error_keeps_nothing_of_its_transaction(database):
    with pytest.raises(RuntimeError):
        with database.writing() as session:
            session.add(Country(code="FRA", contact="", created=0))
            session.flush()
            raise RuntimeError
    with database.reading() as session:
        assert session.get(Country, "FRA") is None


def test_a_conflict_is_said_without_its_values(database):
    for number in (1, 2):
        try:
            with database.writing() as session:
                session.add(Country(code="FRA", contact="secret-contact", created=number))
        except BadInput as error:
            assert "secret" not in repr(error)
            assert error.__suppress_context__
            assert number == 2
            return
    pytest.fail("two countries of one code")


def test_readers_see_one_snapshot_while_others_write(database):
    with database.reading() as session:
        assert session.scalars(sa.select(Country)).all() == []
        with database.writing() as other:
            other.add(Country(code="FRA", contact="", created=0))
        session.expire_all()
        assert session.scalars(sa.select(Country)).all() == []
    with database.reading() as session:
        assert len(session.scalars(sa.select(Country)).all()) == 1


def test_a_reading_writer_waits_instead_of_failing(database):
    with database.writing() as session:
        session.add(Country(code="FRA", contact="", created=0))

    def add_one():
        for _ in range(20):
            with database.writing() as session:
                row = session.get(Country, "FRA", with_for_update=True)
                time.sleep(0.001)
                row.created += 1

    threads = [threading.Thread(target=add_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert session.get(Country, "FRA").created == 80


def test_sqlite_is_private_and_forgets(tmp_path):
    database = open_database(Settings(data=tmp_path / "hub"))
    file = tmp_path / "hub" / "records.sqlite"
    marker = os.urandom(16).hex().encode()
    with database.writing() as session:
        session.add(Country(code="FRA", contact=marker.decode(), created=0))
    for name in ("records.sqlite", "records.sqlite-wal", "records.sqlite-shm"):
        assert file.with_name(name).stat().st_mode & 0o077 == 0
    with database.writing() as session:
        session.delete(session.get(Country, "FRA"))
    database.wipe_log()
    left = [part for part in file.parent.iterdir() if marker in part.read_bytes()]
    assert left == []
    database.close()


@pytest.mark.postgres
def test_an_old_postgresql_schema_is_not_changed_by_itself(postgres_cluster):
    settings = Settings(database=postgres_cluster)
    with pytest.raises(Unavailable, match="schema none") as caught:
        open_database(settings)
    assert "limen records migrate" in caught.value.advice


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/x", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_are_refused(url):
    with pytest.raises(BadInput, match="database"):
        Database(url)


def test_a_file_that_is_no_database_is_damaged(tmp_path):
    (tmp_path / "records.sqlite").write_bytes(b"no database at all" * 400)
    with pytest.raises(Damaged):
        open_database(Settings(data=tmp_path))


def test_an_unreachable_server_is_unavailable(tmp_path):
    with pytest.raises(Unavailable, match="cannot be reached"):
        open_database(Settings(database=f"postgresql://nobody@/x?host={tmp_path}"))


def fill(database, pages=60):
    """Let a SQLite database grow by a few pages only: the same error as on a full disk."""
    with database.engine.connect() as connection:
        size = connection.exec_driver_sql("PRAGMA page_count").scalar()
    database.engine.dispose()
    limit = size + pages
    sa.event.listen(database.engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count={limit}").close())


def test_a_full_disk_is_said_so_and_keeps_nothing_half(tmp_path):
    database = open_database(Settings(data=tmp_path))
    fill(database, pages=3)
    with pytest.raises(Unavailable, match="disk is full") as caught:
        with database.writing() as session:
            session.add(Country(code="FRA", contact="", created=0))
            session.flush()
            session.add_all(Tombstone(change=n, record=n, sample=n, at=0) for n in range(1, 5000))
    assert "INSERT" not in str(caught.value)
    with database.reading() as session:
        assert session.get(Country, "FRA") is None
    database.close()


def test_a_failing_disk_is_not_called_damage(tmp_path):
    """A file-size limit makes writes fail as a broken disk does."""
    script = (
        "import resource, signal, sys; from limen.records.database import *; from limen.records.tables import *\n"
        "from pathlib import Path; from limen.errors import Unavailable\n"
        f"database = open_database(Settings(data=Path({str(tmp_path)!r})))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
        "try:\n"
        "    with database.writing() as session:\n"
        "        session.add_all(Tombstone(change=n, record=n, sample=n, at=0) for n in range(1, 50000))\n"
        "except Unavailable as error: print(error)\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "disk is full or fails" in result.stdout
    database = open_database(Settings(data=tmp_path))
    with database.reading() as session:
        assert session.scalars(sa.select(Tombstone)).all() == []
    database.close()


def test_errors_never_hold_what_was_written():
    error = exc.OperationalError("INSERT secret", {"a": "secret"}, Exception("secret"))
    assert "secret" not in str(translate(error))
