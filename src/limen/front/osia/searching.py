"""OSIA's identifications and verifications: searches as all others, under the same policy, caps and ledger.

OSIA wants a score for each candidate. The hub gives none to anybody: `score` is 1 for a hit and 0.5 for a lead, and
says no more than these words do.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from limen.access.policy import Action
from limen.capture import container
from limen.capture.container import Sample
from limen.errors import BadInput, LimenError, NotAllowed, NotFound, Unavailable
from limen.exchange import osia
from limen.front.osia.answers import OsiaRoute, Result
from limen.front.osia.asked import MAX_LIST, Asked, Request_
from limen.front.osia.galleries import purpose_of
from limen.front.routes.searches import begin
from limen.reasons import Reason
from limen.records import encounters, store
from limen.records.database import Database
from limen.records.encountering import Encounters
from limen.records.encounters import Ids
from limen.records.index import keyed_hash
from limen.records.tables import Country, Record
from limen.search.answer import MatchSaid, SearchAnswer
from limen.search.narrow import Narrow
from limen.search.relay import Capture, Form
from limen.terms import Answer, Modality, Position, Purpose
from limen.wire.messages import MAX_SAMPLES
from limen.wire.parts import Match

router = APIRouter(route_class=OsiaRoute)

SCORES = {"hit": 1.0, "lead": 0.5}
_FOREIGN = re.compile(r"([A-Z]{3}):(.+)", re.DOTALL)
NO_FILTER = b"{}"
_TYPES = {Modality.FACE: "FACE"}  # others are FINGER
_HUBS_OWN = {Reason.GALLERY_INCOMPLETE.slug}  # not the probe's fault


@router.post("/identify/{gallery}")
async def identify(asked: Request_, gallery: str, maxNbCand: int | None = None) -> Response:  # noqa: N803
    """Who is this?"""

    async def work() -> Result:
        purpose = purpose_of(gallery)
        answer = await _search(asked, Form.OSIA, asked.chunks(), _wanted(asked.parts.database, purpose))
        return Result(await _candidates(asked, answer, maxNbCand))

    return await asked.answered(work)


@router.post("/identify/{gallery}/{person}")
async def identify_from_id(asked: Request_, gallery: str, person: str, maxNbCand: int | None = None) -> Response:  # noqa: N803
    """Who else is this person of the asker's country?"""
    return await _identify_from(asked, gallery, person, None, maxNbCand)


@router.post("/identify/{gallery}/{person}/encounters/{encounter}")
async def identify_from_encounter_id(
    asked: Request_,
    gallery: str,
    person: str,
    encounter: str,
    maxNbCand: int | None = None,  # noqa: N803
) -> Response:
    """Who else is the person of this encounter of the asker's country?"""
    return await _identify_from(asked, gallery, person, encounter, maxNbCand)


@router.post("/verify/{gallery}/{person:path}")
async def verify_from_id(asked: Request_, gallery: str, person: str) -> Response:
    """Is this that person? One whom the searching country may see, `FRA:1234` if they are another country's."""

    async def work() -> Result:
        purpose = purpose_of(gallery)
        records = await asked.with_records(lambda own: _visible(own, person, purpose))
        only = encounters.handles(records)
        wanted = _wanted(asked.parts.database, purpose, only=only)
        answer = await _search(asked, Form.OSIA_VERIFY, asked.chunks(), wanted)
        named = await asked.with_records(lambda own: [_named(own, match) for match in answer.matches])
        scores = [
            {"score": SCORES[match.strength], **galleries, "others": _others(match, answer)}
            for match, (_, galleries) in zip(answer.matches, named, strict=True)
        ]
        return Result({"decision": answer.answer == Answer.HIT, **({"scores": scores} if scores else {})})

    return await asked.answered(work)


@router.post("/verify")
async def verify_from_bio(asked: Request_) -> Response:
    """Two sets of strangers' data are compared for nobody."""
    if not asked.search_purpose():
        raise _no_purpose()
    raise NotAllowed(
        "The hub compares with records only: with each comparison it is known whose record, for whom and for what.",
        advice="Use verify/{galleryId}/{personId}.",
    )


async def _identify_from(asked: Asked, gallery: str, person: str, encounter: str | None, most: int | None) -> Response:
    async def work() -> Result:
        asked.may(Action.READ_RECORDS)
        types = osia.modalities(osia.criteria(await asked.body_if_any(MAX_LIST) or NO_FILTER))
        purpose = purpose_of(gallery)
        known, form, probe = await asked.with_records(lambda own: _as_probe(own, person, encounter, types))
        asked.taken()
        wanted = _wanted(asked.parts.database, purpose, without=encounters.handles(known))
        answer = await _search(asked, form, _once(probe), wanted)
        return Result(await _candidates(asked, answer, most))

    return await asked.answered(work)


async def _search(asked: Asked, form: Form, chunks: AsyncIterator[bytes], wanted: Narrow) -> SearchAnswer:
    """A search from its beginning to its end; raises where the answer is that the hub cannot tell."""
    if not asked.search_purpose():
        raise _no_purpose()
    began, who, searches = time.monotonic(), asked.who, asked.parts.searches
    search = await begin(asked.parts, who, asked.search_purpose(), None)
    try:
        posted = form in (Form.OSIA, Form.OSIA_VERIFY)
        capture = Capture(form, chunks, device=who.device if posted else None, accepted=asked.taken if posted else None)
        answer = await searches.run(search.id, who.searcher, capture, wanted)
    finally:
        searches.finish(search)
    asked.parts.metrics.answered(answer, time.monotonic() - began)
    if answer.answer == Answer.CANNOT_TELL:
        raise _cannot_tell(answer)
    return answer


def _wanted(
    database: Database,
    purpose: str | None,
    *,
    only: frozenset[int] | None = None,
    without: frozenset[int] = frozenset(),
) -> Narrow:
    """Matches in a gallery, of some records only, or without some."""

    def kept(matches: Sequence[Match]) -> list[Match]:
        left = [match for match in matches if (only is None or match.record in only) and match.record not in without]
        if purpose is None:
            return left
        with database.reading() as session:
            rows = {match.record: store.by_handle(session, match.record) for match in left}
        return [match for match in left if (row := rows[match.record]) is not None and row.purpose == purpose]

    async def narrow(matches: Sequence[Match]) -> list[Match]:
        return await asyncio.to_thread(kept, matches)

    return narrow


async def _candidates(asked: Asked, answer: SearchAnswer, most: int | None) -> list[dict[str, Any]]:
    """Candidates, a person once, strongest first."""
    named = await asked.with_records(lambda own: [_named(own, match) for match in answer.matches])
    first = {
        name: (match, galleries) for (name, galleries), match in reversed(list(zip(named, answer.matches, strict=True)))
    }
    ordered = list(dict.fromkeys(name for name, _ in named))[: max(most, 0) if most is not None else None]
    return [
        {
            "personId": name,
            "rank": rank,
            "score": SCORES[first[name][0].strength],
            "scores": [{"score": SCORES[first[name][0].strength], **first[name][1]}],
            "others": _others(first[name][0], answer),
        }
        for rank, name in enumerate(ordered, 1)
    ]


def _named(own: Encounters, match: MatchSaid) -> tuple[str, dict[str, list[str]]]:
    """What a matched person is called: as in other operations if they are the country's own, else after their owner;
    and the gallery that the match was found in, if its record is still there.
    """
    mine = match.owner == own.country
    name = match.record if mine else f"{match.owner}:{match.record}"
    try:
        hashes = own.hashes if mine else keyed_hash(own.database, own.vault, match.owner)
    except LimenError:  # its country has just taken its key back: what was found is still to be told
        return name, {}
    with own.database.reading() as session:
        record = store.by_external_key(session, match.owner, hashes.record_id(match.record))
        if record is None:
            return name, {}
        person = encounters.split(session, record, match.record).person if mine else name
        return person, {"galleries": [record.purpose]}


def _others(match: MatchSaid, answer: SearchAnswer) -> dict[str, Any]:
    """What an officer would be told of the candidate, and what to do."""
    said = match.model_dump(exclude={"portrait", "claim"})
    reasons = [reason.text for reason in answer.reasons]
    return {**said, "answer": answer.answer, "next": answer.next, "reasons": reasons}


def _visible(own: Encounters, person: str, purpose: str | None) -> list[Record]:
    """Records of a person whom the country may see, in a gallery; `NotFound` if there are none."""
    foreign = _FOREIGN.fullmatch(person)
    with own.database.reading() as session:
        if foreign and foreign[1] != own.country and session.get(Country, foreign[1]) is not None:
            hashes = keyed_hash(own.database, own.vault, foreign[1])
            record = store.by_external_key(session, foreign[1], hashes.record_id(foreign[2]))
            found = [record] if record is not None else []
        else:
            found = encounters.of_person(session, own.hashes, own.country, person)
    seen = [one for one in found if store.visible_to(one, own.country) and purpose in (None, one.purpose)]
    if not seen:
        raise NotFound("There is no such person that your country may see in this gallery.")
    return seen


def _as_probe(
    own: Encounters, person: str, encounter: str | None, types: Sequence[str]
) -> tuple[list[Record], Form, bytes]:
    """All records of a person, and the images of one or all of their encounters as a capture."""
    with own.database.reading(own.country) as session:
        known = encounters.of_person(session, own.hashes, own.country, person)
        chosen = (
            known if encounter is None else [encounters.one(session, own.hashes, own.country, Ids(person, encounter))]
        )
        images = [pair for record in chosen for pair in encounters.images_of(record, own.vault)]
    samples = [
        Sample(Modality(sample.modality), Position(sample.position), data)
        for sample, data in images
        if sample.modality and _TYPES.get(Modality(sample.modality), "FINGER") in types
    ]
    if samples:
        return known, Form.PLAIN, container.encode(samples[:MAX_SAMPLES])
    files = [data for sample, data in images if not sample.modality and not data.startswith(b"{")]
    if not files or set(types) < {"FACE", "FINGER"}:
        raise NotAllowed("The encounter has no images of that kind to search with.")
    return known, Form.FILE, files[0]


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _cannot_tell(answer: SearchAnswer) -> BadInput | Unavailable:
    """OSIA has no such answer, and an empty list would be read as 'nobody'."""
    texts = [reason.text for reason in answer.reasons] or [r.text for s in answer.samples for r in s.reasons]
    message = " ".join(["The hub cannot tell; this is not a 'no hit'.", *dict.fromkeys(texts)])
    if {reason.code for reason in answer.reasons} & _HUBS_OWN:
        return Unavailable(message, advice="Try again.", code="cannot-tell")
    return BadInput(message, advice="Capture again.", code="cannot-tell")


def _no_purpose() -> NotAllowed:
    return NotAllowed(
        "A search needs one of the purposes that the rules allow.",
        advice=f"Send the header Limen-Purpose: {', '.join(Purpose)}.",
    )
