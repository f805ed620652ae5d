"""Template keys: asked for by the page, given up when a country takes its key back, missed when it was not there."""

from __future__ import annotations

import pytest

from limen.errors import KeyUnavailable, Unavailable
from limen.matcher.keys import Keys

RECORDS = [bytes([n]) * 16 for n in range(1, 9)]


class Vault:
    """Stands where `VaultClient` does."""

    def __init__(self, *countries: str) -> None:
        self.held, self.asked, self.up, self.closed = set(countries), 0, True, 0
        self.gone = 0  # how: by the country's will

    def template_keys(self, country: str, epoch: int, record: bytes, count: int) -> dict[bytes, bytes]:
        self._answer()
        self.asked += 1
        if country not in self.held or record not in RECORDS:
            raise KeyUnavailable("There is no key.")
        first = RECORDS.index(record)
        return {one: f"{country}{epoch}".encode().ljust(16, b".") + one for one in RECORDS[first : first + count]}

    def countries(self) -> dict[str, bool]:
        return {country: how == 1 for country, how in self.reachable().items()}

    def reachable(self) -> dict[str, int]:
        self._answer()
        return {country: self.gone if country not in self.held else 1 for country in ("FRA", "DEU")}

    def _answer(self) -> None:
        if not self.up:
            raise Unavailable("The vault does not answer.")

    def close(self) -> None:
        self.closed += 1


def test_while_loading_keys_come_by_the_page() -> None:
    vault = Vault("FRA")
    keys = Keys(lambda: vault)
    found = {keys.key("FRA", 1, record) for record in RECORDS}
    assert (len(found), vault.asked) == (8, 1)
    assert keys.key("FRA", 2, RECORDS[0]) not in found


def test_once_loaded_no_key_is_kept_and_the_next_come_singly() -> None:
    vault = Vault("FRA")
    keys = Keys(lambda: vault)
    keys.key("FRA", 1, RECORDS[0])
    keys.done()
    keys.ahead = False  # of a small batch
    keys.key("FRA", 1, RECORDS[0]), keys.key("FRA", 1, RECORDS[1])
    assert vault.asked == 3


def test_a_shredded_record_does_not_make_its_country_missing() -> None:
    keys = Keys(lambda: Vault("FRA"))
    with pytest.raises(KeyUnavailable):
        keys.key("FRA", 1, b"x" * 16)
    assert not keys.missing


def test_a_country_that_takes_its_key_back_is_named_once_and_noticed_when_it_is_back() -> None:
    vault = Vault("FRA", "DEU")
    keys = Keys(lambda: vault)
    for country, epoch in (("FRA", 1), ("FRA", 2), ("DEU", 1)):
        keys.key(country, epoch, RECORDS[0])
    assert keys.recheck() == (set(), set(), set())
    vault.held.remove("FRA")
    assert keys.recheck() == ({"FRA"}, set(), set())
    assert keys.recheck() == (set(), set(), set())
    with pytest.raises(KeyUnavailable):
        keys.key("FRA", 1, RECORDS[0])
    vault.held.add("FRA")
    assert keys.recheck() == (set(), {"FRA"}, set())
    assert keys.recheck() == (set(), set(), set())


def test_a_key_that_comes_for_the_first_time_is_noticed() -> None:
    vault = Vault()
    keys = Keys(lambda: vault)
    with pytest.raises(KeyUnavailable):
        keys.key("FRA", 1, RECORDS[0])
    assert keys.recheck() == (set(), set(), set())
    vault.held.add("FRA")
    assert keys.recheck() == (set(), {"FRA"}, set())
    assert keys.key("FRA", 1, RECORDS[0])


def test_a_restarting_vault_loses_nothing_and_is_connected_anew() -> None:
    vault, connected = Vault("FRA"), []
    keys = Keys(lambda: connected.append(1) or vault)  # type: ignore[func-returns-value]
    key = keys.key("FRA", 1, RECORDS[0])
    vault.up = False
    with pytest.raises(Unavailable):
        keys.recheck()
    vault.up = True
    assert keys.recheck() == (set(), set(), set())
    assert keys.key("FRA", 1, RECORDS[0]) == key
    assert (len(connected), vault.closed) == (2, 1)


def test_what_only_the_hub_cannot_open_leaves_the_gallery_in_pieces() -> None:
    """A country that took its key back is not searched; one whose key the hub's own custody lost should be."""
    vault = Vault("DEU")
    keys = Keys(lambda: vault)
    keys.recheck()
    assert not keys.failing, "France took its key back"
    vault.gone = 2
    keys.recheck()
    assert keys.failing
    vault.held.add("FRA")
    assert keys.recheck().owed == set(), "it was never asked for"
    assert not keys.failing


def test_what_the_hub_lost_is_owed_and_what_a_country_took_is_not() -> None:
    vault = Vault("FRA", "DEU")
    keys = Keys(lambda: vault)
    for gone, owed in ((0, set()), (2, {"FRA"})):
        keys.key("FRA", 1, RECORDS[0])
        vault.gone = gone
        vault.held.remove("FRA")
        assert keys.recheck().lost == {"FRA"}
        vault.held.add("FRA")
        assert keys.recheck() == (set(), {"FRA"}, owed)
