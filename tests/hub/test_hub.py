"""Four processes: started, watched, restarted and stopped together."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from limen.errors import NotAllowed, Unavailable
from limen.hub import Hub
from limen.hub.parts import temporary
from limen.hub.supervisor import running
from limen.settings import Settings
from limen.vault.client import VaultClient

PARTS = ("vault", "opener", "matcher", "front")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def state(settings: Settings) -> dict:
    return json.loads((settings.run / "state.json").read_text())


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    settings = Settings(data=tmp_path_factory.mktemp("hub"), port=free_port())
    with Hub(settings) as hub:
        yield hub


def test_all_parts_are_there_and_noted(hub: Hub) -> None:
    assert tuple(hub.pids) == PARTS
    assert all(alive(pid) for pid in hub.pids.values())
    noted = state(hub.settings)
    assert noted["pid"] == os.getpid()
    assert {name: part["pid"] for name, part in noted["parts"].items()} == hub.pids
    assert {part["state"] for part in noted["parts"].values()} == {"running"}


@pytest.mark.parametrize("name", PARTS)
def test_a_killed_part_comes_back_and_the_others_stay(hub: Hub, name: str) -> None:
    before, restarts = hub.pids, hub.parts[name].restarts
    os.kill(before[name], signal.SIGKILL)
    deadline = time.monotonic() + 60
    while not (hub.healthy and hub.pids[name] != before[name]):
        assert time.monotonic() < deadline, state(hub.settings)
        time.sleep(0.05)
    assert {n: p for n, p in hub.pids.items() if n != name} == {n: p for n, p in before.items() if n != name}
    assert hub.parts[name].restarts == restarts + 1
    with VaultClient.connect(hub.settings) as vault:
        assert len(vault.identity()) == 32


def test_parts_keep_their_memory_to_themselves(hub: Hub) -> None:
    for name, pid in hub.pids.items():
        limits = Path(f"/proc/{pid}/limits").read_text()
        core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        assert core.split()[4:6] == ["0", "0"], name
        status = Path(f"/proc/{pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status, name
        assert Path(f"/proc/{pid}/mem").stat().st_uid == 0, "not dumpable: root's alone"


def test_a_folder_has_one_hub(hub: Hub) -> None:
    assert running(hub.settings)
    with pytest.raises(Unavailable, match="runs on"):
        Hub(hub.settings).start()
    with temporary(hub.settings, ["vault"]), VaultClient.connect(hub.settings) as vault:
        assert len(vault.identity()) == 32
    assert hub.healthy


def test_the_log_is_json_lines(hub: Hub) -> None:
    for line in (hub.settings.data / "log" / "limen.jsonl").read_text().splitlines():
        assert {"part", "event", "level", "timestamp"} <= set(json.loads(line)), line


def test_parts_for_a_command_end_with_it(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with temporary(settings, ["vault"]):
        pid = state(settings)["parts"]["vault"]["pid"]
        with VaultClient.connect(settings) as vault:
            assert len(vault.identity()) == 32
        with pytest.raises(Unavailable):
            Hub(settings, ["vault"]).start()
    assert not alive(pid)
    assert not running(settings)
    assert state(settings)["parts"]["vault"]["state"] == "stopped"


def test_a_part_that_cannot_start_says_why(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with Hub(settings, ["vault"]):
        pass
    (tmp_path / "vault" / "root.key").chmod(0o644)
    with pytest.raises(Unavailable, match=r"vault process cannot start: The root key .* can be read by others"):
        Hub(settings, ["vault"]).start()
    assert not running(settings)
    (tmp_path / "vault" / "root.key").chmod(0o600)
    with Hub(settings, ["vault"]) as hub:
        assert hub.healthy


KILLED = """
import sys, time
from pathlib import Path
from limen.hub import Hub
from limen.settings import Settings
with Hub(Settings(data=Path(sys.argv[1])), ["vault"]) as hub:
    print(hub.pids["vault"], flush=True)
    time.sleep(60)
"""


def test_parts_die_with_their_supervisor(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    process.wait()
    deadline = time.monotonic() + 5
    while alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with Hub(Settings(data=tmp_path), ["vault"]) as hub:
        assert hub.healthy, "the lock died with it too"


def test_no_other_process_can_speak_in_the_place_of_a_part(hub: Hub) -> None:
    """This test runs as the hub's user, as a subverted front would, and gets neither template keys nor offers."""
    with VaultClient.connect(hub.settings, "vault-matcher") as vault, pytest.raises((NotAllowed, Unavailable)):
        vault.template_keys("FRA", 1, bytes(range(16)))
    with VaultClient.connect(hub.settings, "vault-opener") as vault, pytest.raises((NotAllowed, Unavailable)):
        vault.sign_offer(bytes(16), bytes(32), bytes(32), int(time.time()) + 30)
    with VaultClient.connect(hub.settings) as vault:
        assert len(vault.identity()) == 32
