"""TLS 1.3 with the hub's own certificate: who trusts its authority reaches it, nobody else does, and nothing older."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from limen.client import trust
from limen.errors import BadInput
from limen.front import tls
from limen.settings import Settings


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Settings, int]]:
    """A server with the hub's certificate that says hello."""
    settings = Settings(data=tmp_path, tls="on")
    context = tls.context(settings)
    assert context is not None
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as encrypted:
                    encrypted.sendall(b"hello")
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    yield settings, listening.getsockname()[1]
    listening.close()


def reach(port: int, context: ssl.SSLContext, name: str = "localhost") -> tuple[bytes, str | None]:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
        with context.wrap_socket(plain, server_hostname=name) as encrypted:
            return encrypted.recv(5), encrypted.version()


def test_whoever_knows_the_authority_reaches_the_hub_over_tls_1_3(server: tuple[Settings, int]) -> None:
    settings, port = server
    context = trust.context("https://localhost", settings.data / "tls" / "ca.pem")
    assert isinstance(context, ssl.SSLContext)
    for name in ("localhost", "127.0.0.1"):
        assert reach(port, context, name) == (b"hello", "TLSv1.3")
    with pytest.raises(ssl.SSLCertVerificationError):
        reach(port, context, "bank.example")


def test_nobody_else_and_nothing_older(server: tuple[Settings, int]) -> None:
    settings, port = server
    with pytest.raises(ssl.SSLCertVerificationError):
        reach(port, ssl.create_default_context())
    old = ssl.create_default_context(cafile=str(settings.data / "tls" / "ca.pem"))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError):
        reach(port, old)


def test_the_certificate_stays_and_the_authoritys_key_does_not(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, tls="on", host="127.0.0.1")
    first = Path(tls.own(settings)[0]).read_bytes()
    assert Path(tls.own(settings)[0]).read_bytes() == first
    assert sorted(file.name for file in (tmp_path / "tls").iterdir()) == ["ca.pem", "server.key", "server.pem"]
    assert (tmp_path / "tls" / "server.key").stat().st_mode & 0o777 == 0o600
    moved = Settings(data=tmp_path, tls="on", host="10.1.2.3")
    found = x509.load_pem_x509_certificate(Path(tls.own(moved)[0]).read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "10.1.2.3" in [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    root = x509.load_pem_x509_certificate((tmp_path / "tls" / "ca.pem").read_bytes())
    found.verify_directly_issued_by(root)


@pytest.mark.parametrize(
    ("more", "scheme"),
    [
        ({}, "http"),
        ({"host": "0.0.0.0"}, "https"),
        ({"host": "0.0.0.0", "tls": "off"}, "http"),
        ({"tls": "on"}, "https"),
        ({"host": "0.0.0.0", "public_url": "https://hub.example"}, "https"),
    ],
)
def test_where_the_hub_listens_beyond_its_machine_tls_is_on(tmp_path: Path, more: dict, scheme: str) -> None:
    settings = Settings(data=tmp_path, **more)
    assert settings.url.startswith(scheme + "://")
    behind_a_proxy = "public_url" in more
    assert (tls.context(settings) is not None) == (scheme == "https" and not behind_a_proxy)


def test_a_bad_setting_or_certificate_is_said(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("rubbish")
    with pytest.raises(BadInput, match="cannot be used"):
        tls.context(Settings(data=tmp_path, tls_certificate=str(tmp_path / "c.pem")))
    with pytest.raises(BadInput, match="cannot be 'maybe'"):
        tls.context(Settings(data=tmp_path, tls="maybe"))
    with pytest.raises(BadInput, match="authority"):
        trust.context("https://localhost", tmp_path / "c.pem")
