"""What takes two people, and the restrictions that a hub adds to its policy: parts of `limen access`."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from limen.access import approvals, rules
from limen.access.approvals import Matter
from limen.access.here import officer_here
from limen.cli.shown import AsJson, DataFolder, console, database, show_rows
from limen.errors import BadInput, NotAllowed, NotFound
from limen.ledger.entry import Kind
from limen.records import journal
from limen.records.database import open_existing
from limen.settings import Settings

As = Annotated[str, typer.Option("--as", metavar="COUNTRY/NAME", help="Who, with a key on this machine.")]
AsTwo = Annotated[
    str, typer.Option("--as", metavar="COUNTRY/NAME", help="Who asked and was approved; in production it takes two.")
]
Reason = Annotated[str, typer.Option(help="Why; for the one who decides, and kept.")]
Number = Annotated[str, typer.Argument(help="Number of what was asked.")]

rule = typer.Typer(no_args_is_help=True, help="Restrictions that this hub adds to its policy (Cedar, `forbid` only).")


def two_people(hub: Settings, who: str, matter: Matter, parameters: Mapping[str, object], kind: Kind) -> None:
    """Use up the approval of what a command is about to do, and put it on record; in production there must be one.

    Args:
        who: `COUNTRY/NAME` with a key on this machine; empty: the operator, who alone suffices on a hub for trial.
        kind: what the ledger says of it.

    Raises:
        NotAllowed: it takes two people (`needs-approval`).
    """
    with open_existing(hub).writing() as session:
        if who:
            approvals.use(session, officer_here(session, who), matter, parameters)
        elif hub.production:
            raise NotAllowed(
                f"This takes two people ({matter}).",
                advice=f"limen access ask {matter} '{json.dumps(parameters)}' --as YOU; then add --as YOU here.",
                code="needs-approval",
            )
        journal.put(session, kind, who)


def ask(
    matter: Annotated[str, typer.Argument(help=f"One of {', '.join(Matter)}.")],
    parameters: Annotated[str, typer.Argument(help="Exactly what, as JSON; as the command that does it names it.")],
    who: As,
    reason: Reason,
    what: Annotated[str, typer.Option(help="The same in words; default: the parameters.")] = "",
    country: Annotated[
        str, typer.Option(help="Whose data it is about; default: the asker's, where it is about data.")
    ] = "",
    data: DataFolder = None,
) -> None:
    """Ask for something that takes two people."""
    wanted = _matter(matter)
    try:
        meant = json.loads(parameters)
    except ValueError:
        meant = None
    if not isinstance(meant, dict):
        raise BadInput("The parameters are no JSON object.", advice="""Such as '{"record": "FRA-7"}'.""")
    about = country or (who[:3] if wanted.of_country else None)
    with database(data).writing() as session:
        officer = officer_here(session, who)
        asked = approvals.ask(session, officer, wanted, meant, what=what or parameters, reason=reason, country=about)
    console.print(
        f"Asked, number {asked.id}. Another person approves it within a day.", highlight=False, soft_wrap=True
    )


def list_approvals(who: As, data: DataFolder = None, as_json: AsJson = False) -> None:
    """What waits for a decision of this person, or was asked by them."""
    with database(data).reading() as session:
        rows = [
            {
                "number": str(row.id),
                "matter": row.action,
                "what": row.what,
                "reason": row.reason,
                "verdict": row.verdict or "waits",
                "until": time.strftime("%Y-%m-%d %H:%MZ", time.gmtime(row.expires)),
            }
            for row in approvals.waiting(session, officer_here(session, who))
        ]
    show_rows(rows, as_json)


def approve(number: Number, who: As, data: DataFolder = None) -> None:
    """Approve what another person asked."""
    _decide(number, who, data, approved=True)


def deny(number: Number, who: As, data: DataFolder = None) -> None:
    """Deny what another person asked."""
    _decide(number, who, data, approved=False)


@rule.command("list")
def list_rules(data: DataFolder = None, as_json: AsJson = False) -> None:
    """List the restrictions in force."""
    with database(data).reading() as session:
        show_rows([{"name": name, "text": text} for name, text in rules.read(session).items()], as_json)


@rule.command("check")
def check_rule(file: Annotated[Path, typer.Argument(help="Cedar text.")]) -> None:
    """Check a restriction, and print the parameters that its approval names."""
    text = _text(file)
    typer.echo(json.dumps(rules.parameters(file.stem, text)))


@rule.command("set")
def set_rule(file: Annotated[Path, typer.Argument(help="Cedar text.")], who: As, data: DataFolder = None) -> None:
    """Put a restriction in force, or change it; takes two people (`change-policy`)."""
    with database(data).writing() as session:
        rules.put(session, officer_here(session, who), file.stem, _text(file))
    console.print(f"The rule {file.stem} is in force within seconds.", highlight=False)


@rule.command("remove")
def remove_rule(name: Annotated[str, typer.Argument()], who: As, data: DataFolder = None) -> None:
    """Take a restriction away; takes two people (`change-policy`)."""
    with database(data).writing() as session:
        rules.remove(session, officer_here(session, who), name)
    console.print(f"The rule {name} is no longer in force within seconds.", highlight=False)


def _decide(number: str, who: str, data: Path | None, *, approved: bool) -> None:
    try:
        approval_id = uuid.UUID(number)
    except ValueError:
        raise NotFound("There is nothing of this number.", advice="See `limen access approvals`.") from None
    with database(data).writing() as session:
        row = approvals.decide(session, officer_here(session, who), approval_id, approved=approved)
    console.print(f"{row.action} is {row.verdict}: {row.what}", highlight=False, soft_wrap=True, markup=False)


def _matter(text: str) -> Matter:
    try:
        return Matter(text)
    except ValueError:
        raise BadInput(f"'{text[:40]}' takes no two people.", advice=f"Use one of {', '.join(Matter)}.") from None


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"{file} cannot be read.") from None
