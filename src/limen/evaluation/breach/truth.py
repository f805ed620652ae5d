"""What there is to be stolen: a copy of the hub is opened with its passphrase, as no thief can."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from limen.evaluation.breach.people import Person
from limen.records.database import Database
from limen.records.store import fields_context, sample_context
from limen.records.tables import Record, Sample
from limen.ridge.stored import template_of
from limen.settings import Settings
from limen.terms import Modality
from limen.vault.keys import KeyRing
from limen.vault.opening import open_ring
from limen.vault.seal import Context, Use, epoch_of, open_blob


@dataclass
class Truth:
    """Everything that must not be found.

    Attributes:
        images: image files as captured and as kept: originals and portraits.
        templates: packed templates.
        words: names, dates, offences and record ids.
        keys: every key that opens something, 32 bytes each.
        samples: template by sample id.
    """

    images: list[bytes] = field(default_factory=list)
    templates: list[bytes] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    samples: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def biometrics(self) -> int:
        """How many images and templates there are."""
        return len(self.images) + len(self.templates)


def open_all(settings: Settings, persons: list[Person], secret: bytes) -> Truth:
    """Open a stopped hub, or a copy of one, with its passphrase."""
    truth = Truth(words=[word for person in persons for word in person.words])
    truth.images += [image for person in persons for image in person.images[0].values()]
    ring, database = open_ring(settings, secret), Database(settings.database_url)
    try:
        with database.reading() as session:
            for record in session.scalars(select(Record)):
                for sample in record.samples:
                    _sample(truth, ring, record, sample)
        truth.keys += _keys(ring)
    finally:
        database.close()
        ring.close()
    truth.images = list(dict.fromkeys(truth.images))
    return truth


def unsealed(ring: KeyRing, context: Context, blob: bytes) -> bytes:
    """A blob, opened with the ring itself."""
    use = Use(context.use)
    return open_blob(ring.key(context.country.decode(), epoch_of(blob), use, context.record), context, blob)


def contexts(record: Record) -> list[tuple[object, str, Context]]:
    """(row, column, context) of every sealed column of a record and its samples."""
    found: list[tuple[object, str, Context]] = [(record, "fields", fields_context(record))]
    for sample in record.samples:
        for name, use in (("template", Use.TEMPLATE), ("portrait", Use.SAMPLE), ("original", Use.FILE)):
            if getattr(sample, name):
                found.append((sample, name, sample_context(sample, record, use)))
    return found


def _sample(truth: Truth, ring: KeyRing, record: Record, sample: Sample) -> None:
    if sample.template:
        template = unsealed(ring, sample_context(sample, record, Use.TEMPLATE), sample.template)
        if sample.modality != Modality.FACE:
            template = template_of(template)
        truth.templates.append(template)
        truth.samples[sample.id.bytes] = template
    for blob, use in ((sample.portrait, Use.SAMPLE), (sample.original, Use.FILE)):
        if blob:
            truth.images.append(unsealed(ring, sample_context(sample, record, use), blob))


def _keys(ring: KeyRing) -> list[bytes]:
    inside: Any = ring  # the drill alone looks into it
    found = [inside._identity.private_bytes_raw()]
    for country in ring.countries():
        epoch = ring.epoch(country)
        found.append(inside._data_key(country, epoch))
        found += [ring.key(country, epoch, use) for use in Use]
        found += [inside._records[country].secret(record) for record in ring.records(country)]
        found += [ring.key(country, epoch, Use.TEMPLATE, record) for record in ring.records(country)]
    return found
