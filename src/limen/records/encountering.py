"""Changes of encounters: put in, replaced, renamed when persons are merged, moved to another gallery, withdrawn."""

from __future__ import annotations

import dataclasses
import hashlib
import time
import uuid
from collections.abc import Callable

from sqlalchemy.orm import Session

from limen.errors import BadInput, NotAllowed, Refused
from limen.exchange import osia
from limen.ledger.entry import Kind
from limen.records import encounters, journal, store
from limen.records.database import Database
from limen.records.encounters import Encounter, Ids
from limen.records.enrolment import ENCOUNTER, KEEP_ORIGINAL, Enrolment
from limen.records.entry import Entry, ImageRef, entry_of
from limen.records.index import KeyedHash, Vault
from limen.records.prepare import sample_of, unusable
from limen.records.tables import Record, State
from limen.terms import Modality, Position
from limen.vault.seal import Context, Use
from limen.wire.messages import EnrolJob

STATES = {"ACTIVE": State.ACTIVE, "INACTIVE": State.SUSPENDED}
MOST_AT_ONCE = 10  # records that one request deletes, of somebody with many encounters; as `limen records` has it
MAX_ID = 60  # characters of each of the two ids: both and what is between must fit into a record's id

Enrol = Callable[[EnrolJob, bytes], Enrolment]


class Exists(Refused):
    """There is an encounter of that id already."""

    code = "already-there"


@dataclasses.dataclass(frozen=True)
class Encounters:
    """Changes one country's encounters.

    Attributes:
        enrol: asks a worker (`enrolment.enrol`).
        allow: raises unless a record may be written for this purpose.
    """

    database: Database
    vault: Vault
    country: str
    hashes: KeyedHash
    enrol: Enrol
    allow: Callable[[str], None]

    def put(self, ids: Ids, data: bytes, *, replace: bool) -> Record:
        """Put an encounter in, as OSIA's JSON has it, or replace the one that is there.

        Raises:
            Exists: it is there, and was not to be replaced.
            NotFound: it is not there, and was to be replaced.
            BadInput, NotAllowed: it cannot be kept; nothing was changed.
        """
        old = self._old(ids, replace)
        now, record_id = int(time.time()), old.id if old else uuid.uuid4()
        secret = store.renewed(old) if old else record_id  # all samples of the old one go
        expires = now + store.RETENTION_MARKS  # bound into the seals before it is known what the encounter holds
        job = EnrolJob(
            what=ENCOUNTER,
            country=self.country.encode("ascii"),
            record=secret.bytes,
            sample=uuid.uuid4().bytes,
            modality=0,
            position=0,
            ppi=0,
            expires=expires,
            flags=KEEP_ORIGINAL,
        )
        found = self.enrol(job, data)
        images = [one for one in found.samples if one.modality]
        if not any(one.usable for one in images):
            raise unusable(images[0]) if images else NotAllowed("The encounter has no image that could be searched.")
        entry = self._entry(ids, old, found)
        self.allow(entry.purpose.value)
        key = self.hashes.image(0, 0, 0, hashlib.sha256(data).digest())
        longest = (old.retained_from if old else now) + store.retention([one.modality for one in images if one.usable])
        until = min(entry.valid_until or longest, longest)
        if until <= now:
            raise BadInput("The record's time is over.", advice="Check validUntil.")
        packed = entry.personal.pack()
        context = Context(Use.FIELDS, self.country.encode("ascii"), secret.bytes, store.NO_SAMPLE, 0, 0, b"", until)
        epoch, fields = self.vault.seal(context, packed)
        draft = store.Draft(
            id=record_id,
            owner=self.country,
            external_key=old.external_key if old else self.hashes.record_id(str(ids)),
            fields=fields,
            fields_epoch=epoch,
            fields_hash=self.hashes.fields(packed),
            visible=store.with_owner(entry.visible, self.country),
            purpose=entry.purpose.value,
            valid_from=entry.valid_from or 0,
            valid_until=until,
            new=[sample_of(one, expires, key) for one in found.samples if one.usable or one.original_length],
            sealed_as=secret,
        )
        return self._save(ids, draft, STATES[str(found.person["status"])], plain=old is not None)

    def set_status(self, ids: Ids, status: str) -> None:
        """`ACTIVE`, or `INACTIVE`: kept, and no search finds it."""
        with self.database.writing(self.country) as session:
            record = encounters.one(session, self.hashes, self.country, ids)
            self.allow(record.purpose)
            if record.state != STATES[status]:
                store.set_state(session, record, STATES[status])

    def set_gallery(self, ids: Ids, purpose: str) -> None:
        """Keep an encounter for another purpose from now on."""
        self.allow(purpose)
        with self.database.writing(self.country) as session:
            record = encounters.one(session, self.hashes, self.country, ids)
            record.purpose, record.updated = purpose, int(time.time())
            journal.put(session, Kind.RECORD_CHANGED, self.country)

    def withdraw(self, person: str, encounter: str | None = None) -> int:
        """Delete one encounter of a person, or all; how many. `NotAllowed`: so many at once take two people."""
        with self.database.writing(self.country) as session:
            if encounter is None:
                records = encounters.of_person(session, self.hashes, self.country, person)
            else:
                records = [encounters.one(session, self.hashes, self.country, Ids(person, encounter))]
            if len(records) > MOST_AT_ONCE:
                raise NotAllowed(
                    f"To delete more than {MOST_AT_ONCE} records at once takes two people.",
                    advice="limen records withdraw",
                    code="needs-approval",
                )
            for purpose in {record.purpose for record in records}:
                self.allow(purpose)
            for record in records:
                store.withdraw(session, record)
        self.database.wipe_log()
        return len(records)

    def move(self, source: str, target: str, encounter: str | None = None) -> None:
        """Make one encounter of a person, or all, those of another person.

        Raises:
            Exists: the target has an encounter of such an id; nothing was changed.
            NotFound: there is no such person or encounter.
        """
        with self.database.writing(self.country) as session:
            encounters.of_person(session, self.hashes, self.country, target)  # must be there
            if encounter is None:
                moving = encounters.of_person(session, self.hashes, self.country, source)
            else:
                moving = [encounters.one(session, self.hashes, self.country, Ids(source, encounter))]
            for purpose in {record.purpose for record in moving}:
                self.allow(purpose)
            if source == target:
                raise Exists("A person cannot be merged with themselves.")
            for record in moving:
                self._rename(session, record, target)

    def _old(self, ids: Ids, replace: bool) -> Record | None:
        if not replace:
            _check_new(ids)
        with self.database.reading(self.country) as session:
            if replace:
                return encounters.one(session, self.hashes, self.country, ids)
            if encounters.find(session, self.hashes, self.country, ids) is not None:
                raise Exists("There is an encounter of this id already.")
        return None

    def _entry(self, ids: Ids, old: Record | None, found: Enrolment) -> Entry:
        """What the encounter says of the person, checked; a record that did not come by OSIA keeps its own id."""
        person = dict(found.person)
        if person.get("encounter") not in ("", ids.encounter):
            raise BadInput("The encounter's own id is not the one in the address.")
        record_id = str(ids)
        if old is not None:
            with self.database.reading(self.country) as session:
                if session.get(Encounter, old.id) is None:
                    record_id = ids.person
        images = [ImageRef("", Modality(one.modality), Position(one.position)) for one in found.samples if one.modality]
        return entry_of(record_id, {**person, "purpose": osia.gallery(person.get("galleries")).value}, images)

    def _save(self, ids: Ids, draft: store.Draft, state: State, *, plain: bool) -> Record:
        try:
            with self.database.writing(self.country) as session:
                record = store.save(session, draft)
                if not plain:
                    person = encounters.person_hash(self.hashes, ids.person)
                    session.add(Encounter(record_id=record.id, owner=self.country, person=person))
                if record.state != state:
                    store.set_state(session, record, state)
                return record
        except BadInput as error:
            if error.code == "conflict":
                raise Exists("Another request has put in or changed the same encounter.") from None
            raise

    def _rename(self, session: Session, found: Record, target: str) -> None:
        record = store.locked(session, found.id)
        personal = store.personal_fields(record, self.vault)
        new = Ids(target, encounters.split(session, record, personal.record_id).encounter)
        if encounters.find(session, self.hashes, self.country, new) is not None:
            raise Exists("The person has an encounter of the same id.")
        packed = dataclasses.replace(personal, record_id=str(new)).pack()
        store.replace_fields(session, record, packed, self.hashes.fields(packed), self.vault)
        record.external_key = self.hashes.record_id(str(new))
        row = session.get(Encounter, record.id) or Encounter(record_id=record.id, owner=self.country)
        row.person = encounters.person_hash(self.hashes, target)
        session.add(row)
        journal.put(session, Kind.RECORD_CHANGED, self.country)
        session.flush()


def _check_new(ids: Ids) -> None:
    """`NotAllowed` unless an encounter may be called so: OSIA's ids are any text, and this is the hub's own rule."""
    if any(not part.strip() or len(part) > MAX_ID or part != part.strip() for part in (ids.person, ids.encounter)):
        raise NotAllowed(f"An id has 1 to {MAX_ID} characters and no blank at its ends.")
    if encounters.BETWEEN in ids.encounter:
        raise NotAllowed(f"An encounter's id has no {encounters.BETWEEN!r} in it.")
