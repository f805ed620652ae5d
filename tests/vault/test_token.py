"""Keys in a PKCS#11 token: they work, they leave with it, and they come back with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.vault.local import LocalVault
from tests.vault.softhsm import Tokens

from limen.errors import BadInput, Damaged, KeyUnavailable
from limen.settings import Settings
from limen.vault.opening import open_ring
from limen.vault.seal import Context, Use, epoch_of
from limen.vault.service import Vault
from limen.wire.messages import Countries, CountriesAsk

pytestmark = pytest.mark.softhsm

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[2])
import tests.vault.test_token as t
from pathlib import Path
getattr(t, sys.argv[1])(Path(sys.argv[3]))
"""


def apart(scenario, tmp_path: Path) -> None:
    """Run a scenario in a process of its own: a PKCS#11 module is loaded once a process, with one configuration."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, scenario.__name__, str(root), str(tmp_path)], capture_output=True, text=True
    )
    if "Skipped" in done.stderr:
        pytest.skip("SoftHSM 2 is not installed (Debian package softhsm2)")
    assert done.returncode == 0, done.stderr


def with_tokens(folder: Path) -> tuple[Tokens, Settings]:
    tokens = Tokens(folder / "hsm")
    pins = {name: tokens.add(name) for name in ("hub", "fra")}
    settings = Settings(
        data=folder / "hub",
        custody="token",
        pkcs11_module=tokens.module,
        pkcs11_token="hub",
        pkcs11_pin_file=str(pins["hub"]),
        pkcs11_countries=f"FRA=fra:{pins['fra']}",
    )
    return tokens, settings


def key_in_token(folder: Path) -> None:
    _, settings = with_tokens(folder)
    ring = open_ring(settings)
    keys = [ring.key(country, ring.epoch(country), Use.TEMPLATE) for country in ("FRA", "BIH")]
    identity = ring.identity
    assert [one.custody for one in ring.states()] == ["token", "token"]
    ring.close()
    assert not list((settings.data / "vault").glob("root*")), "nothing that opens the keys lies on the disk"
    again = open_ring(settings)
    assert [again.key(country, 1, Use.TEMPLATE) for country in ("FRA", "BIH")] == keys
    assert again.identity == identity
    again.rotate("FRA")
    again.revoke("FRA")
    with pytest.raises(KeyUnavailable, match="taken its key back"):
        again.key("FRA", 1, Use.TEMPLATE)
    again.restore("FRA")
    assert again.key("FRA", 1, Use.TEMPLATE) == keys[0]
    again._content["countries"]["FRA"]["data"]["1"] = again._content["countries"]["FRA"]["data"]["2"]
    again._forget("FRA")
    with pytest.raises(Damaged, match="does not open in its token"):
        again.key("FRA", 1, Use.TEMPLATE)
    again.close()


def token_pulled(folder: Path) -> None:
    tokens, settings = with_tokens(folder)
    own = Settings(**{**settings.__dict__, "custody": "file", "pkcs11_token": ""})
    ring = open_ring(own)
    key = ring.key("FRA", ring.epoch("FRA"), Use.TEMPLATE)
    ring.key("BIH", ring.epoch("BIH"), Use.TEMPLATE)
    tokens.pull()
    ring.watch()
    with pytest.raises(KeyUnavailable, match="token fra"):
        ring.key("FRA", 1, Use.TEMPLATE)
    assert {one.country: one.state for one in ring.states()} == {"BIH": "held", "FRA": "unavailable"}
    assert ring.key("BIH", 1, Use.TEMPLATE), "the others go on"
    tokens.put_in()
    ring.watch()
    assert ring.key("FRA", 1, Use.TEMPLATE) == key
    vault = Vault(ring)
    tokens.pull()
    ring.watch()
    assert vault.answer("vault-matcher", CountriesAsk()) == Countries(b"BIH\x01FRA\x00"), "by its own will"
    ring.close()
    again = open_ring(own)  # starts without the token, for the others
    again.watch()
    assert again.key("BIH", 1, Use.TEMPLATE)
    with pytest.raises(KeyUnavailable):
        again.key("FRA", 1, Use.TEMPLATE)
    again.close()


def hubs_own_token_pulled(folder: Path) -> None:
    """No country's will: whoever searches is not told `no-hit` for want of them all."""
    tokens, settings = with_tokens(folder)
    ring = open_ring(settings)
    ring.epoch("FRA"), ring.epoch("BIH")
    vault = Vault(ring)
    assert vault.answer("vault-matcher", CountriesAsk()) == Countries(b"BIH\x01FRA\x01")
    tokens.pull()
    ring.watch()
    assert vault.answer("vault-matcher", CountriesAsk()) == Countries(b"BIH\x02FRA\x00")
    assert {one.country: one.reason.split(" does")[0] for one in ring.states()} == {
        "BIH": "The token hub",
        "FRA": "The token fra",
    }
    tokens.put_in()
    ring.watch()
    assert vault.answer("vault-matcher", CountriesAsk()) == Countries(b"BIH\x01FRA\x01")
    ring.close()


def token_pulled_during_a_rotation(folder: Path) -> None:
    """Between the new epoch and the secrets, and again while records are sealed anew: run again, it goes on."""
    tokens, settings = with_tokens(folder)
    ring = open_ring(Settings(**{**settings.__dict__, "custody": "file", "pkcs11_token": ""}))
    vault = LocalVault(ring)
    contexts = [Context(Use.FIELDS, b"FRA", bytes([n]) * 16, bytes(16), 0, 0, b"", 9) for n in (1, 2)]
    blobs = [vault.seal(context, b"a name")[1] for context in contexts]
    secrets = ring._records["FRA"]
    rewrap = secrets.rewrap

    def pulled(epoch: int) -> int:
        tokens.pull()
        ring.watch()
        return rewrap(epoch)

    secrets.rewrap = pulled  # type: ignore[method-assign]
    with pytest.raises(KeyUnavailable, match="token fra"):
        ring.rotate("FRA")
    secrets.rewrap = rewrap  # type: ignore[method-assign]
    tokens.put_in()
    ring.watch()
    assert ring.epoch("FRA") == 2
    assert [vault.unseal(context, blob) for context, blob in zip(contexts, blobs, strict=True)] == [b"a name"] * 2
    blobs[0] = vault.reseal(contexts[0], blobs[0])[1]
    tokens.pull()
    ring.watch()
    with pytest.raises(KeyUnavailable, match="token fra"):
        vault.reseal(contexts[1], blobs[1])
    with pytest.raises(KeyUnavailable, match="token fra"):
        ring.retire("FRA", 1)
    tokens.put_in()
    ring.watch()
    blobs[1] = vault.reseal(contexts[1], blobs[1])[1]
    ring.retire("FRA", 1)
    assert [epoch_of(blob) for blob in blobs] == [2, 2]
    assert [vault.unseal(context, blob) for context, blob in zip(contexts, blobs, strict=True)] == [b"a name"] * 2
    ring.close()


def other_token(folder: Path) -> None:
    """A token of the same name without the key: nothing new is made in it, and that is said."""
    tokens, settings = with_tokens(folder)
    ring = open_ring(settings)
    ring.epoch("FRA")
    ring.close()
    (folder / "hsm" / "tokens").rename(folder / "hsm" / "first")
    (folder / "hsm" / "tokens").mkdir()
    tokens.add("hub"), tokens.add("fra")
    with pytest.raises(KeyUnavailable, match="has no key limen-root"):
        open_ring(settings)


def wrong_pin(folder: Path) -> None:
    _, settings = with_tokens(folder)
    open_ring(settings).close()
    pin = Path(settings.pkcs11_pin_file)
    pin.write_text("9999\n")
    with pytest.raises(KeyUnavailable, match=r"refuse[sd] its PIN"):
        open_ring(settings)
    pin.unlink()
    with pytest.raises(KeyUnavailable, match="cannot be read"):
        open_ring(settings)
    own = Settings(**{**settings.__dict__, "custody": "file", "pkcs11_token": "", "data": folder / "other"})
    ring = open_ring(own)
    ring.epoch("FRA")
    ring.close()
    (folder / "hsm" / "fra.pin").write_text("0000\n")
    ring = open_ring(own)
    for _ in range(5):
        ring.watch()
    (state,) = ring.states()
    assert "not asked again" in state.reason, "a token locks after a few wrong PINs"
    (folder / "hsm" / "fra.pin").write_text("1234\n")
    ring.watch()
    assert ring.key("FRA", 1, Use.TEMPLATE)
    ring.close()


@pytest.mark.parametrize(
    "scenario",
    [key_in_token, token_pulled, hubs_own_token_pulled, token_pulled_during_a_rotation, other_token, wrong_pin],
    ids=lambda one: one.__name__,
)
def test_with_softhsm(scenario, tmp_path: Path) -> None:
    apart(scenario, tmp_path)


def test_settings_that_do_not_fit_are_said(tmp_path: Path) -> None:
    for settings, match in (
        (Settings(data=tmp_path, custody="cloud"), "no custody 'cloud'"),
        (Settings(data=tmp_path, custody="token"), "needs pkcs11_module"),
        (Settings(data=tmp_path, pkcs11_countries="FRA=x"), "COUNTRY=LABEL:PINFILE"),
        (Settings(data=tmp_path, custody="token", pkcs11_module="/nowhere.so", pkcs11_token="t"), "cannot be"),
    ):
        with pytest.raises((BadInput, KeyUnavailable), match=match):
            open_ring(settings)
    assert [path.name for path in tmp_path.iterdir()] == ["vault"]
