"""`limen search`: search a face and fingers, and print what to do."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from limen import settings
from limen.access import keys
from limen.access.signing import HttpSignature
from limen.capture.container import MAX_IMAGE, Sample
from limen.client import printed
from limen.client.hub import HubClient
from limen.errors import BadInput
from limen.terms import Modality, Position, Purpose
from limen.wire.messages import MAX_FACES

TYPE_1 = (b"1.001:", b"1.01:", b"1.1:")  # how an ANSI/NIST-ITL file begins
EXPLANATION = 63  # INF (2.063): what a person has to know


def command(
    face: Annotated[Path | None, typer.Argument(help="A photo of the face, or an ANSI/NIST-ITL file.")] = None,
    finger: Annotated[
        list[str] | None, typer.Option("--finger", metavar="POSITION=FILE", help="A print, such as right-index=F.png.")
    ] = None,
    number: Annotated[
        int,
        typer.Option(
            "--face", min=0, max=MAX_FACES, help="Which of several faces in the photo, from 1, largest first."
        ),
    ] = 0,
    palm: Annotated[
        list[str] | None, typer.Option("--palm", metavar="POSITION=FILE", help="A palm, such as right-full-palm=P.png.")
    ] = None,
    mark: Annotated[list[Path] | None, typer.Option("--mark", help="A crime-scene mark.")] = None,
    officer: Annotated[
        str, typer.Option("--as", metavar="COUNTRY/NAME", help="Who asks, with a key on this machine.")
    ] = "",
    device: Annotated[
        str,
        typer.Option(metavar="COUNTRY/NAME", help="The registered device that captures, with a key on this machine."),
    ] = "",
    purpose: Annotated[str, typer.Option(help="Why: border-control, identify-person, locate-wanted, ...")] = "",
    claimed_name: Annotated[str, typer.Option(help="What the person says they are called.")] = "",
    claimed_birth_date: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="What they say.")] = "",
    claimed_nationality: Annotated[str, typer.Option(metavar="ALPHA3", help="What they say.")] = "",
    claimed_document: Annotated[str, typer.Option(metavar="NUMBER", help="Number of their document.")] = "",
    claimed_mrz: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Text of their document's machine readable zone: gives what is not claimed."),
    ] = None,
    hub: Annotated[str, typer.Option(envvar="LIMEN_HUB", help="The hub's address; default: this machine's.")] = "",
    hub_key: Annotated[
        str, typer.Option(metavar="HEX", envvar="LIMEN_HUB_KEY", help="The hub's published key; default: as first met.")
    ] = "",
    plain: Annotated[bool, typer.Option("--plain", help="Do not seal the capture.")] = False,
    portrait: Annotated[Path | None, typer.Option(help="Write the portrait of the record found to this file.")] = None,
    receipt: Annotated[Path | None, typer.Option(help="Write the receipt to this file.")] = None,
    answer_file: Annotated[Path | None, typer.Option("--answer", help="Write the file that answers a file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Search a face and fingers. Exit status: 0 for every answer, 1 if there is none."""
    if not officer:
        raise BadInput("Who asks is missing.", advice="Add --as COUNTRY/NAME, such as --as BIH/officer1.")
    if not purpose:
        raise BadInput("A search needs a purpose.", advice=f"Add --purpose, one of: {', '.join(Purpose)}.")
    data = _read(face) if face is not None else b""
    by_file = data[:64].lstrip().startswith(TYPE_1)
    samples = [] if by_file else _samples(data, _prints(finger, palm, mark), number)
    signer = HttpSignature(keys.load(officer), officer)
    captures = (device, keys.load(device)) if device else None
    if by_file:
        with HubClient(hub or settings.load().url, signer, device=captures, hub_key=_key(hub_key)) as client:
            kind, answered, search_id = client.search_file(data, purpose, plain=plain)
            if receipt is not None:
                _write(receipt, client.receipt(search_id))
        _print_file(kind, answered, answer_file, as_json)
        return
    claimed = {
        "names": claimed_name,
        "date_of_birth": claimed_birth_date,
        "nationality": claimed_nationality.upper(),
        "document_number": claimed_document,
        "mrz": _read(claimed_mrz).decode("ascii", "replace") if claimed_mrz else "",
    }
    with HubClient(hub or settings.load().url, signer, device=captures, hub_key=_key(hub_key)) as client:
        answer = client.search(samples, purpose, claimed=claimed, plain=plain)
        if portrait is not None and answer["matches"] and answer["matches"][0]["portrait"]:
            portrait.write_bytes(client.portrait(answer["matches"][0]["portrait"]))
        if receipt is not None and answer["receipt"] is not None:
            answer["receipt"] = client.receipt(answer["id"])
            _write(receipt, answer["receipt"])
    if as_json:
        typer.echo(json.dumps(answer, indent=1, ensure_ascii=False))
    else:
        printed.show(answer, Console())


def _write(file: Path, receipt: dict[str, object]) -> None:
    file.write_text(json.dumps(receipt, indent=1, ensure_ascii=False) + "\n")


def _print_file(kind: str, data: bytes, answer_file: Path | None, as_json: bool) -> None:
    """Print what a file says that the hub answered; keep it if wanted."""
    from limen.exchange import an2  # slow to import, and seldom needed

    if answer_file is not None:
        answer_file.write_bytes(data)
    person = next(iter(an2.read(data).of_type(2)), None)
    explanation = person.text(EXPLANATION) if person else ""
    if as_json:
        typer.echo(json.dumps({"answer": kind, "explanation": explanation}, indent=1, ensure_ascii=False))
    else:
        printed.show_file(kind, explanation, Console())


def _samples(face: bytes, prints: list[Sample], number: int) -> list[Sample]:
    samples = [Sample(Modality.FACE, Position.UNKNOWN, face, number)] if face else []
    samples += prints
    if not samples:
        raise BadInput("There is nothing to search.", advice="Give a photo, or a print with --finger POSITION=FILE.")
    return samples


def _prints(fingers: list[str] | None, palms: list[str] | None, marks: list[Path] | None) -> list[Sample]:
    """Fingers or slaps, palms and marks, as the command line names them."""
    found = []
    for modality, named in ((Modality.FINGER, fingers), (Modality.PALM, palms)):
        for text in named or []:
            where, separator, file = text.partition("=")
            if not separator or not file:
                example = (
                    f"--{modality.slug} {'right-index' if modality is Modality.FINGER else 'right-full-palm'}=F.png"
                )
                raise BadInput(f"'{text[:80]}' is not POSITION=FILE.", advice=f"Write {example}.")
            try:
                found.append(Sample(modality, Position.parse(where), _read(Path(file))))
            except ValueError as error:
                raise BadInput(f"{error}.") from None
    return found + [Sample(Modality.MARK, Position.UNKNOWN, _read(file)) for file in marks or []]


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if not 0 < size <= MAX_IMAGE:
                what = "is empty" if size == 0 else f"is larger than {MAX_IMAGE >> 20} MB"
                raise BadInput(f"{file} {what}.", advice="Give an image file.")
            return stream.read()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from None


def _key(text: str) -> bytes | None:
    if not text:
        return None
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise BadInput("The hub's key is not 32 bytes in hexadecimal.", advice="Copy it from the operator's page.")
    return key
