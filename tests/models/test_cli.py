"""`limen models list|check`."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from limen import models
from limen.cli.models import app
from limen.errors import Damaged


def test_list_names_every_model_with_its_licence() -> None:
    result = CliRunner().invoke(app, ["list"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for name in models.names():
        assert name in result.output
    assert "Apache-2.0" in result.output


def test_check_is_quiet_when_all_is_well() -> None:
    result = CliRunner().invoke(app, ["check", "--quiet"])
    assert (result.exit_code, result.output) == (0, "")


def test_check_fails_when_a_file_is_not_the_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(name: str) -> bytes:
        raise Damaged(f"The file of model '{name}' is not the one that its manifest names.")

    monkeypatch.setattr("limen.models.read", changed)
    result = CliRunner().invoke(app, ["check", "--quiet"])
    assert result.exit_code != 0
    assert "sface" in result.output
