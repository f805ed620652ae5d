"""How many records a front may have opened: as many as honest hits need, counted by the vault."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from limen.errors import Refused
from limen.vault.keys import KeyRing
from limen.vault.meter import HOUR, KEEP_SECONDS, MINUTE, TOLD_SECONDS, Kept, Meter
from limen.vault.seal import NOBODY, Context, Use
from limen.vault.service import Vault
from limen.wire.messages import Refusals, RefusalsAsk, Seal, Sealed, Unseal, Unsealed


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def admitted(meter: Meter, records: list[bytes]) -> int:
    """How many of these are opened, one after the other."""
    count = 0
    for record in records:
        try:
            meter.admit(record)
            count += 1
        except Refused:
            pass
    return count


def ids(count: int) -> list[bytes]:
    return [os.urandom(16) for _ in range(count)]


def test_an_hour_has_its_limit_and_so_has_a_minute() -> None:
    clock = Clock()
    meter = Meter(1000, clock=clock)
    assert admitted(meter, ids(1000)) == 250
    for _ in range(4):
        clock.now += MINUTE + 1
        admitted(meter, ids(1000))
    assert meter.state() == {"opened": 1000, "per_hour": 1000, "refused": 4000}
    clock.now += HOUR
    assert meter.state()["opened"] == 0
    assert admitted(meter, ids(10)) == 10


def test_a_record_counts_once_an_hour_however_often_it_is_looked_at() -> None:
    meter = Meter(2, clock=Clock())
    one, other, third = ids(3)
    assert admitted(meter, [one, other, one, one, other]) == 5
    assert admitted(meter, [third]) == 0
    assert admitted(meter, [one]) == 1, "who is shown now is shown on"


def test_looking_again_does_not_keep_a_record_counted_for_ever() -> None:
    clock = Clock()
    meter = Meter(1, clock=clock)
    one, other = ids(2)
    for _ in range(7):
        assert admitted(meter, [one]) == 1
        clock.now += HOUR / 6
    assert admitted(meter, [other]) in (0, 1)
    clock.now += HOUR + 1
    assert admitted(meter, [other]) == 1


def test_measurements_are_counted_and_not_refused() -> None:
    meter = Meter(1, refuse=False, clock=Clock())
    assert admitted(meter, ids(5)) == 5
    assert meter.state()["refused"] == 4


def test_the_vault_counts_for_the_front_and_not_for_commands(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "vault")
    vault = Vault(ring, meter=Meter(2, clock=Clock()))

    def sealed(record: bytes) -> Unseal:
        context = Context(Use.FIELDS, b"FRA", record, bytes(16), 0, 0, b"", 0)
        bound = (context.use, context.country, record, context.sample, 0, 0, b"", 0)
        answer = vault.answer("vault-front", Seal(*bound, b"a name"))
        assert isinstance(answer, Sealed)
        return Unseal(*bound, answer.tail)

    asked = [sealed(record) for record in ids(3)]
    for request in asked[:2]:
        assert isinstance(vault.answer("vault-front", request, front=True), Unsealed)
    with pytest.raises(Refused, match="More records"):
        vault.answer("vault-front", asked[2], front=True)
    assert isinstance(vault.answer("vault-front", asked[2]), Unsealed), "a command of the operator's"
    assert vault.answer("vault-front", RefusalsAsk()) == Refusals(b"FRA" + (1).to_bytes(8, "little"))
    for _ in range(3):
        assert isinstance(vault.answer("vault-front", sealed(NOBODY), front=True), Unsealed), "no record's"
    ring.close()


def test_a_restart_of_the_vault_gives_no_new_hour(tmp_path: Path) -> None:
    """Nor do the machine's own, with a monotonic clock that begins anew, or a clock that was set back meanwhile."""
    kept, clock, wall = Kept(tmp_path / "opened", bytes(32)), Clock(), Clock()
    meter = Meter(2, keep=kept, clock=clock, wall=wall)
    one, other, third = ids(3)
    assert admitted(meter, [one, other]) == 2
    with pytest.raises(Refused):
        meter.admit(third, "FRA")
    meter.close()
    for elapsed, room in ((60.0, 0), (-86_400.0, 0), (HOUR - 1, 0), (HOUR + 1, 2)):
        later = Clock()
        later.now = wall.now + elapsed
        again = Meter(2, keep=kept, clock=Clock(), wall=later)
        assert admitted(again, ids(3)) == room
        assert again.refusals()["FRA"] == 1
    content = (tmp_path / "opened").read_bytes()
    assert one not in content and b"FRA" not in content, "whose records were looked at is nobody's business"
    assert (tmp_path / "opened").stat().st_mode & 0o077 == 0


def test_a_vault_that_is_killed_has_kept_all_but_the_last_seconds(tmp_path: Path) -> None:
    kept, clock = Kept(tmp_path / "opened", bytes(32)), Clock()
    meter = Meter(1000, keep=kept, clock=clock, wall=clock)
    for record in ids(5):
        meter.admit(record)
        clock.now += KEEP_SECONDS + 0.1
    assert Meter(1000, keep=kept, clock=clock, wall=clock).state()["opened"] == 5


def test_a_count_that_was_tampered_with_begins_anew_and_is_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Kept(tmp_path / "opened", bytes(32))
    meter = Meter(2, keep=kept, clock=Clock())
    admitted(meter, ids(2))
    meter.close()
    content = bytearray((tmp_path / "opened").read_bytes())
    content[-1] ^= 1
    (tmp_path / "opened").write_bytes(content)
    assert Meter(2, keep=kept, clock=Clock()).state()["opened"] == 0
    assert "damaged" in capsys.readouterr().out


def test_refusals_are_told_for_a_day_after_the_last() -> None:
    clock = Clock()
    meter = Meter(1, clock=clock)
    meter.admit(ids(1)[0], "FRA")
    for owner in ("FRA", "BIH", "FRA"):
        with pytest.raises(Refused):
            meter.admit(ids(1)[0], owner)
    assert meter.refusals() == {"FRA": 2, "BIH": 1}
    clock.now += TOLD_SECONDS + 1
    assert meter.refusals() == {}


def test_a_full_disk_does_not_stop_the_count(tmp_path: Path) -> None:
    meter = Meter(2, keep=Kept(tmp_path / "gone" / "opened", bytes(32)), clock=Clock())
    assert admitted(meter, ids(3)) == 2
    meter.close()
