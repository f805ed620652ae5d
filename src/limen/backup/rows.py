"""A database as chunks of rows, the same for SQLite and PostgreSQL.

Tables are read in the order of their primary keys and cut where a key's hash says so: a row that comes, changes or goes
changes one chunk, and the others are in the repository already. Sealed columns stay sealed; nothing is opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import cbor2
import sqlalchemy as sa
from sqlalchemy.orm import Session

from limen.errors import Damaged
from limen.records import tables

CUT = 64  # rows in a chunk, on average
LARGEST = 1 << 20  # bytes of a chunk after which it is cut in any case
FETCH = 200  # rows from the database at a time
PASSING = frozenset({"sessions", "invites", "nonces", "tokens"})  # of minutes' worth; nobody stays signed in over this

Row = Sequence[Any]


def kept_tables() -> list[sa.Table]:
    """The tables that are backed up, those that others refer to first."""
    return [table for table in tables.Table.metadata.sorted_tables if table.name not in PASSING]


def chunks(session: Session, table: sa.Table) -> Iterator[tuple[int, bytes]]:
    """(rows, chunk) of a whole table, in one consistent snapshot with others of the same session."""
    keys = [column.name for column in table.primary_key]
    columns = [column.name for column in table.columns]
    where = [columns.index(name) for name in keys]
    query = sa.select(table).order_by(*table.primary_key).execution_options(yield_per=FETCH)
    rows: list[list[Any]] = []
    size = 0
    for row in session.execute(query):
        rows.append(list(row))
        size += sum(len(value) for value in row if isinstance(value, bytes))
        if size > LARGEST or _cuts(rows[-1], where):
            yield len(rows), cbor2.dumps([columns, rows])
            rows, size = [], 0
    if rows:
        yield len(rows), cbor2.dumps([columns, rows])


def insert(session: Session, table: sa.Table, chunk: bytes) -> int:
    """Put a chunk's rows back; how many. `Damaged` if it is none of this table."""
    found = list(of(table, chunk))
    if found:
        session.execute(sa.insert(table), found)
    return len(found)


def of(table: sa.Table, chunk: bytes) -> Iterable[dict[str, Any]]:
    """A chunk's rows as dictionaries. `Damaged` if it is none of this table."""
    try:
        columns, rows = cbor2.loads(chunk)
        if not set(columns) <= {column.name for column in table.columns}:
            raise ValueError
        return [dict(zip(columns, row, strict=True)) for row in rows]
    except (ValueError, TypeError, cbor2.CBORDecodeError):
        raise Damaged(
            f"A chunk of the table {table.name} does not fit.", advice="Use the release that wrote it."
        ) from None


def _cuts(row: Row, where: Sequence[int]) -> bool:
    digest = hashlib.blake2b(cbor2.dumps([row[at] for at in where]), digest_size=4).digest()
    return int.from_bytes(digest, "little") % CUT == 0
