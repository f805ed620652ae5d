"""Keeping a record for longer, with a reason (RPD Art. 50).

Its end is bound into every seal of a record, so that nobody can prolong it by changing a number in the database. The
originals are therefore opened once more, by the vault for this command, and enrolled and sealed anew.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import replace

from limen.errors import BadInput, Damaged
from limen.records import store
from limen.records.database import Database
from limen.records.enrolment import FILE, IMAGE, KEEP_ORIGINAL, Enrolment
from limen.records.index import KeyedHash, Vault
from limen.records.prepare import sample_of, unusable
from limen.records.tables import Record, Sample
from limen.vault.seal import Context, Use
from limen.wire.messages import EnrolJob


def extend(
    database: Database,
    vault: Vault,
    hashes: KeyedHash,
    record: Record,
    until: int,
    reason: str,
    enrol: Callable[[EnrolJob, bytes], Enrolment],
    *,
    now: int | None = None,
) -> None:
    """Keep a record until a new end, in one step.

    Args:
        record: with its samples.
        until: Unix seconds; later than now, at most the rules' longest time from now.
        reason: one sentence; kept, sealed, with the record.
        enrol: asks a worker.

    Raises:
        BadInput: the end or reason cannot be, or an original cannot be enrolled any more.
    """
    now = int(time.time()) if now is None else now
    longest = now + store.retention(sample.modality for sample in record.samples if sample.modality)
    if not now < until <= longest:
        raise BadInput(
            "A record can be kept for five years at a time, marks alone for fifteen.", advice="Ask for less."
        )
    if not reason.strip():
        raise BadInput("An extension needs its reason.", advice="Give one: --reason TEXT.")
    with database.reading(record.owner) as session:
        current = store.by_id(session, record.id)
        if current is None:
            raise BadInput("The record was withdrawn meanwhile.", code="conflict")
        personal = store.personal_fields(current, vault)
        again = [sample for sample in current.samples if sample.expires < until and sample.original]
        opened = [
            (sample, vault.unseal(store.sample_context(sample, current, Use.FILE), _blob(sample))) for sample in again
        ]
    kept = frozenset(sample.id for sample in current.samples if sample.expires >= until)
    secret = store.renewed(current)  # its end changes, and what its fields say
    new = [row for sample, data in opened for row in _enrolled(record, secret, sample, data, until, enrol)]
    personal = replace(personal, extensions=(*personal.extensions, (now, until, reason.strip()[:400])))
    packed = personal.pack()
    context = Context(Use.FIELDS, record.owner.encode("ascii"), secret.bytes, store.NO_SAMPLE, 0, 0, b"", until)
    epoch, fields = vault.seal(context, packed)
    draft = store.Draft(
        id=record.id,
        owner=record.owner,
        external_key=record.external_key,
        fields=fields,
        fields_epoch=epoch,
        fields_hash=hashes.fields(packed),
        visible=record.visible,
        purpose=record.purpose,
        valid_from=record.valid_from,
        valid_until=until,
        new=new,
        kept=kept,
        retained_from=now,
        sealed_as=secret,
    )
    with database.writing(record.owner) as session:
        store.save(session, draft, vault=vault, now=now)


def _enrolled(
    record: Record,
    secret: uuid.UUID,
    sample: Sample,
    data: bytes,
    until: int,
    enrol: Callable[[EnrolJob, bytes], Enrolment],
) -> list[Sample]:
    """A sample anew; of a file, all its samples."""
    job = EnrolJob(
        what=IMAGE if sample.modality else FILE,
        country=record.owner.encode("ascii"),
        record=secret.bytes,
        sample=uuid.uuid4().bytes,
        modality=sample.modality,
        position=sample.position,
        ppi=sample.ppi,
        expires=until,
        flags=KEEP_ORIGINAL,
    )
    found = enrol(job, data).samples
    if sample.modality and not any(one.usable for one in found):
        raise unusable(found[0])
    return [sample_of(one, until, sample.input_hash) for one in found if one.usable or one.original_length]


def _blob(sample: Sample) -> bytes:
    if not sample.original:
        raise Damaged("An image's original is missing.", advice="Import the record again.")
    return sample.original
