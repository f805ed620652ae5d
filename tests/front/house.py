"""A front with a real database, vault and uvicorn-less HTTP; opener and matcher are doubles at real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import io
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from PIL import Image
from tests.search.doubles import Matcher, Opener

from limen import countries
from limen.access import directory, sessions
from limen.access.signing import HttpSignature
from limen.front.app import create
from limen.front.parts import Parts
from limen.hub.supervisor import Hub
from limen.records import store
from limen.records.database import Database, open_database
from limen.records.personal import Personal
from limen.records.tables import Record, Sample
from limen.settings import Settings
from limen.terms import Modality, Notice, Purpose, Sex
from limen.vault.client import VaultClient
from limen.vault.seal import Context, Use
from limen.wire.parts import Match

WANTED = Personal(
    record_id="FRA-7",
    names=("MARTIN, Jean", "Le Grand"),
    date_of_birth="1971-05-30",
    sex=Sex.MALE,
    nationalities=("FRA",),
    notice=Notice.RED,
    notice_number="A-1/2026",
    offence="Armed robbery",
    instructions="Arrest and inform the NCB.",
)
BASE = "http://limen.test"


@dataclass
class House:
    """What a story can use."""

    settings: Settings
    app: FastAPI
    parts: Parts
    database: Database
    opener: Opener
    matcher: Matcher
    keys: dict[str, Ed25519PrivateKey]
    record: Record

    def signed(self, name: str = "BIH/officer1") -> httpx.AsyncClient:
        """A machine's client."""
        return self._client(auth=HttpSignature(self.keys[name], name))

    def stranger(self) -> httpx.AsyncClient:
        """A client of nobody."""
        return self._client()

    def invite(self, name: str = "BIH/officer1") -> str:
        """A one-time link's token."""
        with self.database.writing() as session:
            officer = directory.find_officer(session, name)
            assert officer is not None
            return sessions.invite(session, officer)

    def hit(self) -> None:
        """From now on every search finds the wanted person."""
        from limen.terms import Answer

        self.matcher.answer = Answer.HIT
        self.matcher.matches = [Match(self.record.handle, self.record.samples[0].handle, 2, 0b110, 0b100)]

    def _client(self, auth: httpx.Auth | None = None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=BASE, auth=auth)


def portrait_jpeg() -> bytes:
    """A small picture that stands for a portrait."""
    out = io.BytesIO()
    Image.new("RGB", (60, 80), (90, 120, 60)).save(out, "JPEG")
    return out.getvalue()


def tell(tmp_path: Path, story: Callable[[House], Awaitable[None]], **settings: object) -> None:
    """Run a story in a house."""

    async def play() -> None:
        async with asyncio.timeout(300), house(tmp_path, **settings) as made:
            await story(made)

    asyncio.run(play())


@contextlib.asynccontextmanager
async def house(tmp_path: Path, **settings: object) -> AsyncIterator[House]:
    """A running front with two countries, two officers, one wanted person, and doubles behind it."""
    made = Settings(data=tmp_path / "d", **settings)  # type: ignore[arg-type]
    made.run.mkdir(parents=True)
    with Hub(made, ["vault"]):
        keys = {name: Ed25519PrivateKey.generate() for name in ("BIH/officer1", "BIH/officer2", "SRB/officer1")}
        database = open_database(made)
        record = await asyncio.to_thread(_fill, made, database, keys)
        opener, matcher = Opener(), Matcher()
        opener.on_end = matcher.decide
        servers = [
            await opener.serve(Path(made.socket("opener-probe"))),
            await matcher.serve(Path(made.socket("matcher-front"))),
        ]
        app = create(made)
        try:
            async with app.router.lifespan_context(app):
                parts: Parts = app.state.parts
                while not parts.matcher.up or not parts.feeder.complete:
                    await asyncio.sleep(0.01)
                yield House(made, app, parts, database, opener, matcher, keys, record)
        finally:
            for server in servers:
                server.close()
            database.close()


def _fill(settings: Settings, database: Database, keys: dict[str, Ed25519PrivateKey]) -> Record:
    with database.writing() as session:
        directory.add_country(session, "FRA", "NCB Paris, +33 1 00 00 00 00")
        directory.add_country(session, "BIH")
        directory.add_country(session, "SRB")
        for name, key in keys.items():
            directory.add_officer(session, name, key.public_key().public_bytes_raw())
    with VaultClient.connect(settings) as vault, database.writing() as session:
        draft, sample = _draft(vault)
        store.save(session, draft)
        record = store.by_id(session, draft.id)
        assert record is not None and record.samples == [sample]
        return record


def _draft(vault: VaultClient) -> tuple[store.Draft, Sample]:
    now = int(time.time())
    record_id, sample_id, until = uuid.uuid4(), uuid.uuid4(), now + 86400
    fields = Context(Use.FIELDS, b"FRA", record_id.bytes, store.NO_SAMPLE, 0, 0, b"", until)
    epoch, blob = vault.seal(fields, WANTED.pack())
    picture = Context(Use.SAMPLE, b"FRA", record_id.bytes, sample_id.bytes, Modality.FACE, 0, b"", until)
    sample = Sample(
        id=sample_id, modality=Modality.FACE, position=0, model="sface", quality=80, minutiae=0, reasons=0, width=60,
        height=80, ppi=0, epoch=epoch, expires=until, input_hash=b"h" * 32, original_length=0, template=b"t" * 64,
        portrait=vault.seal(picture, portrait_jpeg())[1], original=None,
    )  # fmt: skip
    draft = store.Draft(
        record_id, "FRA", b"k" * 32, blob, epoch, b"f" * 32, countries.bitmap(["BIH", "FRA"]),
        Purpose.LOCATE_WANTED.value, now - 10, until, [sample],
    )  # fmt: skip
    return draft, sample
