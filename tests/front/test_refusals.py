"""Refused sign-ins are on record, of every way, without anybody's name; and strangers cannot fill the record."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.front.house import BASE, House, tell

from limen.access.signing import HttpSignature
from limen.errors import BadInput, NotSignedIn
from limen.front.refusals import AT_ONCE, EVERY, Refusals, Way
from limen.ledger import note
from limen.ledger.entry import Entry, Kind
from limen.ledger.tiles import Folder

OWN = {"origin": BASE}
CREDENTIAL = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {}}


def on_record(house: House) -> list[Entry]:
    folder = house.settings.data / "ledger"
    if not (folder / "checkpoint").exists():
        return []
    size = note.parse(note.split((folder / "checkpoint").read_bytes())[0]).size
    lines = [Entry.unpack(line) for line in Folder(folder).bundle(0, size)]
    return [line for line in lines if line.kind is Kind.SIGN_IN_REFUSED]


async def used_link(house: House, client: httpx.AsyncClient) -> int:
    link = f"/enter/{house.invite()}"
    assert (await client.post(link, headers=OWN)).status_code == 303
    return (await client.post(link, headers=OWN)).status_code


async def link_without_passkey(house: House, client: httpx.AsyncClient) -> int:
    return (await client.post("/enter/made-up/options", headers=OWN)).status_code


async def wrong_passkey(house: House, client: httpx.AsyncClient) -> int:
    return (await client.post("/sign-in", json={"credential": CREDENTIAL}, headers=OWN)).status_code


async def wrong_assertion(house: House, client: httpx.AsyncClient) -> int:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "not.a.jwt",
    }
    return (await client.post("/v1/token", data=form, headers={"dpop": "neither"})).status_code


async def made_up_token(house: House, client: httpx.AsyncClient) -> int:
    return (await client.get("/v1/hits", headers={"authorization": "DPoP made-up"})).status_code


async def somebody_elses_key(house: House, client: httpx.AsyncClient) -> int:
    signer = HttpSignature(Ed25519PrivateKey.generate(), "BIH/officer1")
    return (await client.get("/v1/hits", auth=signer)).status_code


async def no_such_provider_sign_in(house: House, client: httpx.AsyncClient) -> int:
    return (await client.get("/sign-in/provider/back?state=made-up&code=x")).status_code


@pytest.mark.parametrize(
    "refused",
    [
        used_link,
        link_without_passkey,
        wrong_passkey,
        wrong_assertion,
        made_up_token,
        somebody_elses_key,
        no_such_provider_sign_in,
    ],
)
def test_a_refused_sign_in_is_on_record_without_a_name(tmp_path: Path, refused) -> None:  # type: ignore[no-untyped-def]
    async def story(house: House) -> None:
        async with house.stranger() as client:
            assert await refused(house, client) in (400, 401)
        while not (found := on_record(house)):
            await asyncio.sleep(0.02)
        [entry] = found
        assert entry.who == b"" and entry.purpose is None and entry.answer is None

    tell(tmp_path, story)


def test_whoever_asks_without_signing_in_is_no_refused_sign_in(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.stranger() as client, house.signed() as officer:
            assert (await client.get("/v1/hits")).status_code == 401
            assert (await client.get("/nowhere")).status_code == 401
            await officer.post("/v1/searches", json={"purpose": "border-control"})  # its entry comes after any other
        assert on_record(house) == []

    tell(tmp_path, story)


def test_a_flood_is_on_record_as_far_as_the_allowance_goes_and_hides_no_other_way() -> None:
    written: list[Entry] = []
    now = [1000.0]
    refusals = Refusals(written.append, lambda: now[0])
    for _ in range(10 * AT_ONCE):
        refusals.refused(Way.SIGNATURE)
    assert len(written) == AT_ONCE
    refusals.refused(Way.PASSKEY)
    assert len(written) == AT_ONCE + 1
    for _ in range(60):  # an hour of it, ten a minute
        for _ in range(10):
            now[0] += EVERY / 10
            refusals.refused(Way.SIGNATURE)
    assert AT_ONCE + 60 <= len(written) <= AT_ONCE + 62
    assert Counter(entry.kind for entry in written) == {Kind.SIGN_IN_REFUSED: len(written)}
    assert len({entry.id for entry in written}) == len(written)


def test_only_refusals_are_refused_sign_ins() -> None:
    written: list[Entry] = []
    refusals = Refusals(written.append)
    with pytest.raises(NotSignedIn), refusals.of(Way.LINK):
        raise NotSignedIn("This link was used already.")
    with pytest.raises(BadInput), refusals.of(Way.LINK):
        raise BadInput("The request is too large.")
    assert len(written) == 1
