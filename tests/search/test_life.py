"""A search through the front's steps, with opener and matcher at the other end of real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.search.doubles import GOOD_FACE, Hits, Matcher, Opener, Signer, report

import limen.search.life as life
from limen.errors import BadInput, NotFound, NotSignedIn, Refused, Unavailable
from limen.hits.claim import ClaimedIdentity
from limen.hits.view import PortraitRef, RecordView
from limen.ledger import receipt as receipts
from limen.reasons import Reason
from limen.search import relay
from limen.search.admit import admit
from limen.search.identify import Matcher as MatcherLine
from limen.search.life import Searches
from limen.search.open import MAX_OPEN_EACH, Searcher
from limen.search.receipt import Receipts
from limen.settings import Settings
from limen.terms import Answer, Modality, Notice, Position
from limen.wire.messages import CHUNK, CaptureStart, FacesSeen, Failed, PlainImage
from limen.wire.parts import FaceBox, Match, SampleReport, pack_faces

OFFICER = Searcher("BIH", "officer1")
BORDER = admit("border-control", None)
WANTED = RecordView(
    number="FRA-7",
    strength=2,
    agreed=("face", "right-index"),
    opened=True,
    owner="FRA",
    owner_name="France",
    names=("MARTIN, Jean",),
    date_of_birth="1971-05-30",
    nationalities=("FRA",),
    notice=Notice.RED,
    notice_number="A-1/2026",
    urgent=True,
    offence="Robbery",
    instructions="Arrest and inform the NCB.",
    contact="NCB Paris, +33 1 00 00 00 00",
    portrait=PortraitRef(b"r" * 16, b"s" * 16),
)
MATCH = Match(1, 1, 2, 0b110, 0b100)


@dataclass
class Hub:
    searches: Searches
    opener: Opener
    matcher: Matcher
    line: MatcherLine
    hits: Hits
    signer: Signer


def with_hub(story: Callable[[Hub], Awaitable[None]], tmp_path: Path, **settings: object) -> None:
    """Run a story in a hub whose opener and matcher are doubles."""

    async def play() -> None:
        made = Settings(data=tmp_path, **settings)  # type: ignore[arg-type]
        made.run.mkdir(parents=True)
        opener, matcher, hits, signer = Opener(), Matcher(), Hits([WANTED]), Signer(Ed25519PrivateKey.generate())
        opener.on_end = matcher.decide
        line = MatcherLine(made.socket("matcher-front"))
        async with contextlib.AsyncExitStack() as stack:
            for served in (
                await opener.serve(Path(made.socket("opener-probe"))),
                await matcher.serve(Path(made.socket("matcher-front"))),
            ):
                stack.callback(served.close)
            running = asyncio.create_task(line.run())
            stack.callback(running.cancel)
            while not line.up:
                await asyncio.sleep(0.01)
            searches = Searches(made, line, hits, Receipts(signer))
            stack.callback(searches.end)
            async with asyncio.timeout(300):
                await story(Hub(searches, opener, matcher, line, hits, signer))

    asyncio.run(play())


def capture(*chunks: bytes, form: relay.Form = relay.Form.SEALED, error: Exception | None = None) -> relay.Capture:
    async def stream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
        if error is not None:
            raise error

    return relay.Capture(form, stream(), Modality.FINGER, Position.RIGHT_INDEX)


async def search(hub: Hub, sent: relay.Capture | None = None, claim: ClaimedIdentity | None = None):
    opened = await hub.searches.begin(OFFICER, admit("border-control", claim))
    return await hub.searches.run(opened.id, OFFICER, sent or capture(b"sealed"))


def test_where_several_faces_are_is_told_and_which_was_searched(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        boxes = pack_faces([FaceBox(0.5, 0.25, 0.25, 0.5), FaceBox(0.0, 0.25, 0.2, 0.4)])
        hub.opener.before_report = [FacesSeen(0, 2, 2, boxes)]
        answer = await search(hub)
        assert [face.searched for face in answer.samples[0].faces] == [False, True]
        assert answer.samples[0].faces[0].x == pytest.approx(0.5, abs=1e-3)
        for nonsense in (FacesSeen(9, 1, 2, boxes), FacesSeen(0, 3, 2, boxes), FacesSeen(0, 1, 1, boxes)):
            hub.opener.before_report = [nonsense]
            answer = await search(hub)
            assert (answer.answer, answer.samples) == ("cannot-tell", [])

    with_hub(story, tmp_path)


async def forgotten(hub: Hub, search_id: bytes) -> None:
    """Wait until the matcher was told to forget just this search (the story's own deadline bounds it)."""
    while not hub.matcher.forgotten:
        await asyncio.sleep(0.01)
    assert hub.matcher.forgotten == [search_id]


def test_a_no_hit_says_so_with_a_receipt_and_leaves_nothing(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        answer = await search(hub)
        assert (answer.answer, answer.matches, answer.gallery.records) == ("no-hit", [], 7)
        assert answer.samples[0].modality == "face" and answer.samples[0].quality == 80
        assert len(hub.searches.open) == 0 and hub.hits.kept == []
        receipt = receipts.verify(answer.receipt, await hub.signer.identity())
        assert (receipt["answer"], receipt["kept"], receipt["process"]) == ("no-hit", [], "ended")
        with pytest.raises(NotFound):
            hub.searches.shown(bytes.fromhex(answer.id), OFFICER, 0)

    with_hub(story, tmp_path)


def test_a_hit_shows_the_record_what_to_do_and_the_false_name(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        hub.matcher.answer, hub.matcher.matches = Answer.HIT, [MATCH]
        answer = await search(hub, claim=ClaimedIdentity("Ivan PETROV", "1980-01-01", "SRB"))
        [match] = answer.matches
        assert (answer.answer, match.names, match.owner_name) == ("hit", ["MARTIN, Jean"], "France")
        assert answer.claim is not None and answer.claim.contradicts
        assert "claim-contradicted" in [reason.code for reason in answer.reasons]
        assert any("NCB Paris" in step and "A-1/2026" in step for step in answer.next)
        assert hub.searches.shown(bytes.fromhex(answer.id), OFFICER, 0) == WANTED
        with pytest.raises(NotFound):
            hub.searches.shown(bytes.fromhex(answer.id), Searcher("BIH", "officer2"), 0)
        hub.searches.close(bytes.fromhex(answer.id), OFFICER)
        with pytest.raises(NotFound):
            hub.searches.shown(bytes.fromhex(answer.id), OFFICER, 0)

    with_hub(story, tmp_path)


def test_no_score_or_template_is_in_an_answer(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        hub.matcher.answer, hub.matcher.matches = Answer.HIT, [MATCH]
        text = (await search(hub)).model_dump_json().lower()
        assert not [word for word in ("score", "llr", "nats", 'template"', "embedding", "threshold") if word in text]

    with_hub(story, tmp_path)


def test_the_capture_is_relayed_chunk_by_chunk_whole_and_in_order(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        big = bytes(range(256)) * (CHUNK // 256 + 5)
        await search(hub, capture(b"a", big, b"z", form=relay.Form.PLAIN))
        assert bytes(hub.opener.received) == b"a" + big + b"z"
        assert hub.opener.starts == [CaptureStart(2, 0)]
        assert hub.matcher.expected[0].country == b"BIH"

    with_hub(story, tmp_path)


def test_a_worker_whose_time_is_over_does_not_accuse_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(hub: Hub) -> None:
        hub.opener.silent = True  # the front gives it up
        assert [reason.code for reason in (await search(hub)).reasons] == ["took-too-long"]
        hub.opener.silent, hub.opener.report = False, None  # it dies, and its time is over
        monkeypatch.setattr(relay, "LATE_MARGIN", 1000.0)
        answer = await search(hub)
        assert (answer.answer, answer.reasons[0].code) == ("cannot-tell", "took-too-long")
        assert len(hub.searches.open) == 0

    with_hub(story, tmp_path, worker_seconds=1)


def test_a_plain_image_is_announced_as_what_it_is_said_to_be_and_marked_unsealed(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        answer = await search(hub, capture(b"png", form=relay.Form.IMAGE))
        assert hub.opener.starts == [PlainImage(Modality.FINGER, Position.RIGHT_INDEX)]
        assert not answer.sealed and "not-sealed" in [reason.code for reason in answer.reasons]

    with_hub(story, tmp_path)


def test_a_worker_that_dies_costs_its_search_a_cannot_tell_and_nothing_else(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        hub.opener.report = None
        answer = await search(hub)
        assert (answer.answer, answer.reasons[0].code) == ("cannot-tell", "decoder-died")
        await forgotten(hub, bytes.fromhex(answer.id))
        hub.opener.report = report(GOOD_FACE)
        assert (await search(hub)).answer == "no-hit"

    with_hub(story, tmp_path)


def test_a_matcher_that_dies_over_a_search_is_never_a_no_hit(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        hub.opener.on_end = lambda search: hub.matcher.die()
        answer = await search(hub)
        assert (answer.answer, answer.reasons[0].code) == ("cannot-tell", "gallery-incomplete")
        hub.opener.on_end = hub.matcher.decide
        while not hub.line.up:
            await asyncio.sleep(0.01)
        assert (await search(hub)).answer == "no-hit"

    with_hub(story, tmp_path)


def test_a_silent_matcher_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limen.search.identify.MARGIN_SECONDS", 0.1)

    async def story(hub: Hub) -> None:
        hub.matcher.silent = True
        answer = await search(hub)
        assert answer.answer == "cannot-tell"
        await forgotten(hub, bytes.fromhex(answer.id))

    with_hub(story, tmp_path, worker_seconds=0)


def test_no_usable_sample_is_cannot_tell_with_advice(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        poor = SampleReport(Modality.FACE, Position.UNKNOWN, 3, 255, 1 << Reason.NO_FACE)
        hub.opener.report = report(poor, outcome=2)
        answer = await search(hub)
        assert (answer.answer, answer.samples[0].used, answer.samples[0].quality) == ("cannot-tell", "no", None)
        assert Reason.NO_FACE.advice in answer.next
        await forgotten(hub, bytes.fromhex(answer.id))

    with_hub(story, tmp_path)


def test_a_capture_that_does_not_open_is_refused_and_the_search_is_over(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        hub.opener.report = report(outcome=3)
        opened = await hub.searches.begin(OFFICER, BORDER)
        with pytest.raises(BadInput) as caught:
            await hub.searches.run(opened.id, OFFICER, capture(b"x"))
        assert caught.value.code == "capture-does-not-open"
        with pytest.raises(NotFound):
            await hub.searches.run(opened.id, OFFICER, capture(b"x"))

    with_hub(story, tmp_path)


@pytest.mark.parametrize("error", [NotSignedIn("the digest is wrong"), ConnectionResetError("hung up")])
def test_a_post_that_hangs_up_or_signed_something_else_has_nothing_processed(tmp_path: Path, error: Exception) -> None:
    async def story(hub: Hub) -> None:
        opened = await hub.searches.begin(OFFICER, BORDER)
        with pytest.raises(type(error)):
            await hub.searches.run(opened.id, OFFICER, capture(b"half", error=error))
        await forgotten(hub, opened.id)
        assert (hub.opener.completed, len(hub.searches.open)) == (0, 0)

    with_hub(story, tmp_path)


def test_a_search_takes_one_capture_of_its_own_searcher(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        opened = await hub.searches.begin(OFFICER, BORDER)
        with pytest.raises(NotFound):
            await hub.searches.run(opened.id, Searcher("BIH", "officer2"), capture(b"x"))
        first = asyncio.create_task(hub.searches.run(opened.id, OFFICER, capture(b"x")))
        await asyncio.sleep(0)
        with pytest.raises(Refused):
            await hub.searches.run(opened.id, OFFICER, capture(b"x"))
        assert (await first).answer == "no-hit"

    with_hub(story, tmp_path)


def test_an_offer_that_nobody_uses_expires(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        opened = await hub.searches.begin(OFFICER, BORDER)
        await asyncio.sleep(1.1)
        assert len(hub.searches.open) == 0
        with pytest.raises(NotFound):
            await hub.searches.run(opened.id, OFFICER, capture(b"x"))

    with_hub(story, tmp_path, offer_seconds=1)


def test_too_large_empty_and_slow_captures_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "MAX_CAPTURE", 1000)

    async def dripping() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(5)

    async def story(hub: Hub) -> None:
        for sent, code in ((capture(b"x" * 600, b"x" * 600), "too-large"), (capture(), "empty")):
            with pytest.raises(BadInput) as caught:
                await search(hub, sent)
            assert caught.value.code == code
        monkeypatch.setattr(relay, "UPLOAD_SECONDS", 0.1)
        with pytest.raises(BadInput) as caught:
            await search(hub, relay.Capture(relay.Form.SEALED, dripping()))
        assert caught.value.code == "too-slow" and hub.opener.completed == 0

    with_hub(story, tmp_path)


def test_opening_a_search_needs_an_opener_a_vault_and_a_matcher(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        hub.opener.failure = Failed.of(Unavailable("the vault does not sign"))
        with pytest.raises(Unavailable) as gone:
            await hub.searches.begin(OFFICER, BORDER)
        assert gone.value.code == "no-worker"
        hub.matcher.die()
        while hub.line.up:
            await asyncio.sleep(0.01)
        with pytest.raises(Unavailable) as gone:
            await hub.searches.begin(OFFICER, BORDER)
        assert gone.value.code == "no-matcher" and gone.value.advice

    with_hub(story, tmp_path)


def test_one_officer_cannot_hoard_the_workers(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        for _ in range(MAX_OPEN_EACH):
            await hub.searches.begin(OFFICER, BORDER)
        with pytest.raises(Refused) as caught:
            await hub.searches.begin(OFFICER, BORDER)
        assert caught.value.code == "too-many-searches"
        await hub.searches.begin(Searcher("BIH", "officer2"), BORDER)

    with_hub(story, tmp_path)


def test_a_record_withdrawn_after_the_decision_is_not_shown_and_not_a_no_hit(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        hub.matcher.answer, hub.matcher.matches, hub.hits.views = Answer.HIT, [MATCH], []
        assert (await search(hub)).answer == "cannot-tell"

    with_hub(story, tmp_path)


def test_without_a_vault_the_answer_stands_and_the_receipt_is_missing(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        hub.signer.gone = True
        answer = await search(hub)
        assert (answer.answer, answer.receipt) == ("no-hit", None)

    with_hub(story, tmp_path)


def test_status_comes_from_the_matcher(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        assert (await hub.line.status()).records == 7

    with_hub(story, tmp_path)


def test_a_receipt_that_was_changed_is_refused(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        answer = await search(hub)
        found = receipts.parse(json.dumps(answer.receipt).encode())
        found["receipt"]["answer"] = "hit"
        with pytest.raises(Refused):
            receipts.verify(found, await hub.signer.identity())

    with_hub(story, tmp_path)


def test_shown_hits_end_after_their_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "SHOWN_SECONDS", 0.05)

    async def story(hub: Hub) -> None:
        hub.matcher.answer, hub.matcher.matches = Answer.HIT, [MATCH]
        await search(hub)
        assert len(hub.searches.open) == 1
        await asyncio.sleep(0.2)
        assert len(hub.searches.open) == 0

    with_hub(story, tmp_path)


def test_a_worker_that_cannot_reach_the_matcher_is_never_a_no_hit(tmp_path: Path) -> None:
    async def story(hub: Hub) -> None:
        hub.opener.report = Failed.of(Unavailable("the matcher does not answer"))
        answer = await search(hub)
        assert (answer.answer, answer.reasons[0].code) == ("cannot-tell", "gallery-incomplete")

    with_hub(story, tmp_path)


@pytest.mark.parametrize(
    ("purpose", "claim", "code"),
    [
        ("curiosity", None, "bad-purpose"),
        ("", None, "bad-purpose"),
        ("alert", ClaimedIdentity(date_of_birth="30.5.1971"), "bad-claim"),
        ("alert", ClaimedIdentity(nationality="Fr"), "bad-claim"),
        ("alert", ClaimedIdentity(names="x" * 201), "bad-claim"),
    ],
)
def test_a_search_needs_a_purpose_and_a_claim_that_can_be_one(
    purpose: str, claim: ClaimedIdentity | None, code: str
) -> None:
    with pytest.raises(BadInput) as caught:
        admit(purpose, claim)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "sample", [SampleReport(9, 0, 1, 80, 0), SampleReport(1, 250, 1, 80, 0), SampleReport(1, 0, 7, 80, 0)]
)
def test_a_report_that_makes_no_sense_is_that_of_a_dead_worker(tmp_path: Path, sample: SampleReport) -> None:
    async def story(hub: Hub) -> None:
        hub.opener.report = report(sample)
        assert [reason.code for reason in (await search(hub)).reasons] == ["decoder-died"]

    with_hub(story, tmp_path)
