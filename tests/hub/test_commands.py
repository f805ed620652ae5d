"""`limen serve` and `limen doctor` as people run them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from limen.errors import Unavailable
from limen.hub import Hub, checks
from limen.hub.checks import Status
from limen.settings import Settings
from limen.vault.custody import PassphraseCustody
from limen.vault.opening import open_ring

from .test_hub import free_port

LIMEN = Path(sys.executable).with_name("limen")


def limen(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LIMEN, *arguments], capture_output=True, text=True, env=os.environ | environment, timeout=120
    )


def test_serve_says_what_runs_and_ends_on_sigterm(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [LIMEN, "serve", "--data", str(tmp_path / "hub"), "--port", str(port)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = []
    while "Stop with" not in (line := process.stdout.readline()):
        assert line, "it ended early"
        lines.append(line)
    text = "".join(lines)
    for part in ("vault", "opener", "matcher", "front"):
        assert part in text
    assert f"http://127.0.0.1:{port}" in text
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
        assert json.load(answer)["status"] in ("ok", "degraded")
    found = limen("doctor", "--json", "--data", str(tmp_path / "hub"))
    named = {check["name"]: check for check in json.loads(found.stdout)["checks"]}
    assert named["processes"]["text"].startswith("All four")
    assert named["file-modes"]["status"] == "ok"
    second = limen("serve", "--data", str(tmp_path / "hub"), "--port", str(free_port()))
    assert second.returncode == 1
    assert "runs on" in second.stderr
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Stopped." in rest
    assert named["models"]["status"] == "ok"


def test_doctor_names_what_others_can_reach(tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir(mode=0o755)
    (tmp_path / "vault" / "keys.json").write_text("{}")
    found = limen("doctor", "--json", LIMEN_DATA=str(tmp_path))
    assert found.returncode == 1
    report = json.loads(found.stdout)
    assert report["ok"] is False
    modes = next(check for check in report["checks"] if check["name"] == "file-modes")
    assert (modes["status"], "keys.json" in modes["text"], modes["advice"][:5]) == ("missing", True, "chmod")


def test_production_refuses_a_machine_that_lacks_a_protection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.probe, "landlock_version", lambda: 0)
    with pytest.raises(Unavailable, match="protections that are missing: landlock"):
        Hub(Settings(data=tmp_path / "hub", production=True), ["vault"]).start()
    assert not (tmp_path / "hub").exists()
    with Hub(Settings(data=tmp_path / "hub"), ["vault"]) as hub:
        assert hub.healthy, "outside production it only warns"


@pytest.mark.parametrize(
    ("patched", "check"),
    [("landlock_version", "landlock"), ("seccomp_filters", "seccomp"), ("memory_can_be_locked", "mlock")],
)
def test_missing_protections_are_found(monkeypatch: pytest.MonkeyPatch, patched: str, check: str) -> None:
    monkeypatch.setattr(checks.probe, patched, lambda: 0)
    found = next(c for c in checks.check_machine() if c.name == check)
    assert found.status is Status.MISSING
    assert found.advice


def test_doctor_says_who_holds_the_keys(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "hub")

    def said() -> checks.Check:
        return next(check for check in checks.check_hub(settings) if check.name == "keys")

    assert said().status is Status.OK
    ring = open_ring(settings)
    ring.epoch("FRA")
    assert (said().status, "beside" in said().text) == (Status.ADVISED, True)
    secret = b"correct horse battery staple"
    ring.revoke("FRA", ring.hand_out("FRA", secret), secret)
    ring.move(PassphraseCustody(settings.data / "vault" / "root.locked", secret, create=True))
    ring.close()
    assert (said().status, "FRA" in said().text) == (Status.OK, True)
    (settings.data / "vault" / "keys.json").write_text("{}")
    assert said().status is Status.MISSING
