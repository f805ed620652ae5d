"""What a drill leaves behind itself, however it ends: nothing that runs, and a folder that the next one puts away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import pytest

from limen.evaluation.forgetting import disk as disks
from limen.evaluation.forgetting.folder import LOCK, PREFIX, clear_left, own_folder
from limen.evaluation.forgetting.served import BOUND

HOLDER = """
import sys, time
from limen.evaluation.forgetting.folder import own_folder
with own_folder() as folder:
    (folder / "disk.img").write_bytes(b"left")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def folders(temporary: Path) -> list[Path]:
    return list(temporary.glob(f"{PREFIX}*"))


def holder() -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_folder_ends_with_its_drill_also_when_it_fails(temporary: Path) -> None:
    with pytest.raises(RuntimeError), own_folder() as folder:
        assert folders(temporary) == [folder] and (folder / LOCK).exists()
        raise RuntimeError
    assert folders(temporary) == []


def test_the_next_drill_puts_away_what_a_killed_one_left_and_nothing_of_a_running_one(temporary: Path) -> None:
    running, kept = holder()
    killed, left = holder()
    try:
        killed.kill()
        killed.wait()
        assert left.exists()
        with own_folder() as own:
            assert set(folders(temporary)) == {kept, own}
    finally:
        running.kill()
        running.wait()
    assert clear_left() == [kept]


def test_folders_that_are_no_drill_s_stay(temporary: Path) -> None:
    (temporary / f"{PREFIX}notes").mkdir()
    (temporary / f"{PREFIX}link").symlink_to(temporary)
    assert clear_left() == []
    assert len(folders(temporary)) == 2


def test_what_the_drill_starts_is_killed_with_it() -> None:
    """A parent that starts a program as the drill starts its hub, and is killed: the program ends too."""
    parent = (
        "import os, subprocess, sys, time\n"
        "bound = [sys.executable, '-c', sys.argv[1].replace(\"'-m', 'limen'\", \"'-c'\"), str(os.getpid())]\n"
        "child = subprocess.Popen([*bound, 'import time; print(1, flush=True); time.sleep(600)'],"
        " stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", parent, BOUND], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    end = time.monotonic() + 60
    while _runs(child) and time.monotonic() < end:
        time.sleep(0.02)
    assert not _runs(child)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_drill_that_is_told_to_end_leaves_nothing(temporary: Path, number: signal.Signals) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may look into the hub's memory")
    command = [sys.executable, "-m", "limen", "evaluate", "forgetting", "--rounds", "1"]
    with (temporary / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    end = time.monotonic() + 120
    while not (found := folders(temporary)) or not (found[0] / LOCK).exists():
        assert process.poll() is None and time.monotonic() < end, (temporary / "log").read_text()
        time.sleep(0.02)
    started = _below(process.pid)
    process.send_signal(number)
    assert process.wait(120) != 0
    assert folders(temporary) == []
    end = time.monotonic() + 60  # what is just being made, such as the disk, may end a moment after the drill
    while any(_runs(pid) for pid in started):
        assert time.monotonic() < end, "something of the drill goes on"
        time.sleep(0.05)


def test_where_no_disk_can_be_mounted_it_is_said_why(tmp_path: Path) -> None:
    with mock.patch("os.geteuid", return_value=1000), disks.disk(tmp_path) as (made, why):
        assert made is None and why == "only root may mount"
    with mock.patch("shutil.which", return_value=None), mock.patch("os.geteuid", return_value=0):
        with disks.disk(tmp_path) as (made, why):
            assert made is None and "mkfs.ext4" in why
    refused = subprocess.CalledProcessError(32, ["mount"], stderr=b"mount: permission denied")
    with mock.patch.object(disks, "_missing", return_value=""), mock.patch.object(disks, "_run", side_effect=refused):
        with mock.patch.object(disks, "_mounts_of_our_own"), disks.disk(tmp_path) as (made, why):
            assert made is None and why == "mount: mount: permission denied"
    with mock.patch.object(disks, "_missing", return_value=""):
        (tmp_path / "second").mkdir()
        no_namespace = mock.patch.object(disks, "_mounts_of_our_own", side_effect=OSError(1, "not permitted"))
        with no_namespace, disks.disk(tmp_path / "second") as (made, why):
            assert made is None and why.startswith("not permitted")


def _below(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
