"""The hub's database: SQLite inside the data folder by default, PostgreSQL in service; the same code for both.

    database = open_database(settings)
    with database.reading() as session: ...
    with database.writing() as session: ...     # commits at the end, rolls back on any error

A SQLite database is brought to the current schema when it is opened. A PostgreSQL database is changed only on request
(`limen records migrate`), because other machines may be using it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import exc
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from limen.errors import BadInput, Damaged, LimenError, NotFound, Unavailable
from limen.settings import Settings

BUSY_MS = 20_000  # how long a SQLite writer waits for another: longer than any of our transactions
CONNECTIONS = 16  # kept open; ten more may be opened: the front uses up to 40 threads, each for milliseconds
MIGRATIONS = Path(__file__).parent / "migrations"
_PRAGMAS = (
    "journal_mode=WAL",  # readers never wait for the writer
    "synchronous=FULL",  # a record that was reported as stored survives a power cut
    f"busy_timeout={BUSY_MS}",
    "foreign_keys=ON",
    "secure_delete=ON",  # withdrawn records are overwritten, not only unlinked
    "temp_store=MEMORY",
)


EVERY_OWNER = "*"
_SET_OWNER = sa.text("SELECT set_config('limen.owner', :owner, true)")  # until the transaction ends


class Database:
    """An engine, and sessions that either read or write.

    Attributes:
        engine: SQLAlchemy engine.
        embedded: whether it is SQLite.
    """

    def __init__(self, url: str) -> None:
        self.url = _url(url)
        self.embedded = self.url.get_backend_name() == "sqlite"
        if self.embedded:
            _make_private(self.url)
            self.engine = sa.create_engine(self.url, pool_size=CONNECTIONS, connect_args={"check_same_thread": False})
            sa.event.listen(self.engine, "connect", _configure)
            sa.event.listen(self.engine, "begin", _begin)
        else:
            self.engine = sa.create_engine(self.url, pool_size=CONNECTIONS, pool_pre_ping=True)
        snapshot: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        reads = {} if self.embedded else snapshot
        self._readers = self.engine.execution_options(**reads)
        self._writers = self.engine.execution_options(limen_writes=True)

    @contextlib.contextmanager
    def reading(self, owner: str | None = None) -> Iterator[Session]:
        """A session that only reads, and sees one consistent snapshot.

        Args:
            owner: on PostgreSQL, records and samples of other countries are not there (decision 0193); None: all are.
        """
        with _translated(), Session(self._readers, expire_on_commit=False) as session:
            self._fence(session, owner)
            yield session

    @contextlib.contextmanager
    def writing(self, owner: str | None = None) -> Iterator[Session]:
        """A session in one transaction, committed whole at the end; on any error nothing of it is kept.

        Args:
            owner: as for `reading`; nothing can be written to another country's records either.

        Raises:
            Unavailable: the database cannot be reached, is locked for too long, or its disk is full.
        """
        with _translated(), Session(self._writers, expire_on_commit=False) as session, session.begin():
            self._fence(session, owner)
            yield session

    @contextlib.contextmanager
    def inserting(self) -> Iterator[sa.Connection]:
        """As `writing`, for statements on tables that belong to no country, at half the cost of a session."""
        with _translated(), self._writers.begin() as connection:
            yield connection

    def _fence(self, session: Session, owner: str | None) -> None:
        if not self.embedded:
            session.execute(_SET_OWNER, {"owner": owner or EVERY_OWNER})

    def upgrade(self, to: str = "head") -> None:
        """Bring the schema to this release's version, or another. Safe to call from several processes at once."""
        with _translated(), _one_at_a_time(self.url), self.engine.connect() as connection:
            if self.embedded:  # else a migration that copies a table and drops the old one cascades into its children
                connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
                connection.detach()  # this connection is closed afterwards, not used again
            connection = connection.execution_options(limen_writes=True)
            with connection.begin():
                if not self.embedded:  # released with the transaction; the number is "limen" in ASCII
                    connection.execute(sa.text("SELECT pg_advisory_xact_lock(465741472110)"))
                    connection.execute(_SET_OWNER, {"owner": EVERY_OWNER})
                config = Config()
                config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
                config.attributes["connection"] = connection
                command.upgrade(config, to)
                if self.embedded and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise Damaged("The database's rows do not fit together.", advice=_BACKUP)

    def version(self) -> tuple[str | None, str]:
        """Schema version that the database has (None: empty), and the one that this release needs."""
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        needed = ScriptDirectory.from_config(config).get_current_head() or ""
        with _translated(), self.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision(), needed

    def wipe_log(self) -> None:
        """Move SQLite's write-ahead log into the database and empty it, so that nothing withdrawn stays in the log."""
        if self.embedded:
            with _translated(), contextlib.closing(self.engine.raw_connection()) as connection:
                for pragma in ("busy_timeout=1000", "wal_checkpoint(TRUNCATE)", f"busy_timeout={BUSY_MS}"):
                    connection.cursor().execute(f"PRAGMA {pragma}").close()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_database(settings: Settings) -> Database:
    """The hub's database, at the schema of this release.

    Raises:
        BadInput: the URL is malformed or of another kind.
        Unavailable: it cannot be reached, or (PostgreSQL) has another schema, or (in production) its role escapes
            row-level security.
    """
    database = Database(settings.database_url)
    have, needed = database.version()
    if have != needed:
        if not database.embedded:
            raise Unavailable(
                f"The database has schema {have or 'none'}, this release needs {needed}.",
                advice="Run `limen records migrate` once, with all hubs of this database stopped.",
            )
        database.upgrade()
    if settings.production and not database.embedded:
        _check_role(database)
    return database


def open_existing(settings: Settings) -> Database:
    """The hub's database where there is one: for commands that look at a hub or change it, and must not begin another.

    Raises:
        NotFound: there is none at this place; nothing is created.
        BadInput, Unavailable: as `open_database`.
    """
    url = _url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise NotFound(
            f"There is no hub in {settings.data}.",
            advice="Name its data folder (--data or LIMEN_DATA), or start one: limen serve.",
        )
    return open_database(settings)


def _check_role(database: Database) -> None:
    with _translated(), database.engine.connect() as connection:
        unfenced = connection.execute(
            sa.text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        ).scalar()
    if unfenced:
        raise Unavailable(
            "The database role is not held by row-level security.",
            advice="Connect as a role without SUPERUSER and BYPASSRLS, which owns the tables.",
        )


def _url(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except exc.ArgumentError:
        raise BadInput("The setting 'database' is no database URL.", advice=_URL_ADVICE) from None
    backend = url.get_backend_name()
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    raise BadInput(f"A database of the kind '{url.drivername}' cannot be used.", advice=_URL_ADVICE)


_URL_ADVICE = "Use sqlite:////path/to/file or postgresql://user@host/database."


def _make_private(url: sa.URL) -> None:
    file = Path(url.database or "")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite gives its log the same mode
    except OSError as error:
        raise Unavailable(f"The database {file} cannot be opened: {error.strerror}.") from None


def _configure(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin`, with the lock that each needs
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: sa.Connection) -> None:
    # A deferred transaction that reads and then writes fails when another wrote in between; IMMEDIATE waits instead.
    writes = connection.get_execution_options().get("limen_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextlib.contextmanager
def _one_at_a_time(url: sa.URL) -> Iterator[None]:
    if url.get_backend_name() != "sqlite":
        yield
        return
    descriptor = os.open(f"{url.database}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """SQLAlchemy's errors as ours. Their own texts hold statements and values, and are never passed on."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        raise translate(error) from None


def translate(error: exc.SQLAlchemyError) -> LimenError:
    """Our error for one of SQLAlchemy's, without its statement and values."""
    cause = getattr(error, "orig", None)
    code = str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or "")
    for start, kind, message, advice in _FAILURES:
        if code.startswith(start):
            return kind(message, advice=advice)
    if isinstance(error, StaleDataError) or code.startswith("40"):  # 40: PostgreSQL's serialization failures
        return Unavailable("Others changed the same records at the same time.", advice="Try again.", code="conflict")
    if isinstance(error, exc.IntegrityError):
        return BadInput("That is in conflict with what the database holds already.", code="conflict")
    if isinstance(error, exc.OperationalError | exc.InterfaceError | exc.TimeoutError):
        return Unavailable("The database cannot be reached.", advice="Check that it runs, and LIMEN_DATABASE.")
    return LimenError(f"The database refused a request ({type(error).__name__}).")


_ROOM = "Make room, and do it again; nothing was half-written."
_BACKUP = "Restore it from a backup."
_FAILURES: tuple[tuple[str, type[LimenError], str, str], ...] = (  # by SQLite's names and PostgreSQL's SQLSTATEs
    ("SQLITE_FULL", Unavailable, "The database's disk is full.", _ROOM),
    ("53100", Unavailable, "The database's disk is full.", _ROOM),
    ("SQLITE_IOERR", Unavailable, "The database's disk is full or fails.", _ROOM),
    ("SQLITE_BUSY", Unavailable, "The database is locked by another program.", "Try again."),
    ("SQLITE_READONLY", Unavailable, "The database may not be written.", "Check who owns the data folder."),
    ("SQLITE_CANTOPEN", Unavailable, "The database cannot be opened.", "Check who owns the data folder."),
    ("SQLITE_CORRUPT", Damaged, "The database file is damaged.", _BACKUP),
    ("SQLITE_NOTADB", Damaged, "The database file is damaged.", _BACKUP),
)
