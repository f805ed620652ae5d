"""ANSI/NIST-ITL files in either of their encodings."""

from __future__ import annotations

from limen.exchange import an2, niem
from limen.exchange.an2 import Transaction

_TRADITIONAL = (b"1.001:", b"1.01:", b"1.1:", b"1.0001:")
_PACKAGE = b"NISTBiometricInformationExchangePackage"


def read(data: bytes) -> Transaction:
    """Take an ANSI/NIST-ITL file apart, be it in the traditional encoding or in NIEM XML.

    Raises:
        BadFile: neither, or see `an2.read` and `niem.read`.
    """
    return niem.read(data) if niem.looks_like_xml(data) else an2.read(data)


def is_transaction(start: bytes) -> bool:
    """Whether a file's first bytes (4 KiB do) are those of an ANSI/NIST-ITL file."""
    return start.startswith(_TRADITIONAL) or (niem.looks_like_xml(start) and _PACKAGE in start.replace(b"\0", b""))
