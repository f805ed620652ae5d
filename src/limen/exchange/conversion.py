"""Files into other files: images into images, minutiae into other standards, XML into the traditional encoding.

Meant for a child process (`isolated.run`): what it reads is strangers'.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import PurePath
from typing import TypeVar

from PIL import Image as Pillow

from limen import exchange
from limen.errors import BadFile
from limen.exchange import an2, inspection, isolated, minutiae
from limen.exchange.an2 import examiner, incits, raw
from limen.exchange.isolated import Emit
from limen.exchange.minutiae import Standard
from limen.images import Image, decode, warm, wsq
from limen.ridge.template import RidgeTemplate
from limen.terms import Modality, Position

_PILLOW = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".jp2": "JPEG2000",
}
_PNM = (".pgm", ".ppm", ".pnm")
IMAGES = (*_PILLOW, *_PNM, ".wsq")
#: What minutiae files are called; a plain .fmr is of the newest standard.
MINUTIAE = {
    ".fmr": Standard.ISO_2011, ".iso2011": Standard.ISO_2011, ".iso2005": Standard.ISO_2005,
    ".ansi2004": Standard.INCITS_2004, ".ansi2007": Standard.INCITS_2009, ".ansi2009": Standard.INCITS_2009,
}  # fmt: skip
TRADITIONAL = (".an2", ".an2k", ".nist", ".nst", ".eft", ".int")
T = TypeVar("T")
_AGENCY = "LIMEN"
_LATENT = 4  # impression type of a mark (ANSI/NIST-ITL 1-2011, Table 7)
_JPEG_QUALITY = 95  # ridges survive it; for evidence, keep the original


def convert(
    data: bytes,
    target: str,
    *,
    standard: Standard | None = None,
    record: int | None = None,
    modality: Modality = Modality.FINGER,
    position: Position = Position.UNKNOWN,
) -> bytes:
    """A file's content as another kind of file, by the target's suffix; read in a confined child.

    Args:
        data: ANSI/NIST-ITL (traditional or XML), minutiae, face record or image.
        target: name of the file to be; its suffix decides.
        standard: for minutiae; None: what the suffix says (`MINUTIAE`).
        record: which record's image or minutiae, counted from 0; None: the only image there is, or all minutiae.
        modality, position: of what becomes an ANSI/NIST-ITL file; of minutiae only whether they are a mark's.

    Raises:
        BadFile: nothing in the file can become such a file; `isolated.Died` if reading it killed the process.
    """
    warm()
    suffix = PurePath(target).suffix.lower()
    if suffix not in (*IMAGES, *MINUTIAE, *TRADITIONAL):
        known = " ".join((*IMAGES, *MINUTIAE, *TRADITIONAL))
        raise BadFile(f"'{suffix or target}' is no kind of file that can be written.", advice=f"Known: {known}.")

    def work(emit: Emit) -> None:
        if suffix in IMAGES:
            emit({"output": encode(_image(data, record), suffix)})
        elif suffix in MINUTIAE:
            emit({"output": minutiae.write(_minutiae(data, standard or MINUTIAE[suffix], record))})
        else:
            emit({"output": _traditional(data, modality, position)})

    out = b""
    for message in isolated.run(work):
        assert isinstance(message["output"], bytes)
        out = message["output"]
    return out


def templates(data: bytes) -> list[RidgeTemplate]:
    """Templates of a minutiae file's views, or of the Type-9 records of a file; read in a confined child.

    Raises:
        BadFile: there are none; `isolated.Died` if reading killed the process.
    """

    def work(emit: Emit) -> None:
        kind = inspection.recognise(data)[0]
        if kind == "minutiae":
            file = minutiae.read(data)
            found = [minutiae.to_template(file, view) for view in range(len(file.views))]
        else:
            found = list(_plotted(data, kind).values())
        emit({"templates": [template.pack() for template in found]})

    packed = [message["templates"] for message in isolated.run(work)][-1]
    assert isinstance(packed, list)
    if not packed:
        raise BadFile("The file holds no minutiae.")
    return [RidgeTemplate.unpack(template) for template in packed]


def encode(image: Image, suffix: str) -> bytes:
    """An image as a file of the suffix's format, with its resolution where the format holds one."""
    if suffix == ".wsq":
        return wsq.encode(image.grey(), image.ppi)
    if suffix in _PNM:
        grey = suffix == ".pgm" or image.pixels.ndim == 2
        head = raw.header(image.width, image.height, channels=1 if grey else 3, ppi=image.ppi)
        return head + (image.grey() if grey else image.rgb()).tobytes()
    out = io.BytesIO()
    options: dict[str, object] = {"dpi": (image.ppi, image.ppi)} if image.ppi and suffix != ".jp2" else {}
    if suffix in (".jpg", ".jpeg"):
        options["quality"] = _JPEG_QUALITY
    Pillow.fromarray(image.pixels).save(out, _PILLOW[suffix], **options)
    return out.getvalue()


def _image(data: bytes, record: int | None) -> Image:
    kind = inspection.recognise(data)[0]
    if kind == "image":
        return decode(data)
    if kind == "minutiae":
        raise BadFile("A minutiae file holds no image.")
    if kind == "face":
        found = {number: face.data for number, face in enumerate(inspection.faces.read(data))}
    else:
        transaction = exchange.read(data)
        pictures = enumerate(transaction.records)
        found = {n: inspection.picture(r) for n, r in pictures if r.data and r.type in inspection.PICTURES}
    image = decode(_one(found, record, "image"))
    stated = None if kind == "face" else _stated_ppi(transaction, record if record is not None else next(iter(found)))
    return Image(image.pixels, stated or image.ppi, image.format)


def _stated_ppi(transaction: an2.Transaction, record: int) -> float | None:
    return next((s.ppi for s in an2.samples(transaction) if s.record == record), None)


def _minutiae(data: bytes, standard: Standard, record: int | None) -> minutiae.MinutiaeFile:
    kind = inspection.recognise(data)[0]
    if kind == "minutiae":
        file = minutiae.read(data)
        if record is not None:
            view = _one(dict(enumerate(file.views)), record, "view")
            file = replace(file, views=(view,), trailing=b"", missing=0)
        return minutiae.to_standard(file, standard)
    found = _type_9(data, kind)
    chosen = found if record is None else {record: _one(found, record, "Type-9 record with minutiae")}
    exact = incits.file(list(chosen.values()))
    if exact is not None:
        return minutiae.to_standard(exact, standard)
    plotted = _plotted(data, kind)
    templates = [template for number, template in plotted.items() if number in chosen]
    if not templates:
        raise BadFile("The file holds no minutiae.")
    return minutiae.from_templates(templates, standard)


def _type_9(data: bytes, kind: str) -> dict[int, an2.Record]:
    """Type-9 records, by index of record."""
    if kind not in ("an2", "niem"):
        raise BadFile("An image holds no minutiae.", advice="limen compare extracts them from images.")
    return {n: record for n, record in enumerate(exchange.read(data).records) if record.type == 9}


def _plotted(data: bytes, kind: str) -> dict[int, RidgeTemplate]:
    """Templates of Type-9 records, by index of record."""
    records = _type_9(data, kind)
    transaction = exchange.read(data)
    of_images = {s.idc: s.minutiae for s in an2.samples(transaction) if s.minutiae is not None}
    found = {n: of_images.get(r.idc) or examiner.template(r) for n, r in records.items()}
    return {n: template for n, template in found.items() if template is not None}


def _one(found: dict[int, T], record: int | None, what: str) -> T:
    """The one that is asked for, or the only one."""
    if record is None and len(found) == 1:
        return next(iter(found.values()))
    if record in found:
        return found[record]
    places = ", ".join(map(str, found)) or "none"
    raise BadFile(f"Say which {what} is meant, by --record.", advice=f"Records that have one: {places}.")


def _traditional(data: bytes, modality: Modality, position: Position) -> bytes:
    """A clean traditional file, in UTF-8, of XML, of a file that is broken in places, or of one image."""
    kind = inspection.recognise(data)[0]
    if kind == "image":
        return _of_image(data, modality, position)
    if kind == "minutiae":
        return _of_minutiae(data, modality)
    if kind not in ("an2", "niem"):
        raise BadFile("Only ANSI/NIST-ITL, minutiae and image files can become such a file.")
    transaction = exchange.read(data)
    type1 = transaction.type1
    domain = next(iter(type1.subfields(13)), ("INT-I", "6.0"))
    header = an2.Header(
        kind=transaction.kind,
        destination=type1.text(7),
        origin=type1.text(8),
        domain=(domain[0], domain[1] if len(domain) > 1 else ""),
        control=type1.text(9),
        reference=type1.text(10),
        native_ppmm=type1.text(11) or "00.00",
    )
    return an2.write(header, transaction.records[1:])


def _of_image(data: bytes, modality: Modality, position: Position) -> bytes:
    """A search request (CPS; of a mark MPS) with one image: as it is if the standard knows its kind, else as PNG."""
    image = decode(data)
    known = image.format in ("wsq", "jpeg", "png", "jpeg2000")
    record = an2.image_record(
        modality,
        int(position),
        data if known else encode(image, ".png"),
        1,
        width=image.width,
        height=image.height,
        ppi=image.ppi,
        source=_AGENCY,
        colour=image.pixels.ndim == 3,
    )
    return _search(modality, [record])


def _of_minutiae(data: bytes, modality: Modality) -> bytes:
    """A search request with a Type-9 record for each view."""
    impression = _LATENT if modality is Modality.MARK else None
    return _search(modality, incits.records(minutiae.read(data), impression))


def _search(modality: Modality, records: list[an2.Record]) -> bytes:
    kind = "MPS" if modality is Modality.MARK else "CPS"
    return an2.write(an2.Header(kind, "INTERPOL", _AGENCY), [an2.person_record({"record_id": "1"}), *records])
