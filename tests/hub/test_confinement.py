"""What the kernel says of each running process: who it is, what it has given up; and that a whole search works so."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from limen.confine import landlock, probe, seccomp
from limen.errors import Unavailable
from limen.evaluation.breach.people import people, write
from limen.hub import Hub, checks, profiles, standing
from limen.hub.checks import Status
from limen.settings import Settings

from .test_hub import free_port

pytestmark = pytest.mark.skipif(
    not (seccomp.available() and landlock.version()), reason="this kernel has no Landlock or no seccomp filters"
)


def all_confined(hub: Hub) -> dict[str, str]:
    """Who each part is, in `limen doctor`'s words; everything that it should have given up must be."""
    state = json.loads((hub.settings.run / "state.json").read_text())["parts"]
    found = {one.name: one for one in standing.of(hub.settings, state)}
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    may_lock = limit == resource.RLIM_INFINITY if hub.settings.users else probe.memory_can_be_locked()
    for one in found.values():
        assert set(one.lacking) <= (set() if may_lock else {"locked memory"}), one
    return {name: one.text.split(",")[0] for name, one in found.items()}


def whole_search(settings: Settings, folder: Path) -> str:
    """One person enrolled with `limen records import` and found with `limen search`: what the officer then reads."""

    def limen(*words: str) -> str:
        environment = os.environ | {
            "LIMEN_DATA": str(settings.data),
            "LIMEN_KEYS": str(folder / "device"),
            "LIMEN_HUB": settings.url,
        }
        command = [sys.executable, "-m", "limen", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    persons = people(1)
    images = write(folder / "images", persons, 0)
    for name, content in persons[0].images[1].items():
        (folder / name).write_bytes(content)
    limen("access", "country", "add", "FRA")
    limen("access", "country", "add", "BIH")
    limen("access", "officer", "add", "BIH/officer1")
    limen("records", "import", str(images), "--country", "FRA")
    words = ["search", str(folder / "face"), "--finger", f"right-index={folder / 'right-index'}", "--as"]
    return limen(*words, "BIH/officer1", "--purpose", "border-control")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with Hub(Settings(data=tmp_path_factory.mktemp("confined"), port=free_port(), worker_seconds=120)) as hub:
        yield hub


def test_every_thread_of_every_part_is_confined(hub: Hub) -> None:
    for name, pid in hub.pids.items():
        for thread in Path(f"/proc/{pid}/task").iterdir():
            status = (thread / "status").read_text()
            assert "Seccomp:\t2" in status, name
            assert "NoNewPrivs:\t1" in status, name
            kept = int(status.split("CapEff:")[1].split()[0], 16)
            assert not kept & ~(1 << 1 | 1 << 3 | 1 << 10 | 1 << 14), name
        assert profiles.wanted(name, hub.settings) == set(hub.parts[name].given_up)


def test_doctor_says_it_of_each(hub: Hub) -> None:
    assert set(all_confined(hub)) == {"vault", "opener", "matcher", "front"}
    said = {check.name: check for check in checks.check_hub(hub.settings)}
    for name in hub.pids:
        assert f"{name} runs as user {os.geteuid()}, seccomp, no new privileges" in said[f"confined-{name}"].text


def test_a_part_that_is_not_confined_is_missed_and_production_refuses(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    state = json.loads((hub.settings.run / "state.json").read_text())["parts"]
    mine = state["vault"] | {"pid": os.getpid(), "given_up": []}
    (found,) = standing.of(hub.settings, {"vault": mine})
    assert {"seccomp", "Landlock"} <= set(found.lacking)
    monkeypatch.setattr(standing, "of", lambda *_: iter([found]))
    failed = [one for one in checks.check_hub(hub.settings) if one.name == "confined-vault"]
    assert [one.status for one in failed] == [Status.MISSING]
    monkeypatch.setattr("limen.hub.supervisor.missing_protections", list)
    bare = Hub(Settings(data=tmp_path / "bare", port=free_port(), production=True), ["vault"])
    with pytest.raises(Unavailable, match="must be confined"):
        bare.start()


def test_a_whole_search_works_so(hub: Hub, tmp_path: Path) -> None:
    assert "Adrian Velkov" in whole_search(hub.settings, tmp_path)
