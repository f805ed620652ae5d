"""The vault as a process: each socket serves its own few things, and cuts off who asks for others."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from limen.capture.offer import Offer, verify_offer
from limen.errors import BadInput, BadMessage, Damaged, KeyUnavailable, NotAllowed, Unavailable
from limen.settings import Settings
from limen.vault.client import AsyncVaultClient, VaultClient
from limen.vault.commands import Verb
from limen.vault.seal import Context, Use, epoch_of, open_blob
from limen.wire import Message, receive, send
from limen.wire.messages import (
    Done,
    IdentityAsk,
    KeyCommand,
    Reseal,
    Shred,
    Signature,
    SignOffer,
    SignReceipt,
    TemplateKeysAsk,
    Unseal,
)
from limen.wire.sockets import connect

PROGRAM = """
import sys
from pathlib import Path
from limen.settings import Settings
from limen.vault.process import main
main(Settings(data=Path(sys.argv[1])), lambda: print("ready", flush=True))
"""


def start(settings: Settings) -> subprocess.Popen[str]:
    """The vault in a process of its own, ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(settings.data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    while (line := process.stdout.readline()) and line != "ready\n":
        pass
    return process


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = Settings(data=tmp_path_factory.mktemp("hub"))
    process = start(settings)
    yield settings
    process.terminate()
    assert process.wait(10) == 0


def context(use: Use, **changes: object) -> Context:
    fields: dict = {"country": b"FRA", "record": os.urandom(16), "sample": bytes(16), "modality": 1, "position": 0}
    return Context(use=use, **(fields | {"model": b"", "expires": 0} | changes))


def test_the_matcher_opens_what_a_worker_sealed(settings: Settings) -> None:
    bound = context(Use.TEMPLATE, model=b"sface")
    with VaultClient.connect(settings, "vault-opener") as worker, VaultClient.connect(settings, "vault-matcher") as m:
        epoch, blob = worker.seal(bound, b"a template")
        assert open_blob(m.template_keys("FRA", epoch, bound.record)[bound.record], bound, blob) == b"a template"
        portrait = context(Use.SAMPLE)
        _, picture = worker.seal(portrait, b"a portrait")
        with pytest.raises(Damaged):
            open_blob(m.template_keys("FRA", epoch, portrait.record)[portrait.record], portrait, picture)
        for country, record in (("DEU", bound.record), ("FRA", os.urandom(16))):
            with pytest.raises(KeyUnavailable):
                m.template_keys(country, 1, record)
        with pytest.raises(Damaged):
            m.template_keys("FRA", epoch, bytes(16))
        assert m.template_keys("FRA", epoch, bound.record), "the connection goes on after an answer of no"
        assert m.countries()["FRA"]


def test_a_loader_gets_the_keys_of_what_was_stored_next(settings: Settings) -> None:
    several = [context(Use.TEMPLATE, country=b"ESP") for _ in range(5)]
    with VaultClient.connect(settings, "vault-opener") as worker, VaultClient.connect(settings, "vault-matcher") as m:
        blobs = [worker.seal(one, b"template") for one in several]
        keys = m.template_keys("ESP", 1, several[1].record, 3)
        assert list(keys) == [one.record for one in several[1:4]]
        for one, (_, blob) in zip(several[1:4], blobs[1:4], strict=True):
            assert open_blob(keys[one.record], one, blob) == b"template"


def test_what_was_shredded_does_not_open(settings: Settings) -> None:
    gone, stays = context(Use.FIELDS, country=b"ITA"), context(Use.FIELDS, country=b"ITA")
    with VaultClient.connect(settings) as front:
        blobs = [front.seal(one, b"names")[1] for one in (gone, stays)]
        front.shred("ITA", [gone.record, os.urandom(16)])
        with pytest.raises(KeyUnavailable, match="shredded"):
            front.unseal(gone, blobs[0])
        assert front.unseal(stays, blobs[1]) == b"names"
        front.shred("ITA", [gone.record])
        front.shred("XXX", [gone.record])


def test_keys_are_managed_over_their_own_socket(settings: Settings) -> None:
    bound, template = context(Use.FIELDS, country=b"BIH"), context(Use.TEMPLATE, country=b"BIH")
    with (
        VaultClient.connect(settings) as front,
        VaultClient.connect(settings, "vault-keys") as keys,
        VaultClient.connect(settings, "vault-opener") as worker,
        VaultClient.connect(settings, "vault-matcher") as matcher,
    ):
        blob, sealed = front.seal(bound, b"names")[1], worker.seal(template, b"minutiae")[1]
        assert keys.command(Verb.ROTATE, "BIH") == {"epoch": 2}
        assert front.unseal(bound, blob) == b"names", "the older epoch still opens"
        epoch, fresh = front.reseal(template, sealed)
        assert (epoch, epoch_of(fresh)) == (2, 2)
        key = matcher.template_keys("BIH", 2, template.record)[template.record]
        assert open_blob(key, template, fresh) == b"minutiae"
        assert keys.command(Verb.RETIRE, "BIH", 1) == {}
        with pytest.raises(KeyUnavailable, match="epoch 1"):
            front.unseal(bound, blob)
        secret = b"four words are enough"
        handed = keys.command(Verb.HAND_OUT, "BIH", passphrase=secret)["handed"]
        for wrong in ({}, {"handed": handed, "passphrase": b"four words are not"}):
            with pytest.raises((BadInput, KeyUnavailable)):
                keys.command(Verb.REVOKE, "BIH", **wrong)
        assert matcher.countries()["BIH"], "nothing is forgotten before it is safe elsewhere"
        keys.command(Verb.REVOKE, "BIH", handed=handed, passphrase=secret)
        assert not matcher.countries()["BIH"]
        assert matcher.countries()["FRA"], "the others go on"
        for refused in (lambda: matcher.template_keys("BIH", 2, template.record), lambda: front.seal(bound, b"x")):
            with pytest.raises(KeyUnavailable, match="taken its key back"):
                refused()
        with pytest.raises(KeyUnavailable, match="passphrase is wrong"):
            keys.command(Verb.RESTORE, "BIH", handed=handed, passphrase=b"four words are not")
        keys.command(Verb.RESTORE, "BIH", handed=handed, passphrase=secret)
        assert matcher.template_keys("BIH", 2, template.record)[template.record] == key
        (state,) = [one for one in keys.command(Verb.STATUS)["countries"] if one["country"] == "BIH"]
        assert (state["state"], state["epoch"], state["secrets"]) == ("held", 2, 2)


def test_the_front_unseals_fields_but_no_template(settings: Settings) -> None:
    bound, fields = context(Use.TEMPLATE), context(Use.FIELDS)
    with VaultClient.connect(settings, "vault-opener") as worker, VaultClient.connect(settings) as front:
        _, blob = worker.seal(bound, b"a template")
        _, names = front.seal(fields, b"names")
        assert front.unseal(fields, names) == b"names"
        with pytest.raises(Damaged):
            front.unseal(dataclasses.replace(fields, expires=1), names)
        with pytest.raises(KeyUnavailable):
            front.unseal(context(Use.FIELDS), names)
        with pytest.raises(NotAllowed):
            front.unseal(bound, blob)


def test_offers_are_signed_for_workers_alone(settings: Settings) -> None:
    offer = Offer(os.urandom(16), os.urandom(32), os.urandom(32), int(time.time()) + 60)
    with VaultClient.connect(settings, "vault-opener") as worker, VaultClient.connect(settings) as front:
        signature = worker.sign_offer(offer.search, offer.nonce, offer.public_key, offer.expires)
        verify_offer(offer, signature, front.identity(), now=time.time())
        with pytest.raises(BadInput):
            worker.sign_offer(offer.search, offer.nonce, offer.public_key, offer.expires + 3600)
        receipt = front.sign(b"receipt")
        Ed25519PublicKey.from_public_bytes(front.identity()).verify(receipt, b"receipt")
        with pytest.raises(InvalidSignature):
            Ed25519PublicKey.from_public_bytes(front.identity()).verify(receipt, b"another")
        with pytest.raises(NotAllowed):
            front.sign(offer.signed_bytes())


FOREIGN: list[tuple[str, Message]] = [
    ("vault-opener", IdentityAsk()),
    ("vault-opener", TemplateKeysAsk(b"FRA", 1, bytes(16), 1)),
    ("vault-opener", Unseal(2, b"FRA", bytes(16), bytes(16), 1, 0, bytes(16), 0, b"x")),
    ("vault-matcher", SignReceipt(b"x")),
    ("vault-matcher", Unseal(1, b"FRA", bytes(16), bytes(16), 1, 0, bytes(16), 0, b"x")),
    ("vault-front", TemplateKeysAsk(b"FRA", 1, bytes(16), 1)),
    ("vault-front", SignOffer(bytes(16), bytes(32), bytes(32), 2**40)),
    ("vault-front", Done()),
    ("vault-front", KeyCommand(Verb.REVOKE, b"FRA", 0, b"")),
    ("vault-opener", Shred(b"FRA", bytes(16))),
    ("vault-matcher", Reseal(1, b"FRA", bytes(16), bytes(16), 1, 0, bytes(16), 0, 0, b"x")),
    ("vault-keys", IdentityAsk()),
    ("vault-keys", KeyCommand(99, b"FRA", 0, b"")),
    ("vault-keys", KeyCommand(Verb.STATUS, b"FRA", 0, b"\xff")),
]


@pytest.mark.parametrize(("name", "request_"), FOREIGN, ids=lambda v: v if isinstance(v, str) else type(v).__name__)
def test_foreign_requests_end_the_connection(settings: Settings, name: str, request_: Message) -> None:
    sock = connect(settings.socket(name))
    send(sock, request_)
    with pytest.raises(BadMessage):
        receive(sock, Signature, timeout=5)
    with pytest.raises(Unavailable):
        receive(sock, Signature, timeout=5)
    sock.close()


def test_bytes_that_are_no_message_end_the_connection(settings: Settings) -> None:
    sock = connect(settings.socket("vault-front"))
    sock.sendall(b"GET / HTTP/1.1\r\n\r\n" * 4)
    with pytest.raises((BadMessage, Unavailable)):
        receive(sock, Signature, timeout=5)
    sock.close()
    with VaultClient.connect(settings) as front:
        assert len(front.identity()) == 32


def test_sockets_are_private(settings: Settings) -> None:
    assert settings.run.stat().st_mode & 0o777 == 0o700
    for path in settings.run.glob("vault-*.sock"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_the_asyncio_client_survives_a_restart(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    process = start(settings)

    async def story() -> None:
        nonlocal process
        client = AsyncVaultClient(settings)
        identities = await asyncio.gather(*(client.identity() for _ in range(20)))
        bound = context(Use.FIELDS)
        _, blob = await client.seal(bound, b"names")
        with pytest.raises(KeyUnavailable):
            await client.unseal(context(Use.FIELDS, country=b"DEU"), blob)
        process.kill()
        process.wait()
        with pytest.raises(Unavailable):
            await client.identity()
        process = start(settings)
        assert {await client.identity()} == set(identities)
        assert await client.unseal(bound, blob) == b"names"
        await client.close()

    asyncio.run(story())
    process.terminate()
    process.wait(10)


def test_nobody_listening_is_said() -> None:
    with pytest.raises(Unavailable, match="vault process does not answer"):
        connect("/nonexistent/vault-front.sock")
    assert socket.AF_UNIX
