"""A hub, as a client sees it: `HubClient(url, signer).search(samples, "border-control")`."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Generator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from limen import errors
from limen.access.signing import DEVICE, HttpSignature
from limen.capture import container
from limen.capture.container import Sample
from limen.capture.device import Statement, sign_capture
from limen.capture.offer import Offer, verify_offer
from limen.capture.sealing import seal_capture
from limen.client import trust
from limen.client.pins import pinned
from limen.errors import BadInput, LimenError, Refused, Unavailable

TIMEOUT = httpx.Timeout(90.0, connect=5.0)  # seconds: over the hub's own limits, so that the hub says what went wrong
_BY_STATUS: dict[int, type[LimenError]] = {
    401: errors.NotSignedIn,
    403: errors.NotAllowed,
    404: errors.NotFound,
    409: errors.Refused,
    429: errors.Refused,
    503: errors.Unavailable,
}


class _Both(httpx.Auth):
    """Signs a request twice: the officer and the device."""

    def __init__(self, *signers: httpx.Auth) -> None:
        self._signers = signers

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        for signer in self._signers:
            next(signer.auth_flow(request))
        yield request


class HubClient:
    """One hub, and who asks it. Use it as a context manager, or `close` it."""

    def __init__(
        self,
        url: str,
        signer: httpx.Auth,
        *,
        device: tuple[str, Ed25519PrivateKey] | None = None,
        hub_key: bytes | None = None,
        pins: Path | None = None,
        transport: httpx.BaseTransport | None = None,
        authority: Path | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: the hub's address, such as `http://127.0.0.1:8420`.
            signer: signs requests (`access.signing.HttpSignature`).
            device: name (`COUNTRY/NAME`) and key of the registered device that captures; it signs too.
            hub_key: the hub's published Ed25519 key, 32 bytes; None: the key of the first meeting is trusted from then.
            pins: folder of known hubs; default beside the client's keys.
            transport: another way to reach the hub (tests).
            authority: PEM file of the hub's own TLS authority, where it has one (`client.trust`).

        Raises:
            BadInput: `url` is no address of a hub, or the authority's file cannot be read.
        """
        self._url = _address(url)
        self._hub_key = hub_key
        self._pins = pins
        self._device = device
        self._met: bytes | None = None  # the hub's key, once it was checked
        auth = signer if device is None else _Both(signer, HttpSignature(device[1], device[0], tag=DEVICE))
        verify = trust.context(self._url, authority)
        self._http = httpx.Client(base_url=self._url, auth=auth, timeout=TIMEOUT, transport=transport, verify=verify)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def identity(self) -> bytes:
        """The hub's public key, 32 bytes, checked against the one that is known.

        Raises:
            Refused: it is another.
            Unavailable: the hub cannot be reached.
        """
        try:
            said = bytes.fromhex(self._ask("GET", "/v1/hub").json()["public_key"])
        except (ValueError, KeyError, TypeError):
            raise _not_a_hub() from None
        if self._hub_key is None:
            pinned(self._url, said, self._pins)
        elif said != self._hub_key:
            raise Refused(
                "The hub's identity is not the one that was given; nothing was sent.",
                advice="Check the address and the key.",
                code="hub-key-changed",
            )
        self._met = said
        return said

    def search(
        self, samples: list[Sample], purpose: str, *, claimed: dict[str, str] | None = None, plain: bool = False
    ) -> dict[str, Any]:
        """Search a person. Nothing of the samples is sent before the hub's one-time key was checked.

        Args:
            samples: images of one person (`capture.container.Sample`).
            purpose: one of `terms.Purpose`.
            claimed: names, date_of_birth, nationality, document_number, mrz (a document's zone); all optional.
            plain: send the capture without sealing it, protected by the connection alone.

        Returns:
            The answer as in docs/api.md (`SearchAnswer`).

        Raises:
            BadInput, Refused, NotFound, Unavailable: what the hub answered, or that it cannot be reached.
        """
        identity = self._met or self.identity()
        question: dict[str, Any] = {"purpose": purpose}
        if claimed and any(claimed.values()):
            question["claimed_identity"] = {name: value for name, value in claimed.items() if value}
        opened = self._ask("POST", "/v1/searches", json=question).json()
        offer, signature = _offer(opened)
        verify_offer(offer, signature, identity, now=time.time())
        body, kind = container.encode(samples, self._signed(samples, offer)), "application/cbor"
        if not plain:
            body, kind = seal_capture(offer, body), "application/limen-sealed"
        response = self._ask("PUT", opened["capture_url"], content=body, headers={"content-type": kind})
        answer: dict[str, Any] = response.json()
        return answer

    def search_file(self, data: bytes, purpose: str, *, plain: bool = False) -> tuple[str, bytes, str]:
        """Search with an ANSI/NIST-ITL file, sealed to the hub's one-time key.

        Args:
            data: the file.
            purpose: one of `terms.Purpose`.
            plain: send it without sealing it, protected by the connection alone.

        Returns:
            The kind of answer (`terms.Answer`), the file that answers, and the search's id (`receipt`).

        Raises:
            As `search`.
        """
        identity = self._met or self.identity()
        if plain:
            response = self._ask("POST", "/v1/searches/an2", params={"purpose": purpose}, content=data)
        else:
            opened = self._ask("POST", "/v1/searches", json={"purpose": purpose}).json()
            offer, signature = _offer(opened)
            verify_offer(offer, signature, identity, now=time.time())
            kind = {"content-type": "application/limen-sealed"}
            url = f"/v1/searches/{offer.search.hex()}/file"
            response = self._ask("PUT", url, content=seal_capture(offer, data), headers=kind)
        return response.headers.get("limen-answer", ""), response.content, response.headers.get("limen-search", "")

    def portrait(self, path: str) -> bytes:
        """The portrait of a match, at the path that the answer names; `NotFound` once the search is over."""
        return self._ask("GET", path).content

    def receipt(self, search_id: str) -> dict[str, Any]:
        """The receipt of a search with the proof that the hub's log holds it; `NotFound` after ten minutes."""
        found: dict[str, Any] = self._ask("GET", f"/v1/searches/{search_id}/receipt").json()
        return found

    def end(self, search_id: str) -> None:
        """Be done with a search; `NotFound` if it is over already."""
        self._ask("DELETE", f"/v1/searches/{search_id}")

    def _signed(self, samples: list[Sample], offer: Offer) -> bytes:
        """The device's signature under a capture; empty without a device. Its counter is the clock, in microseconds."""
        if self._device is None:
            return b""
        name, key = self._device
        return sign_capture(samples, offer, Statement(name, time.time_ns() // 1000, int(time.time())), key)

    def _ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **content)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"The hub at {self._url} cannot be reached ({type(error).__name__}).",
                advice="Start one with `limen serve`, or give its address with --hub.",
            ) from None
        if response.is_success:
            return response
        raise _error(response)


def _address(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise BadInput("The hub's address is no URL.", advice="Use http://HOST:PORT or https://HOST.")
    return url.rstrip("/")


def _offer(opened: dict[str, Any]) -> tuple[Offer, bytes]:
    try:
        nonce, key, signature = (base64.b64decode(opened[name]) for name in ("nonce", "public_key", "signature"))
        offer = Offer(bytes.fromhex(opened["id"]), nonce, key, int(opened["expires"]))
        offer.signed_bytes()
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise _not_a_hub() from None
    return offer, signature


def _error(response: httpx.Response) -> LimenError:
    try:
        said = response.json()["error"]
        message, advice, code = str(said["message"]), str(said["advice"]), str(said["code"])
    except (ValueError, KeyError, TypeError):
        return _not_a_hub()
    kind = _BY_STATUS.get(response.status_code, errors.BadInput if response.status_code < 500 else LimenError)
    return kind(message, advice=advice, code=code)


def _not_a_hub() -> Unavailable:
    return Unavailable("What answers at this address is no Limen hub.", advice="Check the address.", code="no-hub")
