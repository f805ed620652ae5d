"""The `limen` command: one module a subcommand, imported only when it is called.

A module `limen/cli/NAME.py` (or `limen/cli/evaluate/NAME.py`) defines either `app`, a `typer.Typer`, or
`command`, one function. It is listed below with its line of help.
"""

from limen.cli.lazy import run

COMMANDS = {
    "demo": "The whole story on one screen: two countries, a wanted person found, an innocent one forgotten.",
    "serve": "Run the hub: front, opener, matcher and vault, until Ctrl-C.",
    "search": "Search a face and fingers.",
    "receipt": "Check the receipt of a search.",
    "ledger": "Check the transparency log, and witness another hub's.",
    "records": "Import, list, show, withdraw and export a country's records.",
    "access": "Who may do what: countries, people, devices, sign-in, two-person decisions, caps, alerts.",
    "cases": "Requests of persons concerned, with their deadlines.",
    "hits": "Hits that are kept for verification: terms, counts.",
    "compare": "Compare two prints, and draw which minutiae paired.",
    "evaluate": "Measure accuracy, speed and forgetting.",
    "exchange": "Look into, check and convert ANSI/NIST-ITL and minutiae files.",
    "models": "List and check the models.",
    "keys": "Countries' keys: see them, rotate, take back and give back; who holds the root.",
    "backup": "Make, restore and verify sealed backups.",
    "drill": "Play the thief on a hub of its own.",
    "doctor": "Check this machine and this hub.",
}


def main() -> None:
    """Entry point of the `limen` command."""
    run("limen", "limen.cli", COMMANDS)
