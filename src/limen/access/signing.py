"""Requests signed with a registered Ed25519 key: HTTP message signatures (RFC 9421) over a body digest (RFC 9530).

A signature covers method, authority, path, query and, where there is a body, its `Content-Digest`. It says when it was
created, by which key, and a nonce; the hub takes it for 60 seconds and takes each nonce once.

The scheme is not covered: a proxy may end TLS in front of the hub.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import http_message_signatures as hms
import http_sf
import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import algorithms

from limen.errors import BadInput, NotSignedIn

LIFETIME = 60  # seconds from `created` until a signature is too old
SKEW = 5  # seconds that a client's clock may be ahead of the hub's, or a signature's age beyond LIFETIME
COVERED = ("@method", "@authority", "@path", "@query")
OFFICER = "limen-officer"  # tag: the person who asks
DEVICE = "limen-device"  # tag: the registered device that the request comes from
MAX_HEADER = 4096  # characters of Signature-Input; ours have about 250
KEY_ID = re.compile(r"[A-Z]{3}/[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_DIGESTS = {"sha-512": hashlib.sha512, "sha-256": hashlib.sha256}  # the stronger first


class Headers(Protocol):
    """Header lines of a request; names in any case (httpx, Starlette and plain mappings fit)."""

    def items(self) -> Any: ...


@dataclass(frozen=True)
class Signed:
    """A request whose signature is good: who signed, and the digest that its body must have.

    Attributes:
        key_id: name of the officer or device, such as `BIH/officer1`.
        nonce: to be spent exactly once (`access.nonces.spend`) before anything is done for the request.
        expires: Unix seconds after which the signature is not taken any more; nonces are kept until then.
        digest: algorithm and digest of the body; None if the request has no body.
    """

    key_id: str
    nonce: str
    expires: int
    digest: tuple[str, bytes] | None

    def body(self) -> BodyCheck:
        """A running check of the body as it arrives."""
        return BodyCheck(self.digest)


class BodyCheck:
    """Compares a body, streamed or whole, with the signed digest."""

    def __init__(self, digest: tuple[str, bytes] | None) -> None:
        self._wanted = digest
        self._hash = _DIGESTS[digest[0]]() if digest else None
        self._empty = True

    def update(self, chunk: bytes | memoryview) -> None:
        """Next bytes of the body."""
        self._empty = self._empty and not chunk
        if self._hash is not None:
            self._hash.update(chunk)

    def finish(self) -> None:
        """All bytes are there. `NotSignedIn` if they are not what was signed; then nothing of them may be used."""
        if self._wanted is None or self._hash is None:
            if not self._empty:
                raise _refused("The request has a body that its signature does not cover.")
        elif not hmac.compare_digest(self._hash.digest(), self._wanted[1]):
            raise _refused("The request's body is not what was signed.")


class HttpSignature(httpx.Auth):
    """Signs every request of an httpx client: `httpx.Client(auth=HttpSignature(key, "BIH/officer1"))`.

    A streamed body must come with its `Content-Digest` header (`content_digest`); other bodies get theirs here.
    """

    def __init__(self, key: Ed25519PrivateKey, key_id: str, *, tag: str = OFFICER) -> None:
        if not KEY_ID.fullmatch(key_id):
            raise BadInput(f"'{key_id[:80]}' is no name of an officer or device.", advice="Use COUNTRY/NAME.")
        self._key, self._key_id, self._tag = key, key_id, tag

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request just before it is sent (again for each retry and redirect)."""
        if "content-digest" not in request.headers:
            if not isinstance(request.stream, httpx.ByteStream):
                raise BadInput("A streamed request needs a Content-Digest header.", advice="Use `content_digest`.")
            if request.content:
                request.headers["content-digest"] = content_digest(request.content)
        sign(request, self._key, self._key_id, tag=self._tag)
        yield request


def content_digest(body: bytes) -> str:
    """Value of a `Content-Digest` header (SHA-256)."""
    return hms.ContentDigest.create(body)


def sign(request: Any, key: Ed25519PrivateKey, key_id: str, *, tag: str = OFFICER) -> None:
    """Add `Signature-Input` and `Signature` to a request (an httpx request, or anything with method, url, headers).

    Covers `Content-Digest` if the request has that header. A device adds its own signature (`tag=DEVICE`) beside the
    officer's.
    """
    headers = {name.lower() for name in request.headers}
    signer = hms.HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=_Keys(private=key))
    label = tag.removeprefix("limen-")
    others = "signature" in headers and f"{label}=" not in request.headers["signature-input"]
    signer.sign(
        request,
        key_id=key_id,
        created=datetime.datetime.fromtimestamp(int(time.time()), datetime.UTC),
        nonce=secrets.token_urlsafe(18),
        label=label,
        tag=tag,
        covered_component_ids=(*COVERED, *(["content-digest"] if "content-digest" in headers else [])),
        append_if_signature_exists=others,
        use_existing_digest="content-digest" in headers,
    )


def verify(
    method: str,
    url: str,
    headers: Headers,
    public_key: Callable[[str], bytes | None],
    *,
    tag: str = OFFICER,
) -> Signed:
    """Check a request's signature.

    Args:
        method, url: as the client wrote them: `url` is absolute, its authority the request's `Host`.
        headers: the request's header lines.
        public_key: raw Ed25519 public key (32 bytes) of a key id; None if unknown, retired or revoked.
        tag: whose signature is wanted, `OFFICER` or `DEVICE`.

    Returns:
        Who signed. The caller must still spend the nonce and check the body against the digest.

    Raises:
        NotSignedIn: there is no such signature, or it is not good; the message says why, alike for an unknown key and
            a wrong signature.
    """
    lines = _Lines(headers)
    if "signature-input" not in lines or "signature" not in lines:
        raise _refused("The request is not signed.", "Sign it with a registered key, as `limen search` does.")
    if max(len(lines["signature-input"]), len(lines["signature"])) > MAX_HEADER:
        raise _refused("The request's signature headers are too long.")
    has_body = "content-digest" in lines or "transfer-encoding" in lines or lines.get("content-length", "0") != "0"
    verifier = hms.HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=_Keys(public=public_key))
    try:
        [result] = verifier.verify(
            _Request(method.upper(), url, lines),
            max_age=datetime.timedelta(seconds=LIFETIME),
            expect_tag=tag,
            require_components=(*COVERED, *(["content-digest"] if has_body else [])),
        )
    except (hms.HTTPMessageSignaturesException, ValueError) as error:
        raise _refused(_reason(error)) from None
    nonce, created = result.nonce or "", int(result.parameters["created"])
    if not _NONCE.fullmatch(nonce):
        raise _refused("The request's signature has no proper nonce.", "Use 16 to 64 characters, new each time.")
    digest = _digest(lines["content-digest"]) if has_body else None
    return Signed(str(result.parameters["keyid"]), nonce, created + LIFETIME + 2 * SKEW, digest)


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]


class _Lines(dict[str, str]):
    """Header lines under lower-case names; repeated ones joined in their order (RFC 9110, 5.3)."""

    def __init__(self, headers: Headers) -> None:
        super().__init__()
        for name, value in headers.items():
            self[name.lower()] = f"{self[name.lower()]}, {value}" if name.lower() in self else value


class _Keys(hms.HTTPSignatureKeyResolver):
    def __init__(
        self, *, private: Ed25519PrivateKey | None = None, public: Callable[[str], bytes | None] | None = None
    ) -> None:
        self._private, self._public = private, public

    def resolve_private_key(self, key_id: str) -> Any:
        return self._private

    def resolve_public_key(self, key_id: str) -> Any:
        raw = self._public(key_id) if self._public and KEY_ID.fullmatch(key_id) else None
        return Ed25519PublicKey.from_public_bytes(raw) if raw else None


def _digest(header: str) -> tuple[str, bytes]:
    try:
        members: Any = http_sf.parse(header.encode("ascii"), tltype="dictionary")
    except (ValueError, TypeError):
        members = {}
    for algorithm, hasher in _DIGESTS.items():
        value = members[algorithm][0] if algorithm in members else None
        if isinstance(value, bytes) and len(value) == hasher().digest_size:
            return algorithm, value
    raise _refused("The request's Content-Digest has no digest that the hub knows.", "Use sha-256.")


def _reason(error: Exception) -> str:
    text = str(error)
    if "age exceeds" in text or "future" in text:
        return "The request's signature is too old or from the future; check the clock."
    if "covered by" in text or "not found in the message" in text:
        return "The request's signature does not cover all that it must."
    if "No signatures found" in text:
        return "The request is not signed by the one who must sign it."
    return "The request's signature is not good."


def _refused(message: str, advice: str = "") -> NotSignedIn:
    return NotSignedIn(message, advice=advice)
