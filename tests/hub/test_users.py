"""A user id of its own for each part: files and sockets are whose they are to be, and the hub works."""

from __future__ import annotations

import asyncio
import os
import shutil
import site
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from limen.errors import BadInput, NotAllowed
from limen.hub import Hub, users
from limen.hub.users import Users
from limen.settings import Settings
from limen.vault.client import VaultClient
from limen.wire import peers
from limen.wire.sockets import connect, listen, open_stream

from .test_confinement import all_confined, whole_search
from .test_hub import free_port

MADE_UP = Users({"vault": 61_001, "opener": 61_002, "matcher": 61_003, "front": 61_004}, 61_000)
PYTHON = Path("/usr/bin/python3.11")  # one that every user may run; the tests' own may lie in somebody's home


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that all may reach, and parts that run as made-up users."""
    if os.geteuid() != 0:
        pytest.skip("only root starts processes as other users")
    if not PYTHON.exists() or sys.version_info[:2] != (3, 11):
        pytest.skip("there is no Python that all users may run")
    folder = Path(tempfile.mkdtemp(prefix="limen-users-"))
    folder.chmod(0o755)
    packages = [path for path in site.getsitepackages() if Path(path).is_dir()]
    (folder / "sitecustomize.py").write_text(
        f"import site, sys\nfor path in {packages!r}:\n    site.addsitedir(path)\nsys.path[:0] = {packages!r}\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(sys, "executable", str(PYTHON))
    monkeypatch.setattr(users, "of", lambda _: MADE_UP)
    tried = subprocess.run([PYTHON, "-c", "import limen.hub.child"], user=MADE_UP.uids["front"], capture_output=True)
    if not tried.returncode:
        yield folder
    shutil.rmtree(folder)
    if tried.returncode:
        pytest.skip("this checkout cannot be read by other users")


def test_parts_run_as_their_own_users(apart: Path) -> None:
    """All four, and a whole search by them: sealed, opened, compared, answered with the record."""
    settings = Settings(data=apart / "hub", port=free_port(), users="limen", worker_seconds=120)
    with Hub(settings) as hub:
        for part, pid in hub.pids.items():
            status = Path(f"/proc/{pid}/status").read_text()
            assert f"Uid:\t{MADE_UP.uids[part]}\t" in status, part
            assert f"Gid:\t{MADE_UP.gid}\t" in status, part
            assert "CapEff:\t0000000000000000" in status, part
        owners = {path.name: path.stat().st_uid for path in settings.data.iterdir()}
        assert owners["vault"] == MADE_UP.uids["vault"]
        assert owners["records.sqlite"] == MADE_UP.uids["front"]
        assert (settings.data / "vault").stat().st_mode & 0o777 == 0o700
        for socket in settings.run.glob("*.sock"):
            assert socket.stat().st_uid == MADE_UP.uids[socket.stem.split("-")[0]], socket
            assert socket.stat().st_mode & 0o777 == 0o660, socket
        assert settings.data.stat().st_mode & 0o7777 == 0o1770
        with VaultClient.connect(settings) as vault:
            assert len(vault.identity()) == 32, "root's commands go on"
        assert all_confined(hub) == {name: f"{name} runs as user {uid}" for name, uid in MADE_UP.uids.items()}
        assert "Adrian Velkov" in whole_search(settings, apart)


def test_users_that_are_not_there_are_named() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may have the parts run as other users")
    with pytest.raises(BadInput, match="no user or group"):
        users.of(Settings(users="no-such-hub"))
    assert users.of(Settings()) is None


def test_a_socket_that_another_user_serves_is_not_spoken_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    with listen("vault-front.sock"):
        connect("vault-front.sock").close()
        peers.know_users({"vault": os.geteuid() + 1, "front": os.geteuid()})
        try:
            with pytest.raises(NotAllowed, match="Somebody else"):
                connect("vault-front.sock")
            with pytest.raises(NotAllowed, match="Somebody else"):
                asyncio.run(open_stream("vault-front.sock"))
            peers.know_users({"vault": os.geteuid(), "front": os.geteuid() + 1})
            connect("vault-front.sock").close()
        finally:
            peers.know_users({})
