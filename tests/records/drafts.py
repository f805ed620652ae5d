"""Records made up for the tests."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import time
import uuid

from limen import countries
from limen.records import store
from limen.records.personal import Personal
from limen.records.store import Draft
from limen.records.tables import Country, Sample
from limen.terms import Modality, Notice, Position, Purpose, Sex

NOW = int(time.time())
LATER = NOW + 86_400


def register(database, *codes):
    with database.writing() as session:
        for code in codes:
            session.add(Country(code=code, contact=f"NCB {code}", created=NOW))


def external_key(record_id):
    return hashlib.sha256(record_id.encode()).digest()


def sample(modality=Modality.FACE, position=Position.UNKNOWN, template=b"sealed template", **more):
    values = {
        "id": uuid.uuid4(),
        "modality": modality,
        "position": position,
        "model": "sface-1",
        "quality": 80,
        "minutiae": 0,
        "reasons": 0,
        "width": 100,
        "height": 100,
        "ppi": 0,
        "epoch": 1,
        "expires": LATER,
        "input_hash": os.urandom(32),
        "original_length": 0,
        "template": template,
    }
    return Sample(**{**values, **more})


def draft(record_id="A-1", owner="FRA", samples=None, **more):
    values = {
        "id": uuid.uuid5(uuid.NAMESPACE_OID, f"{owner}/{record_id}"),
        "owner": owner,
        "external_key": external_key(record_id),
        "fields": b"sealed fields",
        "fields_epoch": 1,
        "fields_hash": bytes(32),
        "visible": countries.EVERYONE,
        "purpose": Purpose.LOCATE_WANTED,
        "valid_from": 0,
        "valid_until": LATER,
        "new": [sample()] if samples is None else samples,
    }
    return Draft(**{**values, **more})


PERSON = Personal(
    record_id="A-1",
    names=("Jean DUPONT", "Johnny"),
    date_of_birth="1970-01-31",
    sex=Sex.MALE,
    nationalities=("FRA",),
    notice=Notice.RED,
    notice_number="A-123/4-2025",
    offence="Fraud",
    instructions="Arrest.",
)


class SameAgain:
    """Stands where the vault does for samples that are not sealed at all."""

    def reseal(self, context, blob, *, renew=False):
        return 1, blob


def save(session, new):
    """Store a draft as an import does: one that replaces a record is sealed as what comes next."""
    record = store.by_id(session, new.id)
    new = new if record is None else dataclasses.replace(new, sealed_as=store.renewed(record))
    return store.save(session, new, vault=SameAgain())
