"""A country's own records out again as ANSI/NIST-ITL files of INTERPOL's profile, one a record, for other systems.

A record that came as such a file leaves as that very file, byte for byte. Others become a request to store prints
(ATP): Type-2 with what the owner says, and a record for every image as it was sent. Images of kinds that the standard
does not know are converted to PNG, without loss, in a confined child process.
"""

from __future__ import annotations

import dataclasses
import os
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from limen.errors import BadFile, BadInput, Damaged, LimenError, Unavailable
from limen.exchange import an2, conversion
from limen.images import sniff
from limen.records import encounters, store
from limen.records.database import Database
from limen.records.export import described, pages, private
from limen.records.index import Vault
from limen.records.personal import Personal
from limen.records.tables import Record, Sample
from limen.terms import Modality

DESTINATION, ORIGIN = "INTERPOL", "LIMEN"
MOST_IMAGES = 99  # information designation characters have two digits (7.3.1)
_KEPT = ("wsq", "jpeg", "png", "jpeg2000")


@dataclasses.dataclass(frozen=True)
class Written:
    """What became of one record: its file's name, or why there is none."""

    file: str = ""
    reason: str = ""


def export_files(database: Database, vault: Vault, owner: str, folder: Path) -> Iterator[Written]:
    """Write an owner's records in clear into a new folder, a file each; yields what became of every record.

    Raises:
        BadInput: the folder exists and is not empty.
        Unavailable: the disk is full, or the vault is not there; the folder is then incomplete.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        if any(folder.iterdir()):
            raise BadInput(f"{folder} is not empty.", advice="Name a new folder.")
        for number, listed in enumerate(pages(database, owner), 1):
            try:
                data = _file(database, vault, listed)
            except (Damaged, BadFile) as error:
                yield Written(reason=error.message)
                continue
            name = f"{owner}-{number:07d}.an2"
            with os.fdopen(private(folder / name), "wb") as file:
                file.write(data)
            yield Written(file=name)
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written: {error.strerror}.") from None


def _file(database: Database, vault: Vault, listed: Record) -> bytes:
    with database.reading(listed.owner) as session:
        record = store.by_id(session, listed.id)
        if record is None:
            raise BadFile("The record was withdrawn meanwhile.")
        personal = store.personal_fields(record, vault)
        images = encounters.images_of(record, vault)
    for sample, data in images:
        if not sample.modality and not data.startswith(b"{"):
            return data
    return file_of(record, personal, [(sample, data) for sample, data in images if sample.modality])


def file_of(
    record: Record,
    personal: Personal,
    images: list[tuple[Sample, bytes]],
    *,
    convert: Callable[[bytes, str], bytes] = conversion.convert,
    at: datetime | None = None,
) -> bytes:
    """The file of a record with these images, as they were sent.

    Raises:
        BadFile: there are no images, or too many for a file, or one that cannot be converted.
    """
    if not 1 <= len(images) <= MOST_IMAGES:
        raise BadFile(f"A file holds 1 to {MOST_IMAGES} images; this record has {len(images)}.")
    fields = described(record, personal)
    fields["valid_until"] = str(fields["valid_until"])[:10]
    if fields["visible_to"] == ["all"]:
        del fields["visible_to"]
    header = an2.Header("ATP", DESTINATION, f"{record.owner}/{ORIGIN}", at=at or datetime.now(UTC))
    records = [an2.person_record(fields)]
    for idc, (sample, data) in enumerate(images, 1):
        records.append(_image(sample, _known(data, convert), idc, header))
    return an2.write(header, records)


def _image(sample: Sample, data: bytes, idc: int, header: an2.Header) -> an2.Record:
    modality = Modality(sample.modality)
    captured = datetime.fromtimestamp(sample.created, UTC)
    return an2.image_record(
        modality,
        sample.position,
        data,
        idc,
        width=sample.width,
        height=sample.height,
        ppi=sample.ppi or None,
        source=header.origin,
        captured=captured,
        colour=_colour(data),
    )


def _known(data: bytes, convert: Callable[[bytes, str], bytes]) -> bytes:
    try:
        return data if sniff(data).format in _KEPT else convert(data, "image.png")
    except LimenError as error:
        raise BadFile(f"An image cannot be written into such a file: {error.message}") from None


def _colour(data: bytes) -> bool:
    """Whether an image has more than one channel, by its header alone; nothing is decoded."""
    kind = sniff(data).format
    if kind == "jpeg":
        return an2.jpeg_size(data)[2] > 1
    if kind == "png":
        return len(data) > 25 and data[25] in (2, 3, 6)  # IHDR's colour type
    at = data.find(b"ihdr", 0, 4096)  # JP2's image header box: height, width, number of components
    return kind == "jpeg2000" and at > 0 and struct.unpack_from(">H", data, at + 12)[0] > 1
