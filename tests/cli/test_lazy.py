"""What the command line says when something is wrong: a sentence and exit status 1, never a trace."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from limen.cli.lazy import guarded
from limen.errors import BadInput


def complaint(action: Callable[[], object], capsys: pytest.CaptureFixture[str]) -> str:
    """What is printed on standard error, in one line; the action must end with status 1."""
    with pytest.raises(SystemExit) as ended:
        guarded(action)
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert said.out == ""
    return " ".join(said.err.split())


@pytest.mark.parametrize("name", ["[/x].png", "[bold]x.png", "[red]", "\\[a]"])
def test_names_that_look_like_markup_are_printed_as_they_are(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    def action() -> None:
        raise BadInput(f"{name} cannot be read.", advice=f"Rename {name}.")

    assert complaint(action, capsys) == f"{name} cannot be read. Rename {name}."


def test_a_file_that_cannot_be_used_is_named_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "none" / "a.json"
    said = complaint(lambda: missing.write_text("x"), capsys)
    assert "No such file or directory." in said
    assert "a folder to write into must exist" in said


def test_a_full_disk_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    def action() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "backup")

    assert "make room" in complaint(action, capsys)


def test_an_error_of_no_file_is_a_defect_and_stays_one() -> None:
    def action() -> None:
        raise OSError("what nobody thought of")

    with pytest.raises(OSError, match="nobody thought of"):
        guarded(action)


def test_a_reader_that_has_had_enough_gets_no_trace() -> None:
    """As `limen records list | head -1` does with a long list."""
    code = "from limen.cli.lazy import guarded; guarded(lambda: [print('x' * 99) for _ in range(9999)])"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait() == 1
