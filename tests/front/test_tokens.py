"""Tokens bound to a key (RFC 9449): got with the registered key, used with their own, once a proof, and revoked."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey
from tests.front.house import BASE, House, tell

from limen.access import directory, sessions
from limen.access.dpop import ASSERTION_TYPE

TOKEN, SEARCHES = f"{BASE}/v1/token", f"{BASE}/v1/searches"
PURPOSE = {"purpose": "border-control"}


def proof(key: ECKey | OKPKey, method: str, url: str, token: str = "", **more: Any) -> str:
    """A DPoP proof, with anything in it changed."""
    algorithm = "ES256" if isinstance(key, ECKey) else "Ed25519"
    header = {"typ": "dpop+jwt", "alg": algorithm, "jwk": key.as_dict(private=False)} | more.pop("header", {})
    claims = {"jti": secrets.token_urlsafe(12), "htm": method, "htu": url, "iat": int(time.time())}
    if token:
        digest = hashlib.sha256(token.encode()).digest()
        claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return jwt.encode(header, claims | more, key, algorithms=["ES256", "Ed25519"])


def assertion(house: House, name: str = "BIH/officer1", *, signer: str = "", **more: Any) -> str:
    """What the officer's registered key says."""
    pem = house.keys[signer or name].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    claims = {"iss": name, "sub": name, "aud": TOKEN, "exp": int(time.time()) + 120, "jti": secrets.token_urlsafe(12)}
    return jwt.encode({"alg": "Ed25519"}, claims | more, OKPKey.import_key(pem), algorithms=["Ed25519"])


async def ask(client: httpx.AsyncClient, said: str, shown: str, **more: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": said}
    return await client.post("/v1/token", data=form | more, headers={"dpop": shown})


async def search(client: httpx.AsyncClient, token: str, shown: str) -> httpx.Response:
    return await client.post("/v1/searches", json=PURPOSE, headers={"authorization": f"DPoP {token}", "dpop": shown})


@pytest.mark.parametrize("kind", ["EC", "OKP"])
def test_a_machine_gets_a_token_and_searches_with_it(tmp_path: Path, kind: str) -> None:
    async def story(house: House) -> None:
        key = ECKey.generate_key("P-256") if kind == "EC" else OKPKey.generate_key("Ed25519")
        async with house.stranger() as client:
            answer = await ask(client, assertion(house), proof(key, "POST", TOKEN))
            assert answer.status_code == 200, answer.text
            assert answer.json()["token_type"] == "DPoP" and answer.headers["cache-control"] == "no-store"
            token = answer.json()["access_token"]
            assert (await search(client, token, proof(key, "POST", SEARCHES, token))).status_code == 201
            with house.database.writing() as session:
                officer = directory.find_officer(session, "BIH/officer1")
                assert officer is not None and sessions.revoke(session, officer) == 1
            assert (await search(client, token, proof(key, "POST", SEARCHES, token))).status_code == 401

    tell(tmp_path, story)


def test_a_stolen_token_or_proof_is_worth_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        key, other, late = ECKey.generate_key("P-256"), ECKey.generate_key("P-256"), int(time.time()) - 120
        async with house.stranger() as client:
            token = (await ask(client, assertion(house), proof(key, "POST", TOKEN))).json()["access_token"]
            good = proof(key, "POST", SEARCHES, token)
            assert (await search(client, token, good)).status_code == 201
            for shown in (
                good,  # once more
                "",
                "rubbish",
                proof(other, "POST", SEARCHES, token),
                proof(key, "GET", SEARCHES, token),
                proof(key, "POST", TOKEN, token),
                proof(key, "POST", SEARCHES),
                proof(key, "POST", SEARCHES, "another token"),
                proof(key, "POST", SEARCHES, token, iat=late),
                proof(key, "POST", SEARCHES, token, iat=late + 500),
                proof(key, "POST", SEARCHES, token, header={"typ": "JWT"}),
                proof(key, "POST", SEARCHES, token, header={"jwk": key.as_dict(private=True)}),
                proof(key, "POST", SEARCHES, token, header={"jwk": {"kty": "oct", "k": "AA"}}),
            ):
                assert (await search(client, token, shown)).status_code == 401, shown
            for scheme in ("Bearer", "Basic", "DPoP x"):
                headers = {"authorization": f"{scheme} {token}", "dpop": proof(key, "POST", SEARCHES, token)}
                assert (await client.post("/v1/searches", json=PURPOSE, headers=headers)).status_code == 401

    tell(tmp_path, story)


def test_only_the_registered_key_gets_a_token(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        key, now = OKPKey.generate_key("Ed25519"), int(time.time())
        async with house.stranger() as client:
            used = assertion(house)
            assert (await ask(client, used, proof(key, "POST", TOKEN))).status_code == 200
            for said in (
                used,
                "rubbish",
                assertion(house, signer="BIH/officer2"),
                assertion(house, iss="BIH/officer2"),
                assertion(house, aud="https://elsewhere.example/v1/token"),
                assertion(house, exp=now - 60),
                assertion(house, exp=now + 3600),
                assertion(house, jti=""),
                assertion(house, sub="BIH/nobody"),
            ):
                refused = await ask(client, said, proof(key, "POST", TOKEN))
                assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client"), said
            no_proof = await ask(client, assertion(house), "")
            assert (no_proof.status_code, no_proof.json()["error"]) == (400, "invalid_dpop_proof")
            for form in ({"grant_type": "password"}, {"client_assertion_type": "x"}):
                assert (await ask(client, assertion(house), proof(key, "POST", TOKEN), **form)).status_code == 400
            for body in (b"", b"\xff", b"a=1&a=2", b"x" * 10_000):
                assert (await client.post("/v1/token", content=body)).status_code == 400

    tell(tmp_path, story)
