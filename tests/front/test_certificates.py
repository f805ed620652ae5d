"""Machines that show a TLS client certificate: exactly those that are registered, and nobody by way of a browser."""

from __future__ import annotations

import contextlib
import datetime
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from tests.front.house import House
from tests.front.listening import Listening, listening

from limen.access import certificates, directory, watch
from limen.errors import BadInput, NotFound, NotSignedIn
from limen.front import clients, tls
from limen.records.tables import Officer
from limen.settings import Settings

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
WEEK = datetime.timedelta(days=7)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def made(folder: Path, name: str, *, key: Key | None = None, by: Key | None = None, age: int = 0) -> Path:
    """A certificate with its key in one PEM file, self-signed unless by an authority's key."""
    key, began = key or ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC) - age * WEEK
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(began).not_valid_after(began + WEEK)
    authority = x509.BasicConstraints(ca=by is None, path_length=None)  # as `openssl req -x509` makes them
    signed = builder.add_extension(authority, critical=True).sign(by or key, hashes.SHA256())
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / f"{name}.pem"
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + secret)
    return file


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    """A front that asks for client certificates."""
    before, clients.REFRESH_SECONDS = clients.REFRESH_SECONDS, 0.05
    folder = tmp_path_factory.mktemp("m")
    with listening(folder, tls="on", client_certificates=True) as running:
        yield running
    clients.REFRESH_SECONDS = before


def client(served: Listening, certificate: Path | None) -> httpx.Client:
    context = ssl.create_default_context(cafile=str(served.house.settings.data / "tls" / "ca.pem"))
    if certificate is not None:
        context.load_cert_chain(certificate)
    return httpx.Client(base_url=served.url, verify=context, timeout=60)


def register(house: House, file: Path, name: str = "BIH/officer1") -> bytes:
    der = certificates.read(file)
    with house.database.writing() as session:
        certificates.register(session, _officer(house, name), der)
    return certificates.thumbprint(der)


def until(ask: Callable[[], httpx.Response], status: int) -> httpx.Response:
    """The answer of this status, as soon as the front took over what was registered."""
    end = time.monotonic() + 240
    while True:
        try:
            answer = ask()
        except httpx.TransportError:  # the handshake was refused
            answer = None
        if answer is not None and answer.status_code == status:
            return answer
        assert time.monotonic() < end, answer and answer.text
        time.sleep(0.05)


def _officer(house: House, name: str) -> Officer:
    with house.database.reading() as session:
        found = directory.find_officer(session, name)
        assert found is not None
        return found


def _opened(browser: httpx.Client, **headers: str) -> httpx.Response:
    return browser.post("/v1/searches", json={"purpose": "border-control"}, headers=headers)


def test_a_registered_certificate_is_its_officer_until_it_is_removed(served: Listening, tmp_path: Path) -> None:
    file = made(tmp_path, "gateway")
    with client(served, file) as refused, pytest.raises(httpx.TransportError):
        _opened(refused)  # the handshake does not even come about
    thumbprint = register(served.house, file)
    with client(served, file) as machine, client(served, None) as nobody:
        until(lambda: _opened(machine), 201)
        assert _opened(nobody).status_code == 401
        for headers in ({"origin": "https://evil.test"}, {"origin": served.url}, {"sec-fetch-site": "cross-site"}):
            assert _opened(machine, **headers).status_code == 401  # a browser that holds it proves nothing
        with served.house.database.writing() as session:
            certificates.remove(session, thumbprint)
        gone = _opened(machine)  # over the connection that is there
        assert gone.status_code == 401 and "registered for nobody" in gone.text


def test_what_a_registered_certificate_signed_is_not_taken(served: Listening, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    authority = made(tmp_path, "authority", key=key)
    register(served.house, authority)
    with client(served, authority) as machine:
        until(lambda: _opened(machine), 201)
    with client(served, made(tmp_path, "other", by=key)) as other:
        with contextlib.suppress(httpx.TransportError):  # or it is refused in the handshake already
            assert _opened(other).status_code == 401


def test_a_certificate_by_an_authority_is_taken_by_itself(served: Listening, tmp_path: Path) -> None:
    file = made(tmp_path, "issued", by=ec.generate_private_key(ec.SECP256R1()))
    register(served.house, file)
    with client(served, file) as machine:
        until(lambda: _opened(machine), 201)


def test_the_suspended_and_the_retired_may_nothing_with_it(served: Listening, tmp_path: Path) -> None:
    file = made(tmp_path, "second")
    register(served.house, file, "BIH/officer2")
    with client(served, file) as machine:
        until(lambda: _opened(machine), 201)
        with served.house.database.writing() as session:
            assert watch.suspend(session, "BIH/officer2")
        assert "suspended" in _opened(machine).json()["error"]["message"]
        with served.house.database.writing() as session:
            directory.retire_officer(session, "BIH/officer2")
        assert _opened(machine).status_code == 401


def test_one_that_is_over_signs_nobody_in(served: Listening, tmp_path: Path) -> None:
    file = made(tmp_path, "over", age=1)  # it ended just now
    der = certificates.read(file)
    with served.house.database.writing() as session:
        long_ago = int(time.time()) - 86_400
        certificates.register(session, _officer(served.house, "SRB/officer1"), der, now=long_ago)
    with served.house.database.reading() as session:
        assert certificates.officer_of(session, certificates.thumbprint(der), now=long_ago).name == "officer1"
        with pytest.raises(NotSignedIn, match="or over"):
            certificates.officer_of(session, certificates.thumbprint(der))
    good = made(tmp_path, "while")
    register(served.house, good, "SRB/officer1")
    with client(served, good) as machine:
        until(lambda: _opened(machine), 201)  # the front knows both by now
    with client(served, file) as machine, pytest.raises(httpx.TransportError):
        _opened(machine)


def test_what_cannot_be_registered_is_said(served: Listening, tmp_path: Path) -> None:
    weak = rsa.generate_private_key(65537, 1024)
    for file, why in (
        (made(tmp_path, "old", age=2), "over"),
        (made(tmp_path, "weak", key=weak), "weak"),
    ):
        with pytest.raises(BadInput, match=why):
            register(served.house, file)
    good = made(tmp_path, "good")
    register(served.house, good)
    with pytest.raises(BadInput, match="already"):
        register(served.house, good, "SRB/officer1")
    (tmp_path / "two.pem").write_bytes(good.read_bytes() * 2)
    (tmp_path / "none.pem").write_text("nothing")
    for name in ("two.pem", "none.pem", "absent.pem"):
        with pytest.raises(BadInput, match="no certificate"):
            certificates.read(tmp_path / name)
    with served.house.database.writing() as session, pytest.raises(NotFound):
        certificates.remove(session, bytes(32))
    with served.house.database.writing() as session, pytest.raises(BadInput, match="no certificate"):
        certificates.register(session, _officer(served.house, "BIH/officer1"), b"rubbish")


def test_without_tls_at_the_hub_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="needs TLS"):
        tls.context(Settings(data=tmp_path, client_certificates=True))
