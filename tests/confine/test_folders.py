"""A process that keeps some folders, and one that starts no programs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from limen.confine import probe

PROGRAM = """
import os, socket, subprocess, sys
from pathlib import Path
from limen import confine
confine.new_privileges_never()
folder = Path(sys.argv[2])
def tried(action):
    try:
        action()
        return "may"
    except PermissionError:
        return "denied"
    except OSError as error:
        return type(error).__name__
def listen():
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(folder / "write" / "socket"))
def tcp():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
if sys.argv[1] == "folders":
    assert confine.allow_only([folder / "read", folder / "absent"], [folder / "write"])
else:
    assert confine.deny_programs()
print(" ".join(tried(action) for action in (
    lambda: (folder / "read" / "file").read_bytes(),
    lambda: (folder / "read" / "new").write_bytes(b""),
    lambda: (folder / "write" / "new").write_bytes(b""),
    listen,
    lambda: (folder / "other" / "file").read_bytes(),
    lambda: subprocess.run(["/bin/true"]),
    tcp,
)))
"""


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("folders", ["may", "denied", "may", "may", "denied", "denied", "denied"]),
        ("programs", ["may", "may", "may", "may", "may", "denied", "may"]),
    ],
)
def test_what_is_left(tmp_path: Path, kind: str, expected: list[str]) -> None:
    version = probe.landlock_version()
    if not version:
        pytest.skip("this kernel has no Landlock")
    for name in ("read", "write", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"content")
    done = subprocess.run([sys.executable, "-c", PROGRAM, kind, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = done.stdout.split()
    if version < 4:  # before it could bar TCP
        found, expected = found[:-1], expected[:-1]
    assert found == expected
