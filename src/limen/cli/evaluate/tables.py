"""Figures by group as a table, for every evaluation that has them."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from limen.evaluation.groups import FEW


def group_rows(found: dict[str, Any]) -> list[list[str]]:
    """Head and rows of `limen.evaluation.groups.rates`."""
    keys = list(next(iter(found.values()))["rates"]) if found else []
    named = [key.replace("fpir_", "FPIR ") for key in keys]
    head = ["group", "people", "others", *(f"FNIR at {name}" for name in named), *(f"own {name}" for name in named)]
    rows = []
    for name, group in found.items():
        rates = [group["rates"][key] for key in keys]
        rows.append(
            [
                f"{name} (too few people)" if group["few"] else name,
                f"{group['people']:,}",
                f"{group['other_people']:,}",
                *(_rate(rate["fnir"], rate["interval"]) for rate in rates),
                *(_rate(rate["fpir"]) for rate in rates),
            ]
        )
    return [head, *rows]


def group_table(title: str, found: dict[str, Any]) -> Table:
    """The same for a terminal."""
    head, *rows = group_rows(found)
    table = Table(*head, title=title)
    for row in rows:
        table.add_row(*row)
    table.caption = f"thresholds are those for all; brackets: 95 %, bootstrap by person; too few: under {FEW} of a kind"
    return table


def _rate(rate: float | None, interval: list[float] | None = None) -> str:
    if rate is None:
        return "nobody"
    return f"{rate:.2%}" + (f" ({interval[0]:.2%} to {interval[1]:.2%})" if interval else "")
