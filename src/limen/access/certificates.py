"""TLS client certificates of machines: each registered for one officer, and known by its thumbprint.

There is no authority to believe: any certificate may be registered, self-signed or by a country's own, and nothing but
exactly that certificate is taken (RFC 8705, 2.2). The front trusts what is registered here and nothing else
(`front.clients`); who a request is by is looked up at each request, so that a removal holds at once.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from sqlalchemy import select
from sqlalchemy.orm import Session

from limen.access.tables import Certificate
from limen.errors import BadInput, NotFound, NotSignedIn
from limen.ledger.entry import Kind
from limen.records import journal
from limen.records.tables import Officer

MAX_FILE = 16 << 10  # bytes of a PEM file; certificates have 1 to 2 KiB
MIN_RSA = 2048  # bits: NIST SP 800-131A


def read(file: Path) -> bytes:
    """A certificate's DER from a PEM file; `BadInput` if it holds none, or more than one."""
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes()[:MAX_FILE])
    except (OSError, ValueError):
        found = []
    if len(found) != 1:
        raise BadInput(f"{file} holds no certificate, or several.", advice="Give the machine's own alone, in PEM.")
    return found[0].public_bytes(serialization.Encoding.DER)


def register(session: Session, officer: Officer, der: bytes, *, by: str = "", now: int | None = None) -> Certificate:
    """From now on whoever shows this certificate is this officer.

    Args:
        der: the certificate.
        by: who does it, `COUNTRY/NAME`, for the ledger; empty: the operator.

    Raises:
        BadInput: it is none, is over, has a weak key, or is registered already.
    """
    now = int(time.time()) if now is None else now
    try:
        found = x509.load_der_x509_certificate(der)
        key = found.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise BadInput("This is no certificate that can be used.") from None
    strong = isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey)
    if not strong and not (isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA):
        raise BadInput(
            "The certificate's key is too weak, or of a kind that is not taken.", advice="Use Ed25519 or P-256."
        )
    until = int(found.not_valid_after_utc.timestamp())
    if until <= now:
        raise BadInput("The certificate is over.", advice="Make a new one.")
    name = thumbprint(der)
    if session.get(Certificate, name) is not None:
        raise BadInput("This certificate is registered already.", advice="Make one for each machine.")
    row = Certificate(thumbprint=name, officer_id=officer.id, certificate=der, until=until, created=now)
    session.add(row)
    journal.put(session, Kind.POLICY_CHANGED, by)
    return row


def remove(session: Session, name: bytes, *, by: str = "") -> None:
    """Take a certificate no more, at once. `NotFound`."""
    row = session.get(Certificate, name)
    if row is None:
        raise NotFound("There is no certificate of this thumbprint.", advice="See `limen access certificate list`.")
    session.delete(row)
    journal.put(session, Kind.POLICY_CHANGED, by)


def officer_of(session: Session, name: bytes, *, now: int | None = None) -> Officer:
    """Whose certificate this is; `NotSignedIn` if it is registered for nobody, over, or of somebody retired."""
    now = int(time.time()) if now is None else now
    row = session.get(Certificate, name)
    officer = session.get(Officer, row.officer_id) if row is not None and row.until > now else None
    if officer is None or officer.retired is not None:
        raise NotSignedIn("This certificate is registered for nobody, or over.", advice="Have a new one registered.")
    return officer


def registered(session: Session) -> Sequence[tuple[Certificate, Officer]]:
    """All certificates with their officers, the first to end first."""
    query = select(Certificate, Officer).join(Officer, Officer.id == Certificate.officer_id)
    return [(row, officer) for row, officer in session.execute(query.order_by(Certificate.until)).tuples()]


def thumbprint(der: bytes) -> bytes:
    """SHA-256 of a certificate, 32 bytes."""
    return hashlib.sha256(der).digest()
