"""TLS client certificates of machines: `limen access certificate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limen.access import certificates, directory
from limen.cli.shown import AsJson, DataFolder, KeyId, console, database, day, show_rows
from limen.errors import BadInput, NotFound

app = typer.Typer(no_args_is_help=True, help="TLS client certificates of machines (setting `client_certificates`).")


@app.command("add")
def add(
    name: KeyId,
    file: Annotated[Path, typer.Argument(help="The machine's certificate in PEM, self-signed or by any authority.")],
    data: DataFolder = None,
) -> None:
    """Take requests over connections that show this certificate as this officer's."""
    der = certificates.read(file)
    with database(data).writing() as session:
        officer = directory.find_officer(session, name)
        if officer is None:
            raise NotFound(f"There is no officer {name[:80]}.", advice=f"limen access officer add {name}")
        row = certificates.register(session, officer, der)
        console.print(f"{name} until {day(row.until)}: {row.thumbprint.hex()}", highlight=False, soft_wrap=True)


@app.command("list")
def list_certificates(data: DataFolder = None, as_json: AsJson = False) -> None:
    """List the certificates that are taken."""
    with database(data).reading() as session:
        rows = [
            {
                "officer": f"{officer.country}/{officer.name}",
                "until": day(row.until),
                "thumbprint": row.thumbprint.hex(),
            }
            for row, officer in certificates.registered(session)
        ]
    show_rows(rows, as_json)


@app.command("remove")
def remove(
    thumbprint: Annotated[str, typer.Argument(help="SHA-256 of the certificate, hexadecimal.")], data: DataFolder = None
) -> None:
    """Take a certificate no more, at once."""
    try:
        name = bytes.fromhex(thumbprint.replace(":", ""))
    except ValueError:
        raise BadInput("That is no thumbprint.", advice="See `limen access certificate list`.") from None
    with database(data).writing() as session:
        certificates.remove(session, name)
    console.print("The certificate is not taken any more.", highlight=False)
