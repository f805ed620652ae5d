"""Moving a gallery from one face model to the next, while searches go on.

    move = Move(database, vault, enrol, "new-model")
    for step in move.run(): ...

Originals are opened by the vault for this command alone and enrolled again by single-use workers, which make templates
of the new model. A record changes in one transaction, from then on it is searched by the new model; probes are
extracted with both meanwhile (`models.in_use`). What was moved stays moved: a move that was interrupted goes on where
it was. Records whose originals were not kept stay under the old model, and are named.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import sqlalchemy as sa

from limen.errors import BadInput, Damaged, Unavailable
from limen.records import feed, store
from limen.records.database import Database
from limen.records.enrolment import FILE, IMAGE, KEEP_ORIGINAL, Enrolment
from limen.records.index import Vault
from limen.records.prepare import sample_of, unusable
from limen.records.tables import Record, Sample
from limen.terms import Modality
from limen.vault.seal import Use
from limen.wire.messages import EnrolJob, Enrolled

FOLLOW_SECONDS = 30.0  # for a running opener to load the new model
RETRY_SECONDS = 0.5
AHEAD = 2  # records prepared beyond those that are being worked on: bounds memory
NO_ORIGINAL = "Its photo was not kept; import it again."
_CHANGED = ("template", "portrait", "model", "quality", "reasons", "width", "height", "epoch")


@dataclass(frozen=True)
class Step:
    """One record is done: whose it is, how many of its photos have the new model's templates now, and what hindered
    the others (empty if nothing)."""

    owner: str
    record: uuid.UUID
    moved: int
    why: str = ""


def left(database: Database, model: str, now: int | None = None) -> list[tuple[str, uuid.UUID]]:
    """(owner, record) of every record that has face templates of another model, in a fixed order."""
    now = int(time.time()) if now is None else now
    old = (Sample.modality == Modality.FACE) & (Sample.model != model) & Sample.template.is_not(None)
    query = sa.select(Record.owner, Record.id).join(Sample, Sample.record_id == Record.id)
    query = query.where(old, Record.valid_until > now).distinct().order_by(Record.owner, Record.id)
    with database.reading() as session:
        return [(owner, record) for owner, record in session.execute(query)]


class Move:
    """One gallery's move to one model."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        enrol: Callable[[EnrolJob, bytes], Enrolment],
        model: str,
        *,
        jobs: int = 2,
        now: int | None = None,
    ) -> None:
        """enrol: asks a worker (`enrolment.enrol`); model: that the opener makes templates with; jobs: at once."""
        self._database, self._vault, self._enrol, self._model, self._jobs = database, vault, enrol, model, jobs
        self._now = int(time.time()) if now is None else now

    def run(self) -> Iterator[Step]:
        """Move every record that is left.

        Raises:
            Unavailable, KeyUnavailable, Damaged: the hub cannot go on; run it again.
        """
        waiting: deque[Future[Step]] = deque()
        pool = ThreadPoolExecutor(self._jobs, thread_name_prefix="reextract")
        try:
            for owner, record in left(self._database, self._model, self._now):
                waiting.append(pool.submit(self._record, owner, record))
                if len(waiting) >= self._jobs + AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _record(self, owner: str, record_id: uuid.UUID) -> Step:
        with self._database.reading(owner) as session:
            record = store.by_id(session, record_id)
            if record is None:  # withdrawn meanwhile
                return Step(owner, record_id, 0)
            old = {sample.id for sample in record.samples if self._is_old(sample)}
            originals = [
                (sample, self._vault.unseal(store.sample_context(sample, record, Use.FILE), sample.original))
                for sample in record.samples
                if sample.original and (sample.id in old or sample.modality == 0)
            ]
        problems, new = [], list[Sample]()
        for sample, data in originals:
            try:
                new += [one for one in self._again(record, sample, data) if one.id in old]
            except BadInput as error:
                problems.append(f"{error.message} {error.advice}".strip())
        moved = self._store(record, new)
        if old - {sample.id for sample in new}:
            return Step(owner, record_id, moved, problems[0] if problems else NO_ORIGINAL)
        return Step(owner, record_id, moved)

    def _is_old(self, sample: Sample) -> bool:
        return sample.modality == Modality.FACE and sample.template is not None and sample.model != self._model

    def _again(self, record: Record, sample: Sample, data: bytes) -> list[Sample]:
        """The samples of an original, enrolled anew under their own ids."""
        job = EnrolJob(
            what=IMAGE if sample.modality else FILE,
            country=record.owner.encode("ascii"),
            record=store.sealed_as(record).bytes,
            sample=sample.id.bytes,
            modality=sample.modality,
            position=sample.position,
            ppi=sample.ppi if sample.modality else 0,
            expires=sample.expires,
            flags=KEEP_ORIGINAL if sample.modality else 0,  # all seals of a sample are of one epoch
        )
        until = time.monotonic() + FOLLOW_SECONDS
        while True:
            faces = [one for one in self._enrol(job, data).samples if one.modality == Modality.FACE]
            if sample.modality and faces and not faces[0].usable:
                raise unusable(faces[0])
            made = [one for one in faces if one.usable]
            if all(_model(one) == self._model for one in made):
                return [sample_of(one, sample.expires, sample.input_hash) for one in made]
            if time.monotonic() > until:
                raise Unavailable(
                    f"The opener does not make templates of '{self._model}'.",
                    advice="See its log in the hub's data folder, then run this again.",
                )
            time.sleep(RETRY_SECONDS)  # it is loading the model

    def _store(self, record: Record, new: list[Sample]) -> int:
        """Put the new templates in the place of the old ones, all of a record's at once; how many there were."""
        with self._database.writing(record.owner) as session:
            current = store.by_id(session, record.id)
            same = current is not None and store.sealed_as(current) == store.sealed_as(record)
            there = {sample.id: sample for sample in current.samples} if current and same else {}
            pairs = [(there[one.id], one) for one in new if one.id in there]
            pairs = [(row, one) for row, one in pairs if self._is_old(row) and row.expires == one.expires]
            if not pairs:  # withdrawn, extended, imported anew or moved by another run meanwhile
                return 0
            with session.no_autoflush:
                for row, one in pairs:
                    for name in _CHANGED:
                        setattr(row, name, getattr(one, name))
                    if one.original:
                        row.original = one.original
                first = feed.number(session, len(pairs))
                for change, (row, _) in enumerate(pairs, first):
                    row.change = change
            return len(pairs)


def _model(one: Enrolled) -> str:
    try:
        return one.model.rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError:
        raise Damaged("A worker named a model that is none.") from None
