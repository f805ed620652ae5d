"""`limen demo`: the whole story on one screen, told with the commands that anyone would type."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.rule import Rule

from limen import settings as configuration
from limen.errors import Damaged, LimenError
from limen.evaluation import cast as casting
from limen.evaluation.cast import Cast, Traveller
from limen.hub import Hub
from limen.settings import Settings

console = Console(highlight=False)
OFFICER = "BIH/officer1"


def command(
    data: Annotated[Path, typer.Option(help="Folder of the demo's own hub; made anew each time.")] = Path("limen-demo"),
    samples: Annotated[
        Path | None,
        typer.Option(envvar="LIMEN_TEST_DATA", help="Folder of real samples (default ../shared/data if it is there)."),
    ] = None,
    made_up: Annotated[bool, typer.Option("--made-up", help="Use no real samples even where there are some.")] = False,
) -> None:
    """The whole story on one screen: two countries, a wanted person found, an innocent one forgotten."""
    samples = samples or Path("../shared/data")
    real = not made_up and (samples / "faces" / "lfw_dev").is_dir()
    _make_room(data)
    settings = configuration.load(data / "hub", port=_free_port(), tls="on")  # with a certificate of its own making
    os.environ |= {"LIMEN_DATA": str(settings.data), "LIMEN_KEYS": str(data / "keys"), "LIMEN_HUB": settings.url}

    _chapter(1, "Two countries write down whom they look for")
    with console.status("Choosing real samples ..." if real else "Growing fingers that nobody has ..."):
        cast = casting.from_samples(samples, data / "records") if real else casting.made_up(data / "records")
    people = "real sample images, made-up names" if real else "a public portrait, grown fingers, made-up names"
    console.print(f"{cast.records} records of {len(cast.folders)} countries: {people}.\n")

    with console.status("Starting the hub: loading models ..."):
        hub = Hub(settings)
        hub.start()
    try:
        _tell(hub, cast, data)
    finally:
        hub.stop()
    _farewell(settings, data)


def _tell(hub: Hub, cast: Cast, data: Path) -> None:
    console.print("The hub runs: " + ", ".join(f"{name} (process {pid})" for name, pid in hub.pids.items()) + ".\n")
    for country, folder in cast.folders.items():
        _limen("access", "country", "add", country)
        _limen("records", "import", str(folder), "--country", country)
    _chapter(2, "A border post in Bosnia and Herzegovina signs up")
    _limen("access", "country", "add", "BIH")
    _limen("access", "officer", "add", OFFICER)

    _chapter(3, "A man with a false name: his photo alone brings up a lead")
    _expect(_search(cast.wanted, data, face=True, fingers=False), "refer")
    console.print("\nA face alone finds a lead; fingers settle it:\n")
    _expect(_search(cast.wanted, data, face=True, fingers=True), "hit")

    _chapter(4, "An innocent traveller: no hit, and nothing of them stays")
    _expect(_search(cast.innocent, data, face=True, fingers=True), "no-hit")
    _prove_forgotten(hub, cast.innocent, data)


def _search(person: Traveller, data: Path, *, face: bool, fingers: bool) -> str:
    """Search as the officer would; which answer the signed receipt names."""
    images = [str(person.face)] if face and person.face else []
    if fingers:
        images += [word for where, file in person.fingers.items() for word in ("--finger", f"{where}={file}")]
    claim = ["--claimed-name", person.claimed_name, "--claimed-birth-date", person.claimed_birth]
    receipt = data / "receipt.json"
    receipt.unlink(missing_ok=True)
    _limen("search", *images, "--as", OFFICER, "--purpose", "border-control", *claim, "--receipt", str(receipt))
    return str(json.loads(receipt.read_text())["receipt"]["answer"])


def _expect(answer: str, *wanted: str) -> None:
    """The demo is also a check of an installation: another ending is an error."""
    if answer not in wanted:
        raise Damaged(
            f"The demo expected {' or '.join(wanted)}, and the answer was {answer}.",
            advice="This installation does not work as it should; please report it with the output above.",
        )


def _prove_forgotten(hub: Hub, person: Traveller, data: Path) -> None:
    """Look for pieces of the traveller's images in the memory of every process of the hub, and in its files."""
    from limen.evaluation.forgetting import Needles, prove_forgotten

    files = [*([person.face] if person.face else []), *person.fingers.values()]
    with console.status("Searching the hub's memory and disk for what was captured ..."):
        finding = prove_forgotten(hub.pids, [data / "hub"], Needles.of_images(files))
    console.print(f"\n{finding.sentence}")
    if not finding.valid or finding.hits:
        raise Damaged("It is not shown that the hub has forgotten the innocent traveller.")


def _limen(*arguments: str) -> None:
    """Show a command and run it; the demo ends with its error."""
    console.print(f"[bold cyan]$ limen {shlex.join(arguments)}[/]")
    done = subprocess.run([sys.executable, "-m", "limen", *arguments], check=False)  # noqa: S603
    console.print()
    if done.returncode:
        raise LimenError(f"`limen {' '.join(arguments[:2])}` failed; the demo ends here.")


def _make_room(data: Path) -> None:
    """An empty folder; only one that an earlier demo made is emptied."""
    marker = data / "made-by-limen-demo"
    if data.exists() and not marker.exists():
        raise LimenError(f"{data} exists and is not a demo's folder.", advice="Name another one with --data.")
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700, parents=True)
    marker.touch()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _chapter(number: int, title: str) -> None:
    console.print()
    console.print(Rule(f"[bold]{number}. {title}[/]", align="left"))
    console.print()


def _farewell(settings: Settings, data: Path) -> None:
    limen = Path(sys.argv[0])
    variables = f"LIMEN_DATA={settings.data} LIMEN_KEYS={data / 'keys'}"
    console.print()
    console.print(f"[bold]Done.[/] The hub is stopped; its records are kept in {data}.")
    console.print("To open the pages, run the hub again, and make a one-time link in a second terminal:\n")
    for words in (f"{limen} serve", f"{limen} access invite {OFFICER}"):
        console.print(f"  {variables} {words}", soft_wrap=True)
