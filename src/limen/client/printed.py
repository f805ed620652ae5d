"""An answer on a terminal: the verdict first, then what to do, then everything else."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

LOOKS = {
    "hit": ("HIT", "bold white on red"),
    "no-hit": ("NO HIT", "bold white on green4"),
    "refer": ("REFER", "bold black on yellow"),
    "cannot-tell": ("CANNOT TELL", "bold white on grey37"),
}
URGENT = "urgent: do not let the person go before you have called"
URGENT_LEAD = "urgent for its owner if an examiner confirms the person; until then nothing is known against them"


def show(answer: dict[str, Any], console: Console) -> None:
    """Print an answer (`HubClient.search`)."""
    word, style = LOOKS[answer["answer"]]
    console.print(Text(f"  {word}  ", style=style))
    for match in answer["matches"]:
        console.print(_match(match))
    if answer["next"]:
        steps = "\n".join(f"{number}. {escape(step)}" for number, step in enumerate(answer["next"], 1))
        console.print(Panel(steps, title="What to do now", title_align="left"))
    for reason in answer["reasons"]:
        console.print(f"• {escape(reason['text'])} [dim]{escape(reason['advice'])}[/]", highlight=False)
    _samples(answer["samples"], console)
    _end(answer, console)


def show_file(kind: str, explanation: str, console: Console) -> None:
    """Print the answer to a search by file: its kind, and what it says to do."""
    word, style = LOOKS.get(kind, LOOKS["cannot-tell"])
    console.print(Text(f"  {word}  ", style=style))
    console.print(explanation, markup=False, highlight=False)


def _match(match: dict[str, Any]) -> Panel:
    rows = Table.grid(padding=(0, 2))
    sure = match["strength"] == "hit"
    urgent = URGENT if sure else URGENT_LEAD  # a lead is no accusation: nobody is kept because of it
    for name, value in (
        ("Who", "; ".join(match["names"])),
        ("Wanted by" if sure else "Record of", match["owner_name"]),
        ("For", match["offence"]),
        ("Notice", " ".join(filter(None, (match["asks"], match["notice_number"])))),
        ("Urgency", urgent if match["urgent"] else "ordinary"),
        ("Born", match["date_of_birth"]),
        ("Nationality", ", ".join(match["nationalities"])),
        ("Instructions", match["instructions"]),
        ("Call", match["contact"]),
        ("Record", match["record"]),
        ("Agreed", ", ".join(match["agreed"])),
        ("Portrait", "see it with --portrait FILE" if match["portrait"] else ""),
    ):
        if value:
            rows.add_row(f"[dim]{name}[/]", escape(value))
    parts: list[Any] = [rows]
    if match["claim"]:
        parts.append(_claim(match["claim"]))
    title = "Record found" if sure else "Possible record (lead only)"
    return Panel(Group(*parts), title=title, title_align="left")


def _claim(claim: dict[str, Any]) -> Table:
    title = "The claimed identity contradicts the record" if claim["contradicts"] else "The claimed identity"
    table = Table("", "claimed", "in the record", "", title=title, title_justify="left", title_style="bold")
    for field in claim["fields"]:
        style = "red" if field["verdict"] == "contradicts" else ""
        cells = (field["field"].replace("_", " "), field["claimed"], field["recorded"], field["verdict"])
        table.add_row(*map(escape, cells), style=style)
    return table


def _samples(samples: list[dict[str, Any]], console: Console) -> None:
    words = {"yes": "used", "although-poor": "used, although poor", "no": "not used"}
    for sample in samples:
        name = sample["modality"] if sample["modality"] == "face" else sample["position"]
        quality = "" if sample["quality"] is None else f", quality {sample['quality']}"
        if sample.get("minutiae") is not None:
            quality += f", {sample['minutiae']} clear minutiae" + (f", {sample['area']} mm2" if sample["area"] else "")
        why = " ".join(f"{reason['text']} {reason['advice']}" for reason in sample["reasons"])
        console.print(f"[dim]{name}: {words[sample['used']]}{quality}. {escape(why)}[/]", highlight=False)
        if len(faces := sample.get("faces", [])) > 1:
            console.print(f"[dim]{escape(_faces(faces))}[/]", highlight=False)


def _faces(faces: list[dict[str, Any]]) -> str:
    """Where several faces are in the photo, in percent of its sides, and how to search another."""
    places = (
        f"{number} at {100 * (face['x'] + face['width'] / 2):.0f} % from the left and "
        f"{100 * (face['y'] + face['height'] / 2):.0f} % from the top{' (searched)' if face['searched'] else ''}"
        for number, face in enumerate(faces, 1)
    )
    return f"Faces: {'; '.join(places)}. To search another: --face NUMBER."


def _end(answer: dict[str, Any], console: Console) -> None:
    way = "sealed" if answer["sealed"] else "not sealed"
    receipt = "signed receipt" if answer["receipt"] else "no receipt (the vault could not sign)"
    searched = answer["gallery"]["records"]
    console.print(f"[dim]{searched} records searched; capture {way}{_became(answer)}; {receipt}.[/]", highlight=False)


def _became(answer: dict[str, Any]) -> str:
    """What became of the capture, as the receipt has it; without one, only what follows from the answer."""
    if not answer["receipt"]:
        return ", deleted" if answer["answer"] in ("no-hit", "cannot-tell") else ""
    if "capture" in answer["receipt"]["receipt"]["deleted"]:
        return ", deleted"
    return ", its pictures kept sealed for the examiners who verify"
