"""Asking the vault: one class for plain sockets (workers, matcher, commands), one for asyncio (front)."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import cbor2

from limen.errors import KeyUnavailable, LimenError, Unavailable
from limen.settings import Settings
from limen.vault.seal import Context
from limen.wire import Message, receive, send
from limen.wire.frame import read
from limen.wire.messages import (
    MAX_KEYS,
    Countries,
    CountriesAsk,
    Done,
    Identity,
    IdentityAsk,
    KeyAnswer,
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
from limen.wire.sockets import connect, open_stream

ANSWER_SECONDS = 10.0  # the vault answers in milliseconds; longer means that it hangs
COMMAND_SECONDS = 120.0  # a rotation wraps every record's secret anew: 225,000 take some seconds

M = TypeVar("M", bound=Message)


class VaultClient:
    """A connection to the vault, one request at a time. All calls raise `Unavailable` if the vault is not there."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    @classmethod
    def connect(cls, settings: Settings, name: str = "vault-front") -> VaultClient:
        """Connect to one of the vault's sockets: vault-front, vault-matcher, vault-opener, vault-keys."""
        return cls(connect(settings.socket(name)))

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def __enter__(self) -> VaultClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def seal(self, context: Context, plaintext: bytes) -> tuple[int, bytes]:
        """Seal for the context's country: (epoch, blob)."""
        sealed = self._ask(_seal(context, plaintext), Sealed)
        return sealed.epoch, sealed.tail

    def unseal(self, context: Context, blob: bytes) -> bytes:
        """Open a blob. `Damaged`: it does not open; `KeyUnavailable`: its country's key is not there."""
        return self._ask(_unseal(context, blob), Unsealed).tail

    def reseal(self, context: Context, blob: bytes, *, renew: bool = False) -> tuple[int, bytes]:
        """Seal a blob anew with its country's present epoch, and (renew) its record's next secret: (epoch, blob)."""
        sealed = self._ask(Reseal(*context.fields(), int(renew), blob), Sealed)
        return sealed.epoch, sealed.tail

    def shred(self, country: str, records: Sequence[bytes]) -> None:
        """Destroy the keys of records, named by their UUIDs."""
        for start in range(0, len(records), MAX_KEYS):
            self._ask(_shred(country, records[start : start + MAX_KEYS]), Done)

    def pseudonym_key(self) -> bytes:
        """The public key of the ledger's pseudonyms (`ledger.pseudonym`), X25519, 32 bytes."""
        return self._ask(PseudonymKeyAsk(), PseudonymKey).public_key

    def countries(self) -> dict[str, bool]:
        """Countries that have keys here, and whether each one's are there now."""
        return {country: how == 1 for country, how in self.reachable().items()}

    def reachable(self) -> dict[str, int]:
        """How each country's keys are there, in the words of `wire.messages.Countries`."""
        return _countries(self._ask(CountriesAsk(), Countries))

    def command(self, verb: int, country: str = "", epoch: int = 0, **content: object) -> Any:
        """What `vault.commands` does, and its answer; vault-keys only."""
        request = KeyCommand(verb, country.encode("ascii").ljust(3, b"\0"), epoch, cbor2.dumps(content))
        send(self._socket, request)
        return cbor2.loads(receive(self._socket, KeyAnswer, timeout=COMMAND_SECONDS).tail)

    def template_keys(self, country: str, epoch: int, record: bytes, count: int = 1) -> dict[bytes, bytes]:
        """Keys of templates by record, of this one and of those stored after it; vault-matcher only."""
        tail = self._ask(TemplateKeysAsk(country.encode("ascii"), epoch, record, count), TemplateKeys).tail
        return {tail[at : at + 16]: tail[at + 16 : at + 48] for at in range(0, len(tail), 48)}

    def sign_offer(self, search: bytes, nonce: bytes, public_key: bytes, expires: int) -> bytes:
        """The hub's signature under an offer (`capture.offer`), 64 bytes; vault-opener only."""
        return self._ask(SignOffer(search, nonce, public_key, expires), Signature).signature

    def sign(self, message: bytes) -> bytes:
        """The hub's Ed25519 signature under a receipt or checkpoint, 64 bytes; vault-front only."""
        return self._ask(SignReceipt(message), Signature).signature

    def identity(self) -> bytes:
        """The hub's Ed25519 public key, 32 bytes."""
        return self._ask(IdentityAsk(), Identity).public_key

    def _ask(self, request: Message, answer: type[M]) -> M:
        send(self._socket, request)
        return receive(self._socket, answer, timeout=ANSWER_SECONDS)


class AsyncVaultClient:
    """The same for asyncio. Shares one connection among tasks, and connects again after the vault restarted."""

    def __init__(self, settings: Settings, name: str = "vault-front") -> None:
        self._path: Callable[[], str] = lambda: settings.socket(name)
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def close(self) -> None:
        """Close the connection; the next call opens another."""
        async with self._lock:
            self._drop()

    async def seal(self, context: Context, plaintext: bytes) -> tuple[int, bytes]:
        """See `VaultClient.seal`."""
        sealed = await self._ask(_seal(context, plaintext), Sealed)
        return sealed.epoch, sealed.tail

    async def unseal(self, context: Context, blob: bytes) -> bytes:
        """See `VaultClient.unseal`."""
        return (await self._ask(_unseal(context, blob), Unsealed)).tail

    async def sign(self, message: bytes) -> bytes:
        """See `VaultClient.sign`."""
        return (await self._ask(SignReceipt(message), Signature)).signature

    async def identity(self) -> bytes:
        """See `VaultClient.identity`."""
        return (await self._ask(IdentityAsk(), Identity)).public_key

    async def shred(self, country: str, records: Sequence[bytes]) -> None:
        """See `VaultClient.shred`."""
        for start in range(0, len(records), MAX_KEYS):
            await self._ask(_shred(country, records[start : start + MAX_KEYS]), Done)

    async def stop(self, country: str) -> None:
        """Let nothing of a country open until two of its people release it; vault-front only. `NotFound`."""
        await self._ask(StopCountry(country.encode("ascii")), Done)

    async def pseudonym_key(self) -> bytes:
        """See `VaultClient.pseudonym_key`."""
        return (await self._ask(PseudonymKeyAsk(), PseudonymKey)).public_key

    async def latest(self) -> int:
        """The latest time that the vault has seen, Unix seconds (`vault.clock`); vault-front only."""
        return (await self._ask(LatestAsk(), Latest)).at

    async def refusals(self) -> dict[str, int]:
        """How often too many of an owner's records were to be opened (`vault.meter`); vault-front only."""
        tail = (await self._ask(RefusalsAsk(), Refusals)).tail
        return {owner.decode("ascii"): count for owner, count in struct.iter_unpack("<3sQ", tail)}

    async def countries(self) -> dict[str, bool]:
        """See `VaultClient.countries`."""
        return {country: how == 1 for country, how in _countries(await self._ask(CountriesAsk(), Countries)).items()}

    async def _ask(self, request: Message, answer: type[M]) -> M:
        async with self._lock:
            fresh = self._streams is None
            try:
                return await self._once(request, answer)
            except KeyUnavailable:  # the vault's own answer, not a lost connection
                raise
            except Unavailable:
                self._drop()
                if fresh:
                    raise
            return await self._once(request, answer)  # the old connection had died; a new one may serve

    async def _once(self, request: Message, answer: type[M]) -> M:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if self._streams is None:
                    self._streams = await open_stream(self._path())
                reader, writer = self._streams
                writer.write(request.pack())
                await writer.drain()
                return await read(reader, answer)
        except LimenError:
            raise
        except BaseException as error:  # also a cancelled task: the answer would meet the next request
            self._drop()
            if isinstance(error, OSError | TimeoutError):
                raise Unavailable("The vault does not answer.", advice="It may be restarting; try again.") from None
            raise

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _seal(context: Context, plaintext: bytes) -> Seal:
    return Seal(*context.fields(), plaintext)


def _unseal(context: Context, blob: bytes) -> Unseal:
    return Unseal(*context.fields(), blob)


def _shred(country: str, records: Sequence[bytes]) -> Shred:
    return Shred(country.encode("ascii"), b"".join(records))


def _countries(message: Countries) -> dict[str, int]:
    tail = message.tail
    return {tail[at : at + 3].decode("ascii"): tail[at + 3] for at in range(0, len(tail), 4)}
