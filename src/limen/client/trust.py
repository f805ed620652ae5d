"""Whom a client believes over TLS: the system's authorities, and the hub's own one where it is known."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from limen.errors import BadInput
from limen.settings import LOOPBACK, load

VARIABLE = "LIMEN_HUB_CA"  # file of the hub's own authority, PEM; on the hub's machine it is found without


def context(url: str, authority: Path | None = None) -> ssl.SSLContext | bool:
    """What httpx's `verify` takes for a hub.

    Args:
        url: the hub's address.
        authority: PEM file of the hub's own authority (`DATA/tls/ca.pem` there); default `LIMEN_HUB_CA`, else, for a
            hub on this machine, the one in the data folder.

    Returns:
        A context for TLS 1.3; True (httpx's default) for plain http.

    Raises:
        BadInput: the authority's file cannot be read.
    """
    if urlsplit(url).scheme != "https":
        return True
    found = ssl.create_default_context()
    found.minimum_version = ssl.TLSVersion.TLSv1_3
    file = authority or _known(url)
    if file is not None:
        try:
            found.load_verify_locations(file)
        except (OSError, ssl.SSLError):
            raise BadInput(f"The hub's authority {file} cannot be read.", advice="Copy DATA/tls/ca.pem.") from None
    return found


def _known(url: str) -> Path | None:
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE])
    local = load().data / "tls" / "ca.pem"
    return local if urlsplit(url).hostname in LOOPBACK and local.exists() else None
