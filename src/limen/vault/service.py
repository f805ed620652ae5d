"""What the vault answers, and to whom: one table of requests a socket. No sockets here, so that it can be tested whole.

A subverted front can ask for what it would show anyway, of so many records an hour (`vault.meter`), but for no template
and no offer; a subverted worker can have offers signed and samples sealed, and open nothing; the matcher gets template
keys and nothing else. Keys are managed on a socket of its own (`vault.commands`), which none of the others may use.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import replace

from limen.capture.offer import DOMAIN as OFFER_DOMAIN
from limen.capture.offer import Offer
from limen.errors import BadInput, Damaged, NotAllowed
from limen.vault.commands import run
from limen.vault.keys import KeyRing
from limen.vault.meter import Meter
from limen.vault.reach import HELD, CountryState
from limen.vault.seal import NOBODY, Context, Use, epoch_of, open_blob, seal_blob, successor
from limen.wire import Message
from limen.wire.messages import (
    MAX_KEYS,
    Countries,
    CountriesAsk,
    Done,
    Identity,
    IdentityAsk,
    KeyCommand,
    Latest,
    LatestAsk,
    PseudonymKey,
    PseudonymKeyAsk,
    Refusals,
    RefusalsAsk,
    Reseal,
    Seal,
    Sealed,
    Shred,
    Signature,
    SignOffer,
    SignReceipt,
    StopCountry,
    TemplateKeys,
    TemplateKeysAsk,
    Unseal,
    Unsealed,
)

#: Messages that each socket takes; anything else ends the connection.
REQUESTS: dict[str, tuple[type[Message], ...]] = {
    "vault-opener": (SignOffer, Seal),
    "vault-matcher": (TemplateKeysAsk, CountriesAsk),
    "vault-front": (
        Seal,
        Unseal,
        Reseal,
        Shred,
        SignReceipt,
        IdentityAsk,
        CountriesAsk,
        PseudonymKeyAsk,
        StopCountry,
        RefusalsAsk,
        LatestAsk,
    ),
    "vault-keys": (KeyCommand,),
}
#: Parts that may speak on each socket; none named: any process of the hub's user (`limen records` besides the front).
SPEAKERS: dict[str, tuple[str, ...]] = {
    "vault-opener": ("opener",),
    "vault-matcher": ("matcher",),
    "vault-front": (),
    "vault-keys": (),
}
#: Parts that may not speak on a socket: keys are managed by people's commands, not by what faces the network.
SILENT: dict[str, tuple[str, ...]] = {"vault-keys": ("front", "opener", "matcher")}
#: Uses that each socket may seal; the front may unseal the same.
USES: dict[str, frozenset[Use]] = {
    "vault-opener": frozenset({Use.TEMPLATE, Use.SAMPLE, Use.FILE}),
    "vault-matcher": frozenset(),
    "vault-front": frozenset({Use.SAMPLE, Use.FIELDS, Use.FILE}),
}
EVERY_USE = frozenset(Use)
_REFUSAL = struct.Struct("<3sQ")
MAX_OFFER_SECONDS = 600  # an offer that could be answered later than this is no one-time offer


class Vault:
    """Answers requests with the keys of one ring."""

    def __init__(
        self,
        keys: KeyRing,
        *,
        clock: Callable[[], float] = time.time,
        latest: Callable[[], float] = lambda: 0.0,
        meter: Meter | None = None,
    ) -> None:
        """
        Args:
            keys: of the hub.
            clock: Unix seconds, or a refusal; latest: the latest that it has shown (`vault.clock`).
            meter: counts what is opened for the front; None: nobody counts.
        """
        self._keys, self._clock, self._latest, self._meter = keys, clock, latest, meter

    def answer(self, socket: str, request: Message, *, front: bool = False) -> Message:
        """The answer to one request that came on the named socket; front: from the front itself, not a command.

        Raises:
            Refused: the front has had more records opened than it needs.
            Unavailable: the clock has jumped back (`vault.clock`), so no offer is signed.
            NotAllowed: this socket does not serve that.
            KeyUnavailable, Damaged: from the ring or the blob.
        """
        if type(request) not in REQUESTS[socket]:
            raise NotAllowed("This request is not served here.")
        match request:
            case Seal():
                return self._seal(request, USES[socket])
            case Unseal():
                if front and self._meter is not None and request.record != NOBODY:
                    self._meter.admit(request.record, _country(request.country))
                return self._unseal(request, USES[socket])
            case Reseal():
                return self._reseal(request)
            case Shred():
                return self._shred(request)
            case StopCountry():  # whoever took the front over can stop all searches anyway; going on is not served here
                self._keys.stop(_country(request.country))
                return Done()
            case TemplateKeysAsk():
                return self._template_keys(request)
            case CountriesAsk():
                states = self._keys.states()
                return Countries(b"".join(one.country.encode("ascii") + bytes([_there(one)]) for one in states))
            case LatestAsk():
                return Latest(int(self._latest()))
            case LatestAsk():
                return Latest(int(self._latest()))
            case RefusalsAsk():
                told = self._meter.refusals() if self._meter is not None else {}
                return Refusals(b"".join(_REFUSAL.pack(owner.encode("ascii"), count) for owner, count in told.items()))
            case KeyCommand():
                return run(self._keys, request, self._meter)
            case SignOffer():
                return self._sign_offer(request)
            case SignReceipt():
                return self._sign_receipt(request)
            case PseudonymKeyAsk():
                return PseudonymKey(self._keys.pseudonyms.public_key().public_bytes_raw())
            case IdentityAsk():
                return Identity(self._keys.identity)
        raise NotAllowed("This request is not served here.")

    def _seal(self, request: Seal, allowed: frozenset[Use]) -> Sealed:
        use, country = _use(request.use, allowed), _country(request.country)
        epoch = self._keys.epoch(country)
        key = self._keys.key(country, epoch, use, request.record, make=True)
        return Sealed(epoch, seal_blob(key, Context.of(request), epoch, request.tail))

    def _unseal(self, request: Unseal, allowed: frozenset[Use]) -> Unsealed:
        use, country = _use(request.use, allowed), _country(request.country)
        key = self._keys.key(country, epoch_of(request.tail), use, request.record)
        return Unsealed(open_blob(key, Context.of(request), request.tail))

    def _reseal(self, request: Reseal) -> Sealed:
        use, country, bound = _use(request.use, EVERY_USE), _country(request.country), Context.of(request)
        content = open_blob(self._keys.key(country, epoch_of(request.tail), use, request.record), bound, request.tail)
        if request.renew:
            if request.record == NOBODY:
                raise BadInput("What belongs to no record has no next secret.")
            bound = replace(bound, record=successor(request.record))
        epoch = self._keys.epoch(country)
        key = self._keys.key(country, epoch, use, bound.record, make=bool(request.renew))
        return Sealed(epoch, seal_blob(key, bound, epoch, content))

    def _shred(self, request: Shred) -> Done:
        records = [request.tail[at : at + 16] for at in range(0, len(request.tail), 16)]
        if len(request.tail) % 16 or NOBODY in records:
            raise BadInput("Records to be shredded are named by UUIDs of 16 bytes.")
        self._keys.shred(_country(request.country), records)
        return Done()

    def _template_keys(self, request: TemplateKeysAsk) -> TemplateKeys:
        country, count = _country(request.country), min(request.count, MAX_KEYS)
        if request.record == NOBODY:
            raise Damaged("A template belongs to no record.", advice="Restore it from its owner or a backup.")
        found = self._keys.keys(country, request.epoch, Use.TEMPLATE, request.record, count)
        return TemplateKeys(b"".join(record + key for record, key in found))

    def _sign_offer(self, request: SignOffer) -> Signature:
        now = self._clock()
        if not now < request.expires <= now + MAX_OFFER_SECONDS:
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


def _there(one: CountryState) -> int:
    """As `wire.messages.Countries` says it."""
    return 1 if one.state == HELD else 2 if one.failing else 0


def _country(code: bytes) -> str:
    if not (code.isascii() and code.isalpha() and code.isupper()):
        raise BadInput("A country is three capital letters, as in ISO 3166-1 alpha-3.")
    return code.decode("ascii")
