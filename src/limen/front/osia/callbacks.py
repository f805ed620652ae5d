"""Call-backs: results sent to a client's address, and to no address that an administrator has not allowed.

An allowed origin is scheme, host and port exactly (`https://abis.example:8443`); nothing is resolved, redirected or
proxied elsewhere, nothing of an answer but its status is read. The hub signs what it sends: header `Limen-Signature`,
base64 of Ed25519 by the hub's identity over `PREFIX`, SHA-256 of the address and SHA-256 of the body.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import httpx

from limen.errors import BadInput, LimenError, NotAllowed
from limen.vault.client import AsyncVaultClient

PREFIX = b"limen-osia-callback-v1\0"
TIMEOUT = httpx.Timeout(5.0)  # seconds for each step: a client answers at once and works later
MAX_URL = 2000  # characters


def checked(url: str, allowed: str) -> str:
    """A call-back address that may be used.

    Args:
        url: as the client gave it.
        allowed: the setting `osia_callbacks`: origins, separated by commas.

    Raises:
        BadInput: no http(s) address.
        NotAllowed: its origin is not on the list.
    """
    try:
        parsed = httpx.URL(url)
        parsed.raw_path.decode("ascii")
    except (httpx.InvalidURL, ValueError, TypeError):
        raise BadInput("The callback is no address.", advice="Use https://HOST/PATH.") from None
    if len(url) > MAX_URL or parsed.userinfo or _origin(parsed) not in _origins(allowed):
        raise NotAllowed(
            "The hub sends results to no such address.",
            advice="An administrator allows origins in the setting osia_callbacks.",
        )
    return url


class Deliverer:
    """Sends results. Use one for a front's whole life, and close it."""

    def __init__(self, vault: AsyncVaultClient, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._vault = vault
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT, follow_redirects=False, trust_env=False, transport=transport, max_redirects=0
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def send(self, url: str, *, transaction: str, task: str, content: Any, failed: bool) -> bool:
        """Send one result; whether it was taken (a status of 200 to 299)."""
        address = httpx.URL(url).copy_merge_params({"transactionId": transaction, "taskId": task})
        body = json.dumps(content, ensure_ascii=False).encode()
        try:
            signature = await self._vault.sign(signed_bytes(str(address), body))
            headers = {
                "Content-Type": "application/error+json" if failed else "application/json",
                "Limen-Signature": base64.b64encode(signature).decode("ascii"),
            }
            async with self._client.stream("POST", address, content=body, headers=headers) as response:
                return response.is_success
        except (httpx.HTTPError, LimenError, OSError):
            return False


def signed_bytes(address: str, body: bytes) -> bytes:
    """What the hub's signature under a call-back covers."""
    return PREFIX + hashlib.sha256(address.encode()).digest() + hashlib.sha256(body).digest()


def _origins(allowed: str) -> set[tuple[str, str, int | None]]:
    return {_origin(httpx.URL(word.strip())) for word in allowed.split(",") if word.strip()}


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    return (url.scheme, url.host, port) if url.scheme in ("http", "https") and url.host else ("", "", None)
