"""Records in: read, have every image enrolled, seal, store each record whole. Safe to interrupt and to run again.

    entries, rejects = manifest.read(path)
    job = Import(settings, database, vault, "FRA", folder)
    for step in job.entries(entries): ...        # or job.files(paths)

Images are enrolled by several workers at once; records are stored one after the other, in the order of the input, each
in one transaction. What is there already and unchanged is neither enrolled nor written again, so that the same input
gives the same state, however often and wherever it was interrupted.
"""

from __future__ import annotations

import functools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from limen.errors import LimenError
from limen.reasons import Reason, from_mask
from limen.records import enrolment, store
from limen.records.database import Database
from limen.records.entry import Entry, Reject
from limen.records.index import Vault, keyed_hash
from limen.records.prepare import Preparation, Ready
from limen.records.tables import Record
from limen.settings import Settings
from limen.vault.seal import Context, Use
from limen.wire.messages import EnrolJob

AHEAD = 2  # records prepared beyond those that are being worked on: bounds memory
ADDED, CHANGED, UNCHANGED, REJECTED = "added", "changed", "unchanged", "rejected"


@dataclass(frozen=True)
class Step:
    """One record is done: what became of it, how many images it named, how many were enrolled, what was rejected.

    shortened: its owner asked for longer than it may be kept. crowded: images that show several faces, of which the
    most prominent was enrolled: a wrong face in a record accuses the wrong person.
    """

    outcome: str
    images: int
    enrolled: int = 0
    rejects: Sequence[Reject] = ()
    shortened: bool = False
    crowded: int = 0


class Import:
    """One import into one country's records."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        vault: Vault,
        country: str,
        folder: Path,
        *,
        jobs: int = 2,
        defaults: Mapping[str, Any] | None = None,
        enrol: Callable[[EnrolJob, bytes], enrolment.Enrolment] | None = None,
        now: int | None = None,
    ) -> None:
        """Prepare; nothing is read or written yet but the country's index key.

        Args:
            folder: all paths of a manifest are below it.
            jobs: how many workers are asked at once.
            defaults: values, as in a manifest, for what files leave open (`purpose`, `visible_to`, `valid_until`).
            enrol: asks a worker; default `enrolment.enrol`.
            now: Unix seconds; default the time of the call.

        Raises:
            NotFound: the country does not take part in this hub.
        """
        self._database, self._vault, self._country, self._jobs = database, vault, country, jobs
        self._hashes = keyed_hash(database, vault, country)
        self._preparation = Preparation(
            database,
            vault,
            self._hashes,
            country,
            folder.resolve(),
            enrol or functools.partial(enrolment.enrol, settings),
            defaults or {},
            int(time.time()) if now is None else now,
        )
        self._stored: set[bytes] = set()  # external keys of this run

    def entries(self, entries: Iterable[Entry]) -> Iterator[Step]:
        """Import a manifest's records."""
        return self._run(self._preparation.entry, entries)

    def files(self, paths: Iterable[Path]) -> Iterator[Step]:
        """Import ANSI/NIST-ITL files, given relative to the folder, a record each."""
        return self._run(self._preparation.file, [self._preparation.folder / path for path in paths])

    def _run(self, prepare: Callable[[Any], Ready], items: Iterable[object]) -> Iterator[Step]:
        """Prepare several at once, store in order."""
        waiting: deque[Future[Ready]] = deque()
        pool = ThreadPoolExecutor(self._jobs, thread_name_prefix="enrol")
        try:
            for item in items:
                waiting.append(pool.submit(prepare, item))
                if len(waiting) >= self._jobs + AHEAD:
                    yield self._store(waiting.popleft().result())
            while waiting:
                yield self._store(waiting.popleft().result())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _store(self, ready: Ready) -> Step:
        if ready.entry is None:
            return Step(UNCHANGED if ready.unchanged else REJECTED, ready.images, rejects=ready.rejects)
        entry = self._own_id(ready.entry)
        crowded = sum(Reason.SEVERAL_FACES in from_mask(sample.reasons) for sample in ready.new)
        try:
            outcome = self._stored_as(entry, ready)
        except LimenError as error:
            if error.code != "conflict":
                raise
            twice = Reject(
                entry.place, entry.record_id, "Another import changed this record.", "Import again.", "record"
            )
            return Step(REJECTED, ready.images, rejects=[*ready.rejects, twice])
        if outcome == UNCHANGED:
            return Step(outcome, ready.images, 0, ready.rejects, ready.shortened)
        return Step(outcome, ready.images, len(ready.new), ready.rejects, ready.shortened, crowded)

    def _stored_as(self, entry: Entry, ready: Ready) -> str:
        key = self._hashes.record_id(entry.record_id)
        self._stored.add(key)
        with self._database.reading(self._country) as session:
            old = store.by_external_key(session, self._country, key)
        extensions = ready.extensions  # of a file, whose record is known only now, they were not looked up
        if extensions is None and old is not None:
            extensions = self._preparation.extensions(old)
        packed = replace(entry.personal, extensions=extensions or entry.personal.extensions).pack()
        draft = store.Draft(
            id=ready.id,
            owner=self._country,
            external_key=key,
            fields=b"",
            fields_epoch=0,
            fields_hash=self._hashes.fields(packed),
            visible=store.with_owner(entry.visible, self._country),
            purpose=entry.purpose.value,
            valid_from=entry.valid_from or 0,
            valid_until=ready.until,
            new=ready.new,
            kept=ready.kept,
            retained_from=None if old is None else old.retained_from,
            sealed_as=ready.sealed_as,
        )
        if old is not None and ready.unchanged and _same(old, draft):
            return UNCHANGED
        epoch, fields = self._vault.seal(self._fields_context(draft), packed)
        with self._database.writing(self._country) as session:
            replaced = store.by_id(session, old.id) if old is not None and old.id != draft.id else None
            if replaced is not None:  # by a newer file of the same record
                store.withdraw(session, replaced, now=self._preparation.now)
                session.flush()
            # created when the import began: its validity was reckoned from then, and must be again next time
            sealed = replace(draft, fields=fields, fields_epoch=epoch)
            store.save(session, sealed, vault=self._vault, now=self._preparation.now)
        return ADDED if old is None else CHANGED

    def _fields_context(self, draft: store.Draft) -> Context:
        owner = self._country.encode("ascii")
        secret = (draft.sealed_as or draft.id).bytes
        return Context(Use.FIELDS, owner, secret, store.NO_SAMPLE, 0, 0, b"", draft.valid_until)

    def _own_id(self, entry: Entry) -> Entry:
        """Two files of one run that claim one record id are two records: the second gets its file's name added."""
        if self._hashes.record_id(entry.record_id) not in self._stored:
            return entry
        name = f"{entry.record_id[:60]} ({PurePosixPath(entry.place).stem[:60]})"
        return replace(entry, personal=replace(entry.personal, record_id=name))


def _same(old: Record, draft: store.Draft) -> bool:
    names = ("id", "fields_hash", "visible", "purpose", "valid_from", "valid_until")
    return all(getattr(old, name) == getattr(draft, name) for name in names)
