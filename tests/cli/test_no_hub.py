"""A command that looks at a hub, or changes one, begins none where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from limen.cli import COMMANDS
from limen.cli.lazy import group
from limen.errors import NotFound

COMMAND_LINES = [
    "hits status",
    "hits forget",
    "hits terms FRA",
    "records list --country FRA",
    "records audit",
    "records purge",
    "access country list",
    "access officer list",
    "access officer add FRA/officer1",
    "access canary FRA x",
    "cases list",
    "ledger verify",
]


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_nothing_is_created_where_there_is_no_hub(tmp_path: Path, line: str) -> None:
    folder, words = tmp_path / "wrong", line.split()
    environment = {"LIMEN_DATA": str(folder), "LIMEN_KEYS": str(tmp_path / "keys")}
    done = CliRunner(env=environment).invoke(group("limen", "limen.cli", COMMANDS, words[0]), words)
    assert isinstance(done.exception, NotFound), (done.output, done.exception)
    assert str(folder) in str(done.exception)
    assert not list(tmp_path.iterdir())
