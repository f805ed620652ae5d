"""TLS 1.3 at the front: with the operator's certificate, or one by an authority that the hub makes for itself.

`DATA/tls/ca.pem` is that authority's certificate: clients are given it (`LIMEN_HUB_CA`; on the same machine they find
it by themselves), people import it into their browser. Its key signs one certificate and is thrown away, and it is
bound to `localhost` and the hub's own address (name constraints): whoever imports it trusts it with nothing else.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from limen.errors import BadInput
from limen.settings import Settings
from limen.vault.files import replace_private

DAYS = 397  # of both certificates: the longest that browsers take
RENEW_DAYS = 30  # both are made anew at a start within that of their end


def context(settings: Settings) -> ssl.SSLContext | None:
    """What the front serves TLS with; None where it does not.

    Raises:
        BadInput: the certificate or key that the settings name cannot be used, or client certificates without TLS.
    """
    if not settings.over_tls:
        if settings.client_certificates:
            raise BadInput(
                "The setting 'client_certificates' needs TLS at the hub itself.",
                advice="Set tls, and no public_url of a proxy that ends TLS; or give machines tokens bound to keys.",
            )
        return None
    given = bool(settings.tls_certificate)
    chain, key = (settings.tls_certificate, settings.tls_key) if given else own(settings)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.set_alpn_protocols(["http/1.1"])
    try:
        made.load_cert_chain(chain, key or None)
    except (OSError, ssl.SSLError):
        raise BadInput(
            "The TLS certificate and key cannot be used.",
            advice="Check tls_certificate and tls_key: PEM, readable by the hub, belonging together.",
        ) from None
    if settings.client_certificates:
        made.verify_mode = ssl.CERT_OPTIONAL
        made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # what is registered is trusted by itself (`front.clients`)
        made.num_tickets = 0  # a resumed session would not show its certificate anew
    return made


def own(settings: Settings) -> tuple[str, str]:
    """Paths of a certificate and key by the hub's own authority; made, or made anew, if needed."""
    folder = settings.data / "tls"
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)  # the authority is for everybody, the key is not
    names = sorted({"localhost", "127.0.0.1", "::1", settings.host} - {"0.0.0.0", "::"})  # noqa: S104 - not bound here
    chain, key = folder / "server.pem", folder / "server.key"
    if not _serves(chain, names):
        _make(folder, names)
    return str(chain), str(key)


def _serves(chain: Path, names: list[str]) -> bool:
    """Whether a certificate is there, for these names, and for long enough."""
    try:
        found = x509.load_pem_x509_certificate(chain.read_bytes())
    except (OSError, ValueError):
        return False
    alternative = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    covered = set(alternative.get_values_for_type(x509.DNSName))
    covered |= {str(address) for address in alternative.get_values_for_type(x509.IPAddress)}
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=RENEW_DAYS)
    return set(names) <= covered and found.not_valid_after_utc > soon


def _make(folder: Path, names: list[str]) -> None:
    """A new authority, and a server's certificate by it; the authority's key is not kept, so that nobody can use it."""
    now = datetime.datetime.now(datetime.UTC)
    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    alternatives = [_general(name) for name in names]
    title = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Limen, this hub's own authority")])
    allowed = [_subtree(name) for name in names]
    root = (
        _begun(title, title, authority.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=allowed, excluded_subtrees=None), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Limen hub")])
    leaf = (
        _begun(subject, title, server.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),
            critical=False,
        )
        .sign(authority, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = server.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    replace_private(folder / "server.key", secret)
    replace_private(folder / "ca.pem", root.public_bytes(pem))
    (folder / "ca.pem").chmod(0o644)
    replace_private(folder / "server.pem", leaf.public_bytes(pem))


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _subtree(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_network(name))
    except ValueError:
        return x509.DNSName(name)
