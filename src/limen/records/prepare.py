"""One record made ready to be stored: its images read, recognised if they are there already, else enrolled.

Runs for several records at once, and changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from limen.errors import BadInput, NotAllowed
from limen.reasons import from_mask
from limen.records import store
from limen.records.database import Database
from limen.records.enrolment import FILE, IMAGE, KEEP_ORIGINAL, Enrolment
from limen.records.entry import Entry, ImageRef, Reject, entry_of
from limen.records.index import KeyedHash, Vault
from limen.records.tables import Record, Sample
from limen.terms import Modality, Position
from limen.wire.messages import MAX_CAPTURE, EnrolJob, Enrolled


@dataclass
class Ready:
    """A record ready to be stored; without an entry: rejected as a whole, or (unchanged) not to be touched.

    Attributes:
        entry: what is to be stored.
        id: of the record; sealed_as: what its fields and samples are sealed as (`store.renewed` if a sample is to go,
            or its fields or end change).
        extensions: of its end, as its fields have them; None: not looked up.
        images: how many images or files the input named.
        until: Unix seconds; shortened: the owner asked for longer than it may be kept.
        new, kept: samples that were enrolled now, and those that stay. Neither: all others of the record go.
        unchanged: nothing was enrolled and nothing goes.
        rejects: what could not be used.
    """

    entry: Entry | None
    id: uuid.UUID
    images: int
    until: int = 0
    shortened: bool = False
    new: list[Sample] = field(default_factory=list)
    kept: frozenset[uuid.UUID] = frozenset()
    unchanged: bool = False
    rejects: list[Reject] = field(default_factory=list)
    sealed_as: uuid.UUID | None = None
    extensions: tuple[tuple[int, int, str], ...] | None = None

    def rejected(self, file: str, reason: str, advice: str = "") -> Ready:
        """This record, rejected as a whole."""
        record_id = self.entry.record_id if self.entry else ""
        rejects = [*self.rejects, Reject(file, record_id, reason, advice, "record")]
        return Ready(None, self.id, self.images, rejects=rejects)


@dataclass(frozen=True)
class Preparation:
    """Prepares records for one country's import.

    Attributes:
        vault: opens the fields of a record that was extended.
        folder: resolved; nothing outside it is read.
        enrol: asks a worker (`enrolment.enrol`).
        defaults: values, as in a manifest, for what a file leaves open.
        now: Unix seconds.
    """

    database: Database
    vault: Vault
    hashes: KeyedHash
    country: str
    folder: Path
    enrol: Callable[[EnrolJob, bytes], Enrolment]
    defaults: Mapping[str, Any]
    now: int

    def entry(self, entry: Entry) -> Ready:
        """A manifest's record."""
        with self.database.reading(self.country) as session:
            record = store.by_external_key(session, self.country, self.hashes.record_id(entry.record_id))
        ready = Ready(entry, record.id if record else uuid.uuid4(), len(entry.images))
        ready.until, ready.shortened = self._until(entry, record, [image.modality for image in entry.images])
        if ready.until <= self.now:
            return ready.rejected(entry.place, "The record's time is over.", "Check valid_until.")
        there: dict[bytes, list[Sample]] = defaultdict(list)  # several of a slap
        for sample in record.samples if record else ():
            there[sample.input_hash].append(sample)
        if record is not None:
            goes = bool(there.keys() - self._staying(entry, ready.until, there))
            ready.extensions = self.extensions(record)
            packed = replace(entry.personal, extensions=ready.extensions or entry.personal.extensions).pack()
            differs = (self.hashes.fields(packed), ready.until) != (record.fields_hash, record.valid_until)
            ready.sealed_as = store.renewed(record) if goes or differs else store.sealed_as(record)
        self._images(entry, ready, there)
        if ready.rejects:  # nothing is deleted on the word of an input that is faulty itself
            ready.kept |= {sample.id for samples in there.values() for sample in samples}
        if not ready.new and not ready.kept:
            return ready.rejected(entry.place, "The record has no usable image.")
        ready.unchanged = not ready.new and len(ready.kept) == sum(map(len, there.values()))
        return ready

    def extensions(self, record: Record) -> tuple[tuple[int, int, str], ...]:
        """When and why a record was extended: an import does not know that, and must not make it forgotten."""
        if record.retained_from == record.created:
            return ()
        return store.personal_fields(record, self.vault).extensions

    def _staying(self, entry: Entry, until: int, there: Mapping[bytes, list[Sample]]) -> set[bytes]:
        """Keys of the samples that an entry names as they are; if one goes, the new are sealed as what comes next."""
        found = set()
        for image in entry.images if there else ():
            with suppress(BadInput, NotAllowed):  # said when it is enrolled
                key, _ = self._image(image)
                if key in there and all(one.expires == until for one in there[key]):
                    found.add(key)
        return found

    def _image(self, image: ImageRef) -> tuple[bytes, bytes]:
        """An image's key and its bytes."""
        data = self._read(image.file)
        return self.hashes.image(image.modality, image.position, image.ppi, hashlib.sha256(data).digest()), data

    def _images(self, entry: Entry, ready: Ready, there: Mapping[bytes, list[Sample]]) -> None:
        """Enrol those of an entry's images that are not there yet."""
        seen: set[bytes] = set()
        for image in entry.images:
            try:
                key, data = self._image(image)
                if key not in seen and key in there and all(one.expires == ready.until for one in there[key]):
                    ready.kept |= {one.id for one in there[key]}
                elif key not in seen:
                    ready.new.extend(self._enrolled(ready, image, data, key))
                seen.add(key)
            except (BadInput, NotAllowed) as error:
                ready.rejects.append(Reject(image.file, entry.record_id, error.message, error.advice, "image"))

    def _enrolled(self, ready: Ready, image: ImageRef, data: bytes, key: bytes) -> list[Sample]:
        """An image's sample; of a slap its fingers, and the slap itself, which is kept and not searched."""
        job = EnrolJob(
            what=IMAGE,
            country=self.country.encode("ascii"),
            record=(ready.sealed_as or ready.id).bytes,
            sample=uuid.uuid4().bytes,
            modality=image.modality,
            position=image.position,
            ppi=image.ppi,
            expires=ready.until,
            flags=KEEP_ORIGINAL,
        )
        found = self.enrol(job, data).samples
        if not any(one.usable for one in found):
            raise unusable(found[0])
        for one in found[:-1]:
            if not one.usable:
                error, record_id = unusable(one), ready.entry.record_id if ready.entry else ""
                place = f"{image.file} ({_kind(one)})"
                ready.rejects.append(Reject(place, record_id, error.message, error.advice, "image"))
        return [sample_of(one, ready.until, key) for one in found if one.usable or one.original_length]

    def file(self, path: Path) -> Ready:
        """An ANSI/NIST-ITL file: a record with all its samples, and the file itself as one more without template."""
        name = str(path.relative_to(self.folder))
        ready = Ready(None, uuid.UUID(int=0), 1)
        try:
            data = self._read(name)
            options = json.dumps(self.defaults, sort_keys=True).encode()
            key = self.hashes.image(0, 0, 0, hashlib.sha256(hashlib.sha256(data).digest() + options).digest())
            # What a file calls its record is known only after it was enrolled; its own hash gives it an id before that.
            ready.id = uuid.UUID(bytes=key[:16], version=4)
            with self.database.reading(self.country) as session:
                if store.by_id(session, ready.id) is not None:
                    ready.unchanged = True
                    return ready
            self._file_enrolled(ready, name, data, key)
        except (BadInput, NotAllowed) as error:
            return ready.rejected(name, error.message, error.advice)
        return ready if ready.until > self.now else ready.rejected(name, "The record's time is over.")

    def _file_enrolled(self, ready: Ready, name: str, data: bytes, key: bytes) -> None:
        expires = self.now + store.RETENTION_MARKS  # bound into the seals before it is known what the file holds
        job = EnrolJob(
            what=FILE,
            country=self.country.encode("ascii"),
            record=ready.id.bytes,
            sample=uuid.uuid4().bytes,
            modality=0,
            position=0,
            ppi=0,
            expires=expires,
            flags=KEEP_ORIGINAL,
        )
        found = self.enrol(job, data)
        for one in found.samples:
            if one.usable or one.original_length:
                ready.new.append(sample_of(one, expires, key))
            else:
                error = unusable(one)
                ready.rejects.append(Reject(f"{name} ({_kind(one)})", "", error.message, error.advice, "image"))
        if found.problems:
            reason = (
                f"The file has {found.problems} problem{'s' * (found.problems > 1)}; what they are about is left out."
            )
            ready.rejects.append(Reject(name, "", reason, f"See them with: limen exchange check {name}", "part"))
        images = [ImageRef(name, Modality(one.modality), Position(one.position)) for one in ready.new if one.template]
        if not images:
            raise BadInput("The file has no usable sample.", advice="Check it with: limen exchange show FILE.")
        record_id = str(found.person.get("record_id") or PurePosixPath(name).stem)
        ready.entry = entry_of(record_id, {**self.defaults, **found.person}, images, name)
        ready.until, ready.shortened = self._until(ready.entry, None, [image.modality for image in images])

    def _until(self, entry: Entry, record: Record | None, modalities: Sequence[Modality]) -> tuple[int, bool]:
        """When the record ends, and whether that is sooner than its owner asked: retention is bounded (RPD 49-50)."""
        longest = (record.retained_from if record else self.now) + store.retention(modalities)
        if entry.valid_until is None:
            return longest, False
        return min(entry.valid_until, longest), entry.valid_until > longest

    def _read(self, name: str) -> bytes:
        """A file below the folder; `NotAllowed` for others, `BadInput` if it cannot be read or is no plain file."""
        try:
            path = (self.folder / name).resolve()
            if not path.is_relative_to(self.folder):
                raise NotAllowed("The path leads out of the import's folder.", advice="Copy the file into the folder.")
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # never waits on a pipe
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise BadInput("The path is no file.")
                if status.st_size > MAX_CAPTURE:
                    raise BadInput(f"The file has more than {MAX_CAPTURE >> 20} MiB.")
                data = file.read(MAX_CAPTURE)
        except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a ring; ValueError: NUL in a name
            reason = getattr(error, "strerror", None) or "not a proper name"
            raise BadInput(f"The file cannot be read: {reason}.") from None
        if not data:
            raise BadInput("The file is empty.")
        return data


def unusable(found: Enrolled) -> BadInput:
    """Why nothing could be extracted."""
    reasons = from_mask(found.reasons)
    text = " ".join(reason.text for reason in reasons) or "Nothing could be extracted."
    return BadInput(text, advice=" ".join(reason.advice for reason in reasons if reason.advice))


def sample_of(found: Enrolled, expires: int, key: bytes) -> Sample:
    """What a worker handed back, as a row; key: `index.KeyedHash.image` of what it was made from."""
    template, portrait, original = found.blobs()
    return Sample(
        id=uuid.UUID(bytes=found.sample),
        modality=found.modality,
        position=found.position,
        model=found.model.rstrip(b"\0").decode("ascii"),
        quality=found.quality,
        minutiae=found.minutiae,
        area=found.area,
        reasons=found.reasons,
        width=found.width,
        height=found.height,
        ppi=found.ppi,
        epoch=found.epoch,
        expires=expires,
        input_hash=key,
        original_length=found.original_length,
        template=template or None,
        portrait=portrait or None,
        original=original or None,
    )


def _kind(one: Enrolled) -> str:
    try:
        return f"{Modality(one.modality).slug} {Position(one.position).slug}"
    except ValueError:
        return "sample"
