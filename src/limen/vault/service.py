"""What the vault answers, and to whom: one table of requests a socket. No sockets here, so that it can be tested whole.

A subverted front can ask for what it would show anyway, but for no template and no offer; a subverted worker can have
offers signed and samples sealed, and open nothing; the matcher gets template keys and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from limen.capture.offer import DOMAIN as OFFER_DOMAIN
from limen.capture.offer import Offer
from limen.errors import BadInput, NotAllowed
from limen.vault.keys import KeyRing
from limen.vault.seal import Context, Use, epoch_of, open_blob, seal_blob
from limen.wire import Message
from limen.wire.messages import (
    Identity,
    IdentityAsk,
    Seal,
    Sealed,
    Signature,
    SignOffer,
    SignReceipt,
    TemplateKey,
    TemplateKeyAsk,
    Unseal,
    Unsealed,
)

#: Messages that each socket takes; anything else ends the connection.
REQUESTS: dict[str, tuple[type[Message], ...]] = {
    "vault-opener": (SignOffer, Seal),
    "vault-matcher": (TemplateKeyAsk,),
    "vault-front": (Seal, Unseal, SignReceipt, IdentityAsk),
}
#: Parts that may speak on each socket; none named: any process of the hub's user (`limen records` besides the front).
SPEAKERS: dict[str, tuple[str, ...]] = {
    "vault-opener": ("opener",),
    "vault-matcher": ("matcher",),
    "vault-front": (),
}
#: Uses that each socket may seal; the front may unseal the same.
USES: dict[str, frozenset[Use]] = {
    "vault-opener": frozenset({Use.TEMPLATE, Use.SAMPLE, Use.FILE}),
    "vault-matcher": frozenset(),
    "vault-front": frozenset({Use.SAMPLE, Use.FIELDS, Use.FILE}),
}
MAX_OFFER_SECONDS = 600  # an offer that could be answered later than this is no one-time offer


class Vault:
    """Answers requests with the keys of one ring."""

    def __init__(self, keys: KeyRing, *, clock: Callable[[], float] = time.time) -> None:
        self._keys, self._clock = keys, clock

    def answer(self, socket: str, request: Message) -> Message:
        """The answer to one request that came on the named socket.

        Raises:
            NotAllowed: this socket does not serve that.
            KeyUnavailable, Damaged: from the ring or the blob.
        """
        if type(request) not in REQUESTS[socket]:
            raise NotAllowed("This request is not served here.")
        match request:
            case Seal():
                return self._seal(request, USES[socket])
            case Unseal():
                return self._unseal(request, USES[socket])
            case TemplateKeyAsk():
                return TemplateKey(self._keys.key(_country(request.country), request.epoch, Use.TEMPLATE))
            case SignOffer():
                return self._sign_offer(request)
            case SignReceipt():
                return self._sign_receipt(request)
            case IdentityAsk():
                return Identity(self._keys.identity)
        raise NotAllowed("This request is not served here.")

    def _seal(self, request: Seal, allowed: frozenset[Use]) -> Sealed:
        use, country = _use(request.use, allowed), _country(request.country)
        epoch = self._keys.epoch(country)
        key = self._keys.key(country, epoch, use)
        return Sealed(epoch, seal_blob(key, Context.of(request), epoch, request.tail))

    def _unseal(self, request: Unseal, allowed: frozenset[Use]) -> Unsealed:
        use, country = _use(request.use, allowed), _country(request.country)
        key = self._keys.key(country, epoch_of(request.tail), use)
        return Unsealed(open_blob(key, Context.of(request), request.tail))

    def _sign_offer(self, request: SignOffer) -> Signature:
        if not self._clock() < request.expires <= self._clock() + MAX_OFFER_SECONDS:
            raise BadInput("An offer must expire within ten minutes from now.", advice="Check the clock.")
        offer = Offer(request.search, request.nonce, request.public_key, request.expires)
        return Signature(self._keys.sign(offer.signed_bytes()))

    def _sign_receipt(self, request: SignReceipt) -> Signature:
        if request.tail.startswith(OFFER_DOMAIN):
            raise NotAllowed("Offers are signed for the opener's workers alone.")
        return Signature(self._keys.sign(request.tail))


def _use(code: int, allowed: frozenset[Use]) -> Use:
    if code not in allowed:
        raise NotAllowed(f"Use {code} is not served here.")
    return Use(code)


def _country(code: bytes) -> str:
    if not (code.isascii() and code.isalpha() and code.isupper()):
        raise BadInput("A country is three capital letters, as in ISO 3166-1 alpha-3.")
    return code.decode("ascii")
