"""`limen hits`: for how long a country keeps what its hits' verification needs, and how many examiners it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy import func, select

from limen import settings
from limen.front import overdue
from limen.hits import keep
from limen.hits.keep import EXAMINERS, HOURS, Terms
from limen.records.database import open_existing
from limen.records.tables import Country, Hit

app = typer.Typer(no_args_is_help=True)
console = Console(highlight=False)
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="The hub's data folder (default LIMEN_DATA, else limen-data).")
]


@app.callback()
def _root() -> None:
    """Hits that are kept for verification."""


@app.command("terms")
def set_terms(
    country: Annotated[str, typer.Argument(help="ISO 3166-1 alpha-3, such as FRA.")],
    hours: Annotated[int, typer.Option(help="Until a hit is forgotten with what is held.")] = HOURS,
    examiners: Annotated[int, typer.Option(help="Whose verdict it takes: 1 or 2.")] = EXAMINERS,
    data: DataFolder = None,
) -> None:
    """Set a country's terms for the hits to come."""
    with open_existing(settings.load(data)).writing() as session:
        keep.set_terms(session, country.upper(), Terms(hours, examiners))
    console.print(f"Hits of {country.upper()}'s searches are kept for {hours} hours; {examiners} must verify.")


@app.command("status")
def status(data: DataFolder = None) -> None:
    """How many hits each country keeps now, and its terms. Never whom they are about."""
    with open_existing(settings.load(data)).reading() as session:
        counts = {
            code: (number, held or 0)
            for code, number, held in session.execute(
                select(Hit.country, func.count(), func.count(Hit.held)).group_by(Hit.country)
            ).tuples()
        }
        for code in session.scalars(select(Country.code).order_by(Country.code)):
            number, held = counts.get(code, (0, 0))
            found = keep.terms(session, code)
            console.print(
                f"{code}: {number} hits, {held} captures held; {found.hours} hours, {found.examiners} examiner(s)"
            )


@app.command("forget")
def forget(data: DataFolder = None) -> None:
    """Forget what is overdue now; the hub does so by itself twice a minute."""
    console.print(f"{overdue.once(open_existing(settings.load(data)))} hits forgotten.")
