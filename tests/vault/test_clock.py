"""A clock that jumps back: no offer is signed, and who asks is told why and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from limen.errors import Unavailable
from limen.hub import checks
from limen.hub.checks import Status
from limen.settings import Settings
from limen.vault.clock import NOTE_SECONDS, TOLERANCE, Clock, noted
from limen.vault.keys import KeyRing
from limen.vault.service import Vault
from limen.wire.messages import Signature, SignOffer

NOON = 1_790_000_000.0


class Time:
    """The system's clock, set at will."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_a_clock_that_goes_on_is_noted_now_and_then(tmp_path: Path) -> None:
    time, file = Time(), tmp_path / "clock"
    clock = Clock(file, time)
    assert (clock(), noted(file)) == (NOON, NOON)
    time.now += NOTE_SECONDS - 1
    assert (clock(), noted(file)) == (time.now, NOON), "not written for every question"
    time.now += 1
    assert (clock(), noted(file)) == (time.now, time.now)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_small_correction_is_none(tmp_path: Path) -> None:
    time = Time()
    clock = Clock(tmp_path / "clock", time)
    clock()
    time.now -= TOLERANCE
    assert clock() == time.now


def test_a_jump_back_is_refused_until_the_clock_is_right_again(tmp_path: Path) -> None:
    time = Time()
    clock = Clock(tmp_path / "clock", time)
    clock()
    time.now -= 86_400
    for _ in range(2):
        with pytest.raises(Unavailable, match="jumped back") as caught:
            clock()
        assert (caught.value.code, "Set it right" in caught.value.advice) == ("clock-jumped-back", True)
    time.now = NOON + 1
    assert clock() == time.now


def test_a_jump_is_seen_after_a_restart_too(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    Clock(file, Time())()
    with pytest.raises(Unavailable, match=r"it says 2026-09-20 .* and said 2026-09-21"):
        Clock(file, Time(NOON - 86_400))()
    file.write_text("no number")
    assert Clock(file, Time(NOON - 86_400))() == NOON - 86_400


def test_no_offer_is_signed_meanwhile(tmp_path: Path) -> None:
    ring, time = KeyRing(tmp_path / "vault"), Time()
    vault = Vault(ring, clock=Clock(tmp_path / "clock", time))

    def asked() -> SignOffer:
        return SignOffer(bytes(16), bytes(32), bytes(32), int(time.now) + 60)

    assert isinstance(vault.answer("vault-opener", asked()), Signature)
    time.now -= 3600
    with pytest.raises(Unavailable, match="jumped back"):
        vault.answer("vault-opener", asked())
    time.now += 3601
    assert isinstance(vault.answer("vault-opener", asked()), Signature)
    ring.close()


def test_doctor_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data=tmp_path)
    (tmp_path / "vault").mkdir(mode=0o700)
    Clock(tmp_path / "vault" / "clock", Time())()
    for now, status in ((NOON, Status.OK), (NOON - 3600, Status.MISSING)):
        monkeypatch.setattr("limen.hub.checks.time.time", Time(now))
        (found,) = [check for check in checks.check_hub(settings) if check.name == "time"]
        assert found.status is status
    assert "Searches are refused" in found.text


def test_time_is_noted_where_nobody_asks(tmp_path: Path) -> None:
    """The watch on tokens does, so that a hub without a search knows what it has seen."""
    time, file = Time(), tmp_path / "clock"
    clock = Clock(file, time)
    clock.tick()
    assert (clock.latest, noted(file)) == (NOON, NOON)
    time.now -= 86_400
    clock.tick()
    assert (clock.latest, noted(file)) == (NOON, NOON)
