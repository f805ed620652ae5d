"""A provider that lies, is copied, turns its keys over or never stops talking: nobody signs in who should not."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from tests.front.house import House, tell

from limen.access import directory, providers

CLIENT = "limen"
Claims = dict[str, Any]


class Provider:
    """A provider whose answers are all up to the test. `say` makes the ID token of good claims."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "one"})
        self.published = [self.key]
        self.say: Callable[[Claims], str] = self.signed
        self.document: dict[str, Any] = {}
        self.raw: Callable[[BaseHTTPRequestHandler], None] | None = None  # for the address of tokens
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                where = self.path.rsplit("/", 1)[1]
                self._say({"jwks": provider.jwks, "openid-configuration": provider.described}[where]())

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                if provider.raw is not None:
                    provider.raw(self)
                else:
                    self._say({"token_type": "Bearer", "access_token": "x", "id_token": provider.say(provider.good())})

            def _say(self, what: object) -> None:
                body = json.dumps(what).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.nonce = ""

    def described(self) -> dict[str, Any]:
        own = {name: f"{self.issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint")}
        return {"issuer": self.issuer, **own, "jwks_uri": f"{self.issuer}/jwks", **self.document}

    def jwks(self) -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False) for key in self.published]}

    def good(self) -> Claims:
        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT, "sub": "amra", "nonce": self.nonce}
        return {**said, "iat": now, "exp": now + 300}

    def signed(self, claims: Claims, key: Any = None, **header: str) -> str:
        return jwt.encode({"alg": "ES256", "kid": "one", **header}, claims, key or self.key)


@pytest.fixture
def provider() -> Iterator[Provider]:
    found = Provider()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()


async def tried(house: House, provider: Provider) -> int:
    """Status of a sign-in at the provider as it is now; whoever got in has a session."""
    async with house.stranger() as browser:
        away = await browser.get("/sign-in/BIH")
        if away.status_code != 303:
            return away.status_code
        asked = parse_qs(urlsplit(away.headers["location"]).query)
        provider.nonce = asked["nonce"][0]
        back = await browser.get(f"/sign-in/provider/back?state={asked['state'][0]}&code=any")
        searches = (await browser.get("/search")).status_code
        assert searches == (200 if back.status_code == 200 else 303)
        return back.status_code


def named(house: House, provider: Provider) -> None:
    with house.database.writing() as session:
        providers.set_provider(session, "BIH", provider.issuer, CLIENT, None)
        officer = directory.find_officer(session, "BIH/officer1")
        assert officer is not None
        providers.name(session, officer, "amra")


def unsigned(claims: Claims) -> str:
    head, body = (base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in ({"alg": "none"}, claims))
    return f"{head.decode()}.{body.decode()}."


def test_what_a_provider_must_not_say_signs_nobody_in(tmp_path: Path, provider: Provider) -> None:
    def with_claims(**changed: Any) -> Callable[[Claims], str]:
        return lambda good: provider.signed({k: v for k, v in {**good, **changed}.items() if v is not None})

    now = int(time.time())
    other = ECKey.generate_key("P-256", {"kid": "one"})
    rsa = RSAKey.generate_key(2048)
    public = OctKey.import_key(json.dumps(provider.key.as_dict(private=False)))
    lies: dict[str, Callable[[Claims], str]] = {
        "another issuer": with_claims(iss="https://login.example"),
        "no issuer": with_claims(iss=None),
        "another client": with_claims(aud="another-client"),
        "no client": with_claims(aud=None),
        "several clients, and not for us": with_claims(aud=[CLIENT, "another"], azp="another"),
        "several clients, and for nobody": with_claims(aud=[CLIENT, "another"]),
        "another sign-in": with_claims(nonce="x" * 32),
        "no sign-in": with_claims(nonce=None),
        "over": with_claims(iat=now - 7200, exp=now - 3600),
        "without end": with_claims(exp=None),
        "not yet": with_claims(nbf=now + 3600),
        "from tomorrow": with_claims(iat=now + 86_400, exp=now + 90_000),
        "nobody": with_claims(sub=None),
        "somebody who was not named": with_claims(sub="somebody"),
        "no signature": unsigned,
        "another key": lambda good: provider.signed(good, other),
        "another key of another name": lambda good: provider.signed(good, other, kid="two"),
        "a key of another kind": lambda good: jwt.encode({"alg": "RS256", "kid": "one"}, good, rsa),
        "the public key as a secret": lambda good: jwt.encode({"alg": "HS256", "kid": "one"}, good, public),
        "nonsense": lambda good: "a.b.c",
        "nothing": lambda good: "",
    }

    async def story(house: House) -> None:
        await asyncio.to_thread(named, house, provider)
        for what, say in lies.items():
            provider.say = say
            assert await tried(house, provider) == 401, what
        provider.say = provider.signed  # and that it was the lie each time
        assert await tried(house, provider) == 200

    tell(tmp_path, story)


def test_keys_turn_over_and_old_ones_are_worth_nothing(tmp_path: Path, provider: Provider) -> None:
    async def story(house: House) -> None:
        await asyncio.to_thread(named, house, provider)
        assert await tried(house, provider) == 200
        old, new = provider.key, ECKey.generate_key("P-256", {"kid": "two"})
        provider.published = [old, new]
        provider.say = lambda good: provider.signed(good, new, kid="two")
        assert await tried(house, provider) == 200  # at once: keys are read at each sign-in
        provider.published = [new]
        assert await tried(house, provider) == 200
        provider.say = lambda good: provider.signed(good, old)
        assert await tried(house, provider) == 401

    tell(tmp_path, story)


def test_a_provider_that_describes_another_or_sends_elsewhere_is_not_followed(
    tmp_path: Path, provider: Provider
) -> None:
    def elsewhere(request: BaseHTTPRequestHandler) -> None:
        request.send_response(307)
        request.send_header("location", f"{provider.issuer}/elsewhere")
        request.send_header("content-length", "0")
        request.end_headers()

    async def story(house: House) -> None:
        await asyncio.to_thread(named, house, provider)
        for lie in ({"issuer": "https://login.example"}, {"issuer": None}, {"jwks_uri": 7}):
            provider.document = lie
            assert await tried(house, provider) == 503, lie
        provider.document, provider.raw = {}, elsewhere
        assert await tried(house, provider) == 401

    tell(tmp_path, story)


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_a_provider_that_never_stops_is_cut_off(
    tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """At once, where it says too much; after a while, where it drips."""
    sent, gone = 0, threading.Event()
    monkeypatch.setattr(providers, "ANSWER_SECONDS", 1.0 if seconds else 600.0)

    def endless(request: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        request.send_response(200)
        request.end_headers()
        try:
            while sent < 256 << 20:
                request.wfile.write(b" " * (8 if seconds else 1 << 16))
                sent += 8 if seconds else 1 << 16
                time.sleep(seconds)
        except OSError:
            gone.set()

    async def story(house: House) -> None:
        await asyncio.to_thread(named, house, provider)
        provider.raw = endless
        assert await tried(house, provider) == 401
        assert await asyncio.to_thread(gone.wait, 60)
        assert sent < 64 << 20  # what sockets hold, and no more

    tell(tmp_path, story)
