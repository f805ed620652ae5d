"""`limen models list|add|check`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.face import variant
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


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "hub"
    models.look_in(None)


def test_an_added_model_is_listed_checked_and_refused_once_it_is_swapped(data: Path, tmp_path: Path) -> None:
    hub = ["--data", str(data)]
    run = CliRunner().invoke
    result = run(app, ["add", str(variant.write(tmp_path / "given", calibrated=False)), *hub])
    assert (result.exit_code, "not calibrated yet" in result.output) == (0, True)
    assert run(app, ["check", *hub]).exit_code != 0
    result = run(app, ["add", str(variant.write(tmp_path / "given")), *hub])
    assert (result.exit_code, "not calibrated yet" in result.output) == (0, False)
    assert run(app, ["check", *hub]).exit_code == 0
    listed = run(app, ["list", *hub], env={"COLUMNS": "250"}).output
    assert f"{variant.DIMENSION} x float32" in listed
    file = data / "models" / f"{variant.NAME}.onnx"
    file.write_bytes(models.read("sface"))
    result = run(app, ["check", *hub])
    assert result.exit_code != 0
    assert f"{variant.NAME}: The file" in result.output


def test_a_broken_manifest_hides_no_other_model(data: Path) -> None:
    (data / "models").mkdir(parents=True)
    (data / "models" / "broken.toml").write_text('role = "face-embedder"')
    listed = CliRunner().invoke(app, ["list", "--data", str(data)], env={"COLUMNS": "250"})
    assert listed.exit_code == 0
    assert "sface" in listed.output and "lacks or misstates" in listed.output
