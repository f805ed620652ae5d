"""Follow a hit: find the matched records, open what their owners let the searching country see, and keep the hit."""

from __future__ import annotations

import asyncio
import uuid
from typing import Protocol

import structlog

from limen import countries
from limen.errors import LimenError, NotFound
from limen.hits.keep import Asked, Capture, keep
from limen.hits.view import PortraitRef, RecordView
from limen.records import store
from limen.records.database import Database
from limen.records.personal import Personal
from limen.records.tables import Country, Record, Sample
from limen.terms import Answer, Modality, Position
from limen.vault.seal import Context, Use
from limen.wire.parts import Match

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG"  # first bytes of what an enrolment worker writes as a portrait

log = structlog.get_logger()


class Vault(Protocol):
    """What follows a hit needs only this of the vault (`vault.client.AsyncVaultClient`)."""

    async def unseal(self, context: Context, blob: bytes) -> bytes: ...


class Hits:
    """Follows hits with the hub's database and vault."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def follow(
        self, asked: Asked, matches: list[Match], answer: Answer, held: Capture | None = None
    ) -> list[RecordView]:
        """Keep the hit, and the matched records as the searching country may see them, strongest first.

        `held` is the capture, sealed for those who must verify the hit.

        Records that were withdrawn, suspended or hidden from the country since the decision are left out.

        Raises:
            Unavailable: the database cannot be read.
        """
        found = await asyncio.to_thread(self._find, asked.country, matches)
        views = [await self._view(record, match, contact, asked.country) for record, match, contact in found]
        try:
            await asyncio.to_thread(self._keep, asked, [record for record, _, _ in found], answer, held)
        except LimenError as error:  # the officer must hear of the hit even if the disk is full
            log.error("hit-not-kept", error=error.code)
        return views

    async def views(self, country: str, matches: list[Match]) -> list[RecordView]:
        """Records as a country may see them, in this order, without keeping that they were found; raises as `follow`.

        Those that were withdrawn, suspended or hidden from the country are left out.
        """
        found = await asyncio.to_thread(self._find, country, matches)
        return [await self._view(record, match, contact, country) for record, match, contact in found]

    async def portrait(self, ref: PortraitRef, country: str) -> tuple[bytes, str]:
        """A portrait and its media type, if the country may still see the record.

        Raises:
            NotFound: the record or its portrait is gone or hidden.
            Unavailable, KeyUnavailable, Damaged: as the vault says.
        """
        context, sealed = await asyncio.to_thread(self._sealed_portrait, ref, country)
        image = await self._vault.unseal(context, sealed)
        if image.startswith(JPEG):
            return image, "image/jpeg"
        if image.startswith(PNG):
            return image, "image/png"
        raise NotFound("The portrait is of a kind that cannot be shown.")

    def _find(self, country: str, matches: list[Match]) -> list[tuple[Record, Match, str]]:
        with self._database.reading() as session:
            rows = [(store.by_handle(session, match.record), match) for match in matches]
            seen = [(record, match) for record, match in rows if record and store.visible_to(record, country)]
            offices = {row.code: row.contact for row in session.query(Country).all()}
            return [(record, match, offices.get(record.owner, "")) for record, match in seen]

    async def _view(self, record: Record, match: Match, office: str, country: str) -> RecordView:
        try:
            personal = Personal.unpack(await self._vault.unseal(store.fields_context(record), record.fields))
        except LimenError as error:
            log.error("record-not-opened", owner=record.owner, error=error.code)
            personal = None
        portrait = store.portrait_sample(record)
        common = {
            "strength": match.strength,
            "agreed": agreed(match),
            "owner": record.owner,
            "owner_name": countries.name(record.owner),
            "portrait": PortraitRef(record.id.bytes, portrait.id.bytes) if portrait else None,
        }
        if personal is None:
            return RecordView(number=f"{record.owner}-{record.id}", opened=False, contact=office, **common)  # type: ignore[arg-type]
        whole = RecordView(
            number=personal.record_id,
            opened=True,
            names=personal.names,
            date_of_birth=personal.date_of_birth,
            sex=personal.sex.value,
            nationalities=personal.nationalities,
            notice=personal.notice,
            notice_number=personal.notice_number,
            urgent=bool(personal.notice and personal.notice.urgent),
            offence=personal.offence,
            instructions=personal.instructions,
            contact=personal.contact or office,
            **common,  # type: ignore[arg-type]
        )
        return whole if country == record.owner else whole.as_disclosed(personal.disclosure)

    def _keep(self, asked: Asked, records: list[Record], answer: Answer, held: Capture | None) -> None:
        if records or held:
            with self._database.writing() as session:
                keep(session, asked, records, answer, held)

    def _sealed_portrait(self, ref: PortraitRef, country: str) -> tuple[Context, bytes]:
        with self._database.reading() as session:
            sample = session.get(Sample, uuid.UUID(bytes=ref.sample))
            if sample is None or not store.visible_to(sample.record, country) or not sample.portrait:
                raise NotFound("The portrait is not there any more.", code="no-such-portrait")
            return store.sample_context(sample, sample.record, Use.SAMPLE), sample.portrait


def agreed(match: Match) -> tuple[str, ...]:
    """What agreed, in words: the face, the fingers by name, palms."""
    face = ["face"] if match.modalities >> Modality.FACE & 1 else []
    fingers = [position.slug for position in Position if position.is_finger and match.fingers >> position & 1]
    others = [m.slug for m in (Modality.PALM, Modality.MARK) if match.modalities >> m & 1]
    if match.modalities >> Modality.FINGER & 1 and not fingers:
        fingers = ["finger"]
    return (*face, *fingers, *others)
