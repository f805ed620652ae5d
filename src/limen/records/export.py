"""A country's own records out again, in clear: a folder that `limen records import` takes, with all originals."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from limen import countries
from limen.errors import BadInput, Damaged, Unavailable
from limen.records import store
from limen.records.database import Database
from limen.records.index import Vault
from limen.records.moments import day, iso
from limen.records.personal import Personal
from limen.records.tables import Record, Sample
from limen.terms import Modality, Position
from limen.vault.seal import Use

PAGE = 100
DAMAGED = "damaged"  # instead of a record's state, in lists
_EXTENSIONS = {  # by the first bytes, so that people's programs open the files; nothing is parsed
    b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png", b"II*\0": ".tif", b"MM\0*": ".tif", b"BM": ".bmp",
    b"\xff\xa0": ".wsq", b"\0\0\0\x0cjP": ".jp2", b"\xff\x4f\xff\x51": ".j2k", b"P5": ".pgm", b"P6": ".ppm",
}  # fmt: skip


def described(record: Record, personal: Personal) -> dict[str, Any]:
    """A record's values by manifest column, without its images."""
    seen_by = countries.listed(record.visible)
    others = [code for code in seen_by if code != record.owner] if seen_by is not None else None
    return {
        "record_id": personal.record_id,
        "names": list(personal.names),
        "date_of_birth": personal.date_of_birth,
        "sex": personal.sex.value,
        "nationalities": list(personal.nationalities),
        "notice": personal.notice.value if personal.notice else "",
        "notice_number": personal.notice_number,
        "offence": personal.offence,
        "instructions": personal.instructions,
        "contact": personal.contact,
        "valid_from": iso(record.valid_from) if record.valid_from else "",
        "valid_until": iso(record.valid_until),
        "visible_to": ["all"] if others is None else others or ["none"],
        "disclosure": personal.disclosure.value,
        "purpose": record.purpose,
    }


def summary(record: Record, personal: Personal) -> dict[str, Any]:
    """A record in one line of a list."""
    return {
        "record_id": personal.record_id,
        "name": personal.names[0] if personal.names else "",
        "notice": personal.notice.value if personal.notice else "",
        "faces": _count(record, Modality.FACE),
        "fingers": _count(record, Modality.FINGER),
        "palms": _count(record, Modality.PALM),
        "marks": _count(record, Modality.MARK),
        "valid_until": day(record.valid_until - 1),
        "state": record.state,
    }


def listed(record: Record, vault: Vault) -> dict[str, Any]:
    """`summary`, also of a record whose fields do not open: that one must not hide all others."""
    try:
        return summary(record, store.personal_fields(record, vault))
    except Damaged:
        return {**summary(record, Personal(record_id="?")), "state": DAMAGED}


def sample_summary(sample: Sample) -> dict[str, Any]:
    """A sample in one line of a list; never anything of its content."""
    is_file = sample.modality == 0
    return {
        "sample": "file" if is_file else Modality(sample.modality).slug,
        "position": Position(sample.position).slug if sample.position else "",
        "quality": sample.quality if sample.quality <= 100 else None,
        "minutiae": sample.minutiae or None,
        "area_mm2": sample.area or None,
        "pixels": f"{sample.width}x{sample.height}" if sample.width else "",
        "ppi": sample.ppi or None,
        "model": sample.model,
        "kept": bool(sample.original_length),
    }


def pages(database: Database, owner: str) -> Iterator[Record]:
    """All records of an owner, without holding them in memory."""
    after = 0
    while True:
        with database.reading(owner) as session:
            page = store.of_owner(session, owner, after=after, limit=PAGE)
            session.expunge_all()
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].change


def export(database: Database, vault: Vault, owner: str, folder: Path) -> Iterator[bool]:
    """Write an owner's records in clear into a new folder: manifest.jsonl, images/, an2/ for files, and osia/ for
    what OSIA encounters hold beside their images.

    Yields:
        For each record, whether it was written; False if it does not open.

    Raises:
        BadInput: the folder exists and is not empty.
        Unavailable: the disk is full, or the vault is not there; the folder is then incomplete.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        if any(folder.iterdir()):
            raise BadInput(f"{folder} is not empty.", advice="Name a new folder.")
        with os.fdopen(private(folder / "manifest.jsonl"), "w", encoding="utf-8") as manifest:
            for record in pages(database, owner):
                try:
                    personal = store.personal_fields(record, vault)
                    images = list(_images(database, vault, record, folder))
                except Damaged:
                    yield False
                    continue
                if images:
                    line = {**described(record, personal), "images": images}
                    manifest.write(json.dumps(line, ensure_ascii=False) + "\n")
                yield True
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written: {error.strerror}.") from None


def _images(database: Database, vault: Vault, listed: Record, folder: Path) -> Iterator[dict[str, Any]]:
    """Write a record's originals; yields what the manifest says of each image (files stand for themselves)."""
    with database.reading(listed.owner) as session:
        record = store.by_id(session, listed.id)
        for sample in record.samples if record else []:
            if not sample.original or record is None:
                continue
            data = vault.unseal(store.sample_context(sample, record, Use.FILE), sample.original)
            place = _place(sample, data)
            (folder / place).parent.mkdir(exist_ok=True, mode=0o700)
            with os.fdopen(private(folder / place), "wb") as file:
                file.write(data)
            if sample.modality:
                position = Position(sample.position).slug if sample.position else ""
                yield {"file": place, "modality": Modality(sample.modality).slug, "position": position}


def _place(sample: Sample, data: bytes) -> str:
    if sample.modality == 0:
        return f"osia/{sample.id.hex}.json" if data.startswith(b"{") else f"an2/{sample.id.hex}.an2"
    ending = next((ending for start, ending in _EXTENSIONS.items() if data.startswith(start)), ".img")
    return f"images/{sample.id.hex}{ending}"


def private(path: Path) -> int:
    """A new file that its user alone may read, opened for writing."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _count(record: Record, modality: Modality) -> int:
    """Samples with a template: a slap's image is kept beside its fingers, and is none."""
    return sum(sample.modality == modality and bool(sample.model) for sample in record.samples)
