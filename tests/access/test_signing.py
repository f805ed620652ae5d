"""Signed requests: what the hub takes, and what it must not."""

import time

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from limen.access import signing
from limen.access.signing import DEVICE, HttpSignature, content_digest, sign, verify
from limen.errors import BadInput, NotSignedIn

KEY = Ed25519PrivateKey.generate()
GATE = Ed25519PrivateKey.generate()
PUBLIC = {"BIH/officer1": KEY.public_key().public_bytes_raw(), "BIH/gate-3": GATE.public_key().public_bytes_raw()}
URL = "https://hub.example:8420/v1/searches?purpose=border-control"


def signed_request(body=b"{}", url=URL, method="POST", headers=None):
    request = httpx.Request(method, url, content=body, headers=headers)
    return next(HttpSignature(KEY, "BIH/officer1").auth_flow(request))


def check(request, url=URL, method=None, headers=None, **more):
    return verify(method or request.method, url, headers or request.headers, PUBLIC.get, **more)


def changed(request, **headers):
    return {**request.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}


def test_a_signed_request_says_who_signed_and_what_its_body_must_be():
    signed = check(signed_request(b'{"purpose": "alert"}'))
    assert signed.key_id == "BIH/officer1"
    assert time.time() < signed.expires < time.time() + 80
    body = signed.body()
    body.update(b'{"purpose": ')
    body.update(b'"alert"}')
    body.finish()


def test_each_request_has_its_own_nonce():
    assert check(signed_request()).nonce != check(signed_request()).nonce


def test_another_body_is_refused():
    body = check(signed_request(b"one")).body()
    body.update(b"two")
    with pytest.raises(NotSignedIn, match="not what was signed"):
        body.finish()


def test_a_body_of_a_request_that_was_signed_without_one_is_refused():
    body = check(signed_request(b"", method="GET")).body()
    body.finish()
    body.update(b"x")
    with pytest.raises(NotSignedIn, match="does not cover"):
        body.finish()


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"url": "https://hub.example:8420/v1/records?purpose=border-control"},
        {"url": "https://hub.example:8420/v1/searches?purpose=alert"},
        {"url": "https://other.example:8420/v1/searches?purpose=border-control"},
    ],
)
def test_a_signature_is_good_for_its_own_request_only(change):
    with pytest.raises(NotSignedIn, match="not good"):
        check(signed_request(), **change)


def test_another_digest_is_refused():
    request = signed_request()
    with pytest.raises(NotSignedIn, match="not good"):
        check(request, headers=changed(request, content_digest=content_digest(b"other")))


def test_a_body_must_be_covered():
    request = httpx.Request("POST", URL, content=b"{}")
    sign(request, KEY, "BIH/officer1")  # before there is a digest
    with pytest.raises(NotSignedIn, match="does not cover"):
        check(request)
    with pytest.raises(NotSignedIn, match="does not cover"):
        check(request, headers=changed(request, content_digest=content_digest(b"{}")))


def test_an_old_signature_is_refused(monkeypatch):
    now = time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now - 66)
    old = signed_request()
    monkeypatch.setattr(signing.time, "time", lambda: now + 30)
    early = signed_request()
    monkeypatch.undo()
    for request in (old, early):
        with pytest.raises(NotSignedIn, match="clock"):
            check(request)


def test_an_unknown_key_and_a_wrong_key_are_refused_alike():
    unknown, wrong = httpx.Request("GET", URL), httpx.Request("GET", URL)
    sign(unknown, KEY, "BIH/nobody")
    sign(wrong, GATE, "BIH/officer1")
    messages = set()
    for request in (unknown, wrong):
        with pytest.raises(NotSignedIn) as caught:
            check(request)
        messages.add(str(caught.value))
    assert len(messages) == 1


def test_an_unsigned_request_is_refused():
    with pytest.raises(NotSignedIn, match="not signed"):
        check(httpx.Request("GET", URL))


def test_officer_and_device_sign_the_same_request():
    request = signed_request()
    sign(request, GATE, "BIH/gate-3", tag=DEVICE)
    assert check(request).key_id == "BIH/officer1"
    assert check(request, tag=DEVICE).key_id == "BIH/gate-3"


def test_a_device_is_no_officer():
    request = httpx.Request("GET", URL)
    sign(request, GATE, "BIH/gate-3", tag=DEVICE)
    with pytest.raises(NotSignedIn):
        check(request)


def test_signing_again_replaces_the_signature():
    request = signed_request()
    first = check(request).nonce
    sign(request, KEY, "BIH/officer1")
    assert check(request).nonce != first


def test_a_streamed_body_needs_its_digest_first():
    def stream():
        yield b"ab"

    flow = HttpSignature(KEY, "BIH/officer1").auth_flow(httpx.Request("POST", URL, content=stream()))
    with pytest.raises(BadInput, match="Content-Digest"):
        next(flow)
    headers = {"content-digest": content_digest(b"ab")}
    request = signed_request(stream(), headers=headers)
    assert check(request).digest is not None


@pytest.mark.parametrize("key_id", ["officer1", "bih/officer1", "BIH/../x", "BIH/", "BIH/a b", "BIH/" + "x" * 65])
def test_names_of_officers_are_well_formed(key_id):
    with pytest.raises(BadInput):
        HttpSignature(KEY, key_id)


def test_over_httpx_a_client_signs_by_itself():
    seen = []

    def front(request):
        signed = verify(request.method, str(request.url), request.headers, PUBLIC.get)
        body = signed.body()
        body.update(request.read())
        body.finish()
        seen.append(signed.key_id)
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(front), auth=HttpSignature(KEY, "BIH/officer1")) as client:
        client.get("http://hub.example/v1/searches/1")
        client.post("http://hub.example/v1/searches", json={"purpose": "alert"})
    assert seen == ["BIH/officer1"] * 2


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["signature-input", "signature", "content-digest"]), st.text(max_size=60), st.integers(0, 300))
def test_any_other_header_is_refused_not_crashed_upon(name, junk, place):
    request = signed_request()
    value = request.headers[name]
    place %= len(value)
    spoiled = value[:place] + junk + value[place + 1 :]
    if spoiled.strip(" \t") == value:
        return
    try:
        signed = check(request, headers=changed(request, **{name.replace("-", "_"): spoiled}))
    except NotSignedIn:
        return
    assert signed == check(request)  # an equivalent spelling of the same signature
