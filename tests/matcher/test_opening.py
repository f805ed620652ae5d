"""Template keys: asked for once, given up when a country takes its key back, missed when it was never there."""

from __future__ import annotations

import pytest

from limen.errors import KeyUnavailable, Unavailable
from limen.matcher.opening import Keys


class Vault:
    """Stands where `VaultClient` does."""

    def __init__(self, *countries: str) -> None:
        self.countries, self.asked, self.up, self.closed = set(countries), 0, True, 0

    def template_key(self, country: str, epoch: int) -> bytes:
        self.asked += 1
        if not self.up:
            raise Unavailable("The vault does not answer.")
        if country not in self.countries:
            raise KeyUnavailable("There is no key.")
        return f"{country}{epoch}".encode().ljust(32, b".")

    def close(self) -> None:
        self.closed += 1


def test_a_key_is_asked_for_once() -> None:
    vault = Vault("FRA")
    keys = Keys(lambda: vault)
    assert keys.key("FRA", 1) == keys.key("FRA", 1)
    assert keys.key("FRA", 2) != keys.key("FRA", 1)
    assert vault.asked == 2


def test_a_country_that_takes_its_key_back_is_named_once() -> None:
    vault = Vault("FRA", "DEU")
    keys = Keys(lambda: vault)
    for country, epoch in (("FRA", 1), ("FRA", 2), ("DEU", 1)):
        keys.key(country, epoch)
    assert keys.recheck() == (set(), False)
    vault.countries.remove("FRA")
    assert keys.recheck() == ({"FRA"}, False)
    assert keys.recheck() == (set(), False)
    with pytest.raises(KeyUnavailable):
        keys.key("FRA", 1)


def test_a_key_that_comes_back_is_noticed() -> None:
    vault = Vault()
    keys = Keys(lambda: vault)
    with pytest.raises(KeyUnavailable):
        keys.key("FRA", 1)
    assert keys.recheck() == (set(), False)
    vault.countries.add("FRA")
    assert keys.recheck() == (set(), True)
    assert keys.recheck() == (set(), False)
    assert keys.key("FRA", 1)


def test_a_restarting_vault_loses_no_key_and_is_connected_anew() -> None:
    vault, connected = Vault("FRA"), []
    keys = Keys(lambda: connected.append(1) or vault)  # type: ignore[func-returns-value]
    key = keys.key("FRA", 1)
    vault.up = False
    with pytest.raises(Unavailable):
        keys.recheck()
    vault.up = True
    assert keys.recheck() == (set(), False)
    assert keys.key("FRA", 1) == key
    assert (len(connected), vault.closed) == (2, 1)
