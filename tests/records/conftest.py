"""Databases for the records' tests: SQLite, and a private PostgreSQL cluster from Debian's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from limen.records.database import Database
from limen.vault.seal import Context, open_blob, seal_blob, successor


def _as_postgres() -> list[str]:
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []  # PostgreSQL refuses to run as root


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[str]:
    """URL of a private PostgreSQL cluster on a Unix socket; skips where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed (Debian package postgresql)")
    if os.geteuid() == 0 and not shutil.which("runuser"):
        pytest.skip("PostgreSQL does not run as root, and runuser is not installed")
    binaries = found[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="limen-pg-", dir="/tmp"))  # short: a socket's path has 107 bytes
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
    data, log = str(folder / "data"), str(folder / "log")
    initdb = [str(binaries / "initdb"), "-D", data, "-U", "limen", "-A", "trust", "-N", "-E", "UTF8"]
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=40"
    try:
        subprocess.run([*_as_postgres(), *initdb], **quiet)
        start = [str(binaries / "pg_ctl"), "-D", data, "-l", log, "-w", "-o", options, "start"]
        subprocess.run([*_as_postgres(), *start], **quiet)
        try:
            yield f"postgresql://limen@/postgres?host={folder}"
        finally:
            stop = [str(binaries / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop"]
            subprocess.run([*_as_postgres(), *stop], **quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.sqlite'}"
    cluster: str = request.getfixturevalue("postgres_cluster")
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")  # a database of its own would be 7 MB to copy, for each test
    return f"{cluster}&options=-csearch_path%3D{name}"


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    """A database of each kind at the current schema."""
    database = Database(empty_url)
    database.upgrade()
    yield database
    database.close()


class TestVault:
    """Seals as the vault does, with a fixed key a use and country; no process."""

    __test__ = False

    def seal(self, context: Context, plaintext: bytes) -> tuple[int, bytes]:
        return 1, seal_blob(self._key(context), context, 1, plaintext)

    def unseal(self, context: Context, blob: bytes) -> bytes:
        return open_blob(self._key(context), context, blob)

    def reseal(self, context: Context, blob: bytes, *, renew: bool = False) -> tuple[int, bytes]:
        fresh = replace(context, record=successor(context.record)) if renew else context
        return self.seal(fresh, self.unseal(context, blob))

    def _key(self, context: Context) -> bytes:
        return (context.country + bytes([context.use])).ljust(32, b"k")


@pytest.fixture
def vault() -> TestVault:
    return TestVault()
