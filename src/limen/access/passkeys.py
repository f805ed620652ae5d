"""Signing in with a passkey (WebAuthn, level 3): a key pair in the person's device that never leaves it.

A passkey is registered by a one-time link, and only so. The person verifies themselves to their device each time
(fingerprint, face or PIN: it stays there), so that a stolen device alone does not sign in.
"""

from __future__ import annotations

import hmac
import json
import secrets
import struct
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import webauthn
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from webauthn.helpers import base64url_to_bytes, options_to_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from limen.access.tables import Passkey
from limen.errors import BadInput, NotSignedIn
from limen.records.tables import Nonce, Officer

CHALLENGE_SECONDS = 300  # what browsers give a person to find their key
MAX_ANSWER = 16 << 10  # bytes of a browser's answer; they have about 1,000
MAX_PASSKEYS = 10  # of one person
_NONCE, _EXPIRES = 16, 8  # bytes of a challenge; the rest authenticates them


@dataclass(frozen=True)
class Site:
    """What passkeys are bound to: the domain (`id`, such as `hub.example`) and the pages' origin."""

    id: str
    origin: str


class Challenges:
    """Challenges that need no memory: whoever asks for a million of them fills nothing. Each is taken once."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def make(self, purpose: str, *, now: float | None = None) -> bytes:
        """A fresh challenge, 40 bytes, for one purpose."""
        expires = int(time.time() if now is None else now) + CHALLENGE_SECONDS
        head = secrets.token_bytes(_NONCE) + struct.pack(">Q", expires)
        return head + self._tag(purpose, head)

    def spend(self, session: Session, purpose: str, challenge: bytes, *, now: float | None = None) -> None:
        """Take a challenge; `NotSignedIn` if it is not ours, too old, or was taken before."""
        now = time.time() if now is None else now
        head, tag = challenge[: _NONCE + _EXPIRES], challenge[_NONCE + _EXPIRES :]
        if len(head) != _NONCE + _EXPIRES or not hmac.compare_digest(tag, self._tag(purpose, head)):
            raise _refused()
        expires = struct.unpack(">Q", head[_NONCE:])[0]
        if expires <= now:
            raise NotSignedIn("That took too long.", advice="Begin again.")
        try:
            session.execute(insert(Nonce).values(digest=hmac.digest(self._key, challenge, "sha256"), expires=expires))
        except IntegrityError:
            raise _refused() from None

    def _tag(self, purpose: str, head: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + head, "sha256")[:16]


def creation_options(session: Session, officer: Officer, site: Site, challenge: bytes) -> dict[str, Any]:
    """What a browser needs to make a passkey (`PublicKeyCredentialCreationOptionsJSON`)."""
    options = webauthn.generate_registration_options(
        rp_id=site.id,
        rp_name="Limen",
        user_id=officer.id.bytes,
        user_name=f"{officer.country}/{officer.name}",
        challenge=challenge,
        timeout=CHALLENGE_SECONDS * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=row.credential) for row in of(session, officer)],
    )
    return _json(options_to_json(options))


def register(
    session: Session, officer: Officer, site: Site, challenges: Challenges, answer: dict[str, Any], name: str
) -> Passkey:
    """Keep a passkey that a browser made.

    Args:
        answer: `RegistrationResponseJSON`, as the browser gave it.
        name: what the person calls it, at most 64 characters.

    Raises:
        NotSignedIn: the answer is not good, or not to a challenge of ours.
        BadInput: this person has ten passkeys, or this one is registered already.
    """
    challenge = _challenge_of(answer)
    challenges.spend(session, "register", challenge)
    if len(of(session, officer)) >= MAX_PASSKEYS:
        raise BadInput("There are ten passkeys already.", advice="Have them made anew: limen access invite --anew.")
    try:
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError):
        raise _refused() from None
    if session.scalars(select(Passkey).where(Passkey.credential == made.credential_id)).first():
        raise BadInput("This passkey is registered already.")
    row = Passkey(
        id=uuid.uuid4(), officer_id=officer.id, credential=made.credential_id, public_key=made.credential_public_key
    )
    row.count, row.name, row.created, row.used = made.sign_count, name.strip()[:64], int(time.time()), None
    session.add(row)
    return row


def request_options(site: Site, challenge: bytes) -> dict[str, Any]:
    """What a browser needs to use a passkey (`PublicKeyCredentialRequestOptionsJSON`); it says nothing of anybody."""
    options = webauthn.generate_authentication_options(
        rp_id=site.id,
        challenge=challenge,
        timeout=CHALLENGE_SECONDS * 1000,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _json(options_to_json(options))


def sign_in(session: Session, site: Site, challenges: Challenges, answer: dict[str, Any]) -> Officer:
    """Who used their passkey.

    Args:
        answer: `AuthenticationResponseJSON`, as the browser gave it.

    Raises:
        NotSignedIn: the answer is not good, the passkey unknown or copied, or its owner retired or suspended.
    """
    challenge = _challenge_of(answer)
    challenges.spend(session, "sign-in", challenge)
    row = session.scalars(select(Passkey).where(Passkey.credential == _credential_of(answer))).one_or_none()
    if row is None:
        raise _refused()
    try:
        used = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.count,  # one that does not go up is refused: the key was copied
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError):
        raise _refused() from None
    officer = session.get_one(Officer, row.officer_id)
    if officer.retired is not None or officer.suspended is not None:
        raise _refused()
    row.count, row.used = used.new_sign_count, int(time.time())
    return officer


def of(session: Session, officer: Officer) -> Sequence[Passkey]:
    """A person's passkeys, the oldest first."""
    return session.scalars(select(Passkey).where(Passkey.officer_id == officer.id).order_by(Passkey.created)).all()


def _challenge_of(answer: dict[str, Any]) -> bytes:
    """The challenge that the browser says it answered; it is checked against its signature afterwards."""
    try:
        said = json.loads(base64url_to_bytes(answer["response"]["clientDataJSON"]))
        return bytes(base64url_to_bytes(said["challenge"]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _refused() from None


def _credential_of(answer: dict[str, Any]) -> bytes:
    try:
        return bytes(base64url_to_bytes(answer["id"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _refused() from None


def _json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def _refused() -> NotSignedIn:
    return NotSignedIn("This passkey does not sign in here.", advice="Use another one, or ask for a new link.")
