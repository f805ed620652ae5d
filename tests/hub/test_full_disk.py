"""A full disk does not end the supervision of the parts."""

import dataclasses
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

from limen.hub import supervisor
from limen.settings import Settings


def test_the_state_file_is_no_condition_of_supervision(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(supervisor, "replace_private", full)
    hub = supervisor.Hub(Settings(data=tmp_path), [])
    hub.start()
    hub._note()
    assert hub._thread.is_alive()
    hub.stop()
    assert not supervisor.running(Settings(data=tmp_path))


def test_a_part_that_cannot_use_its_disk_says_so_though_its_log_cannot_be_written(tmp_path):
    """The log lies on the same disk: who asks the hub to start is told all the same."""
    (tmp_path / "file").write_bytes(b"")
    settings = Settings(data=tmp_path / "file" / "hub")
    with Path("/dev/full").open("wb") as full:
        part = subprocess.Popen(
            [sys.executable, "-m", "limen.hub.child", "vault", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=full,
        )
        said = json.dumps(dataclasses.asdict(settings) | {"data": str(settings.data)}).encode() + b"\n"
        answer, _ = part.communicate(said, timeout=60)
    assert part.returncode == 1
    assert json.loads(answer)["error"].startswith("Not a directory: ")
