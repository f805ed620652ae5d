"""`limen access`: who takes part. Run on the hub's machine, by whoever may write its database."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from limen import countries, settings
from limen.access import bureaus, directory, enlisting, keys, providers, sessions, vouching
from limen.access.directory import Role
from limen.cli import certificates, decisions, watching
from limen.cli.shown import AsJson, DataFolder, KeyId, console, database, day, show_rows
from limen.errors import BadInput, NotFound, Refused
from limen.hub import parts
from limen.records.database import open_database
from limen.records.tables import Device, Officer
from limen.vault.client import VaultClient

app = typer.Typer(no_args_is_help=True)
country = typer.Typer(no_args_is_help=True, help="Countries that take part.")
officer = typer.Typer(no_args_is_help=True, help="People who search or keep records.")
device = typer.Typer(no_args_is_help=True, help="Capture devices and machines.")
app.add_typer(country, name="country")
app.add_typer(officer, name="officer")
app.add_typer(device, name="device")

PublicKey = Annotated[
    Path | None,
    typer.Option(
        "--public-key",
        help="Ed25519 public key (PEM, OpenSSH or base64); else this user's key of that name, made if needed.",
    ),
]


@country.command("add")
def add_country(
    code: Annotated[str, typer.Argument(help="ISO 3166-1 alpha-3, such as FRA.")],
    contact: Annotated[str, typer.Option(help="Whom to call at its National Central Bureau.")] = "",
    data: DataFolder = None,
) -> None:
    """Register a country, or change its contact."""
    with open_database(settings.load(data)).writing() as session:  # also on a hub that never ran
        row = directory.add_country(session, code, contact)
    console.print(f"{row.code} ({countries.name(row.code)}) takes part.", highlight=False)


@country.command("list")
def list_countries(data: DataFolder = None, as_json: AsJson = False) -> None:
    """List the countries that take part."""
    with database(data).reading() as session:
        rows = [
            {"country": row.code, "name": countries.name(row.code), "contact": row.contact}
            for row in directory.list_countries(session)
        ]
    show_rows(rows, as_json)


@country.command("call")
def call(
    code: Annotated[str, typer.Argument(help="Country, alpha-3.")],
    address: Annotated[str, typer.Argument(help="https address of its bureau; empty: none any more.")],
    data: DataFolder = None,
) -> None:
    """Name the address of a country's bureau, which the hub calls when records of it end soon."""
    with database(data).writing() as session:
        bureaus.name(session, code, address)
    console.print(f"{code.upper()} is called at {address}." if address else f"{code.upper()} is not called any more.")


@officer.command("add")
def add_officer(
    name: KeyId,
    public_key: PublicKey = None,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(Role)}.")] = Role.OFFICER.value,
    pages_only: Annotated[
        bool, typer.Option("--pages-only", help="No key: enters the pages by invitation only.")
    ] = False,
    data: DataFolder = None,
) -> None:
    """Register an officer with a key; without --public-key, this user's own key of that name, made if needed."""
    wanted = Role.parse(role)
    with database(data).writing() as session:
        added = directory.add_officer(session, name, None, wanted)
        if not pages_only:
            directory.check_key(session, key := _key(name, public_key))
            added.public_key = key
    _registered(name, made=not pages_only and public_key is None)


@officer.command("list")
def list_officers(
    of: Annotated[str | None, typer.Option("--country", help="Only of this country.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List officers, retired ones too."""
    with database(data).reading() as session:
        rows = [{**_row(one), "role": one.role} for one in directory.list_officers(session, of)]
    show_rows(rows, as_json)


@officer.command("retire")
def retire_officer(name: KeyId, data: DataFolder = None) -> None:
    """Take no more from this officer, at once; their sessions end."""
    with database(data).writing() as session:
        directory.retire_officer(session, name)
    console.print(f"{name} is retired.", highlight=False)


@device.command("add")
def add_device(name: KeyId, public_key: PublicKey = None, data: DataFolder = None) -> None:
    """Register a device with a key; without --public-key, this user's own key of that name, made if needed."""
    with database(data).writing() as session:
        directory.add_device(session, name, _key(name, public_key))
    _registered(name, made=public_key is None)


@device.command("invite")
def invite_device(name: KeyId, data: DataFolder = None) -> None:
    """Print a code with which a phone or tablet registers itself, once, within 15 minutes; its key never leaves it."""
    with database(data).writing() as session:
        code = enlisting.issue(session, name, by="")
    typer.echo(code)


@device.command("list")
def list_devices(
    of: Annotated[str | None, typer.Option("--country", help="Only of this country.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List devices, retired ones too."""
    with database(data).reading() as session:
        rows = [_row(one) for one in directory.list_devices(session, of)]
    show_rows(rows, as_json)


@device.command("retire")
def retire_device(name: KeyId, data: DataFolder = None) -> None:
    """Take no more from this device, at once."""
    with database(data).writing() as session:
        directory.retire_device(session, name)
    console.print(f"{name} is retired.", highlight=False)


@app.command("invite")
def invite(
    name: KeyId,
    anew: Annotated[
        bool, typer.Option("--anew", help="All passkeys and sessions of before end: one was lost, or is in doubt.")
    ] = False,
    data: DataFolder = None,
) -> None:
    """Print a link with which an officer makes a passkey for the pages, once, within 15 minutes."""
    with database(data).writing() as session:
        give = vouching.renew if anew else sessions.invite
        token = give(session, _officer(session, name))
    typer.echo(f"{settings.load(data).pages}/enter/{token}")


@app.command("first")
def first(name: KeyId, data: DataFolder = None) -> None:
    """Name the first administrator of a hub, and print their one-time link. Refused once there is one."""
    with open_database(settings.load(data)).writing() as session:
        if any(one.role == Role.ADMINISTRATOR and one.retired is None for one in directory.list_officers(session)):
            raise Refused("There is an administrator already.", advice="They name others: limen access officer add.")
        directory.add_country(session, name.partition("/")[0])
        session.flush()
        officer = directory.add_officer(session, name, None, Role.ADMINISTRATOR)
        session.flush()
        token = sessions.invite(session, officer)
    typer.echo(f"{settings.load(data).pages}/enter/{token}")


@app.command("revoke")
def revoke(name: KeyId, data: DataFolder = None) -> None:
    """End all sessions and tokens of an officer, and void their links, at once."""
    with database(data).writing() as session:
        ended = sessions.revoke(session, _officer(session, name))
    console.print(f"{ended} session(s) and token(s) of {name} ended.", highlight=False)


@app.command("provider")
def set_provider(
    code: Annotated[str, typer.Argument(help="Country, alpha-3.")],
    issuer: Annotated[str, typer.Argument(help="The provider's issuer, such as https://login.example.")],
    client: Annotated[str, typer.Argument(help="The hub's client id there.")],
    secret: Annotated[Path | None, typer.Option(help="File with the client's secret; - asks for it.")] = None,
    data: DataFolder = None,
) -> None:
    """Let a country's officers sign in at its own OpenID Connect provider."""
    hub, text, of = settings.load(data), _secret(secret), countries.check(code)
    if not text:
        with database(data).writing() as session:
            providers.set_provider(session, of, issuer, client, None)
    else:
        with parts.temporary(hub, ["vault"]), VaultClient.connect(hub) as vault, database(data).writing() as session:
            providers.set_provider(session, of, issuer, client, lambda context: vault.seal(context, text)[1])
    console.print(f"{of} signs in at {issuer}. The hub's address there: {hub.url}/sign-in/provider/back")


@officer.command("link")
def link_officer(
    name: KeyId,
    subject: Annotated[str, typer.Argument(help="Who they are at their country's provider (`sub`).")],
    data: DataFolder = None,
) -> None:
    """Say who an officer is at their country's provider."""
    with database(data).writing() as session:
        providers.name(session, _officer(session, name), subject)
    console.print(f"{name} may sign in at the provider.", highlight=False)


app.command("ask")(decisions.ask)
app.command("approvals")(decisions.list_approvals)
app.command("approve")(decisions.approve)
app.command("deny")(decisions.deny)
app.command("cap")(watching.cap)
app.command("alerts")(watching.alerts)
app.command("suspend")(watching.suspend)
app.command("reinstate")(watching.reinstate)
app.command("canary")(watching.canary)
app.add_typer(decisions.rule, name="rule")
app.add_typer(certificates.app, name="certificate")


def _officer(session: Session, name: str) -> Officer:
    found = directory.find_officer(session, name)
    if found is None:
        raise NotFound(f"There is no officer {name[:80]}.", advice=f"Register them: limen access officer add {name}.")
    return found


def _secret(file: Path | None) -> bytes:
    if file is None:
        return b""
    try:
        text = getpass.getpass("Client's secret: ") if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"{file} cannot be read.") from None
    return text.strip().encode()


def _key(name: str, public_key: Path | None) -> bytes:
    if public_key is not None:
        return keys.read_public(public_key)
    if keys.path(name).exists():  # of another hub, or of an attempt that failed
        return keys.load(name).public_key().public_bytes_raw()
    return keys.generate(name)


def _registered(name: str, *, made: bool) -> None:
    console.print(f"{name} is registered.", highlight=False)
    if made:
        console.print(f"Private key: {keys.path(name)}", highlight=False, soft_wrap=True)


def _row(one: Officer | Device) -> dict[str, object]:
    return {
        "name": f"{one.country}/{one.name}",
        "key": keys.fingerprint(one.public_key) if one.public_key else None,
        "registered": day(one.created),
        "retired": day(one.retired),
        "suspended": day(one.suspended),
    }
