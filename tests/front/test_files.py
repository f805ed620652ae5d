"""Search by file: what the worker repeats of the file's head comes back in the file that answers."""

from __future__ import annotations

from pathlib import Path

from tests.front.house import House, portrait_jpeg, tell
from tests.search.doubles import GOOD_FACE, report

from limen.exchange import an2
from limen.wire.messages import CaptureStart, FileHead

HEAD = FileHead(b"CPS", b"BA/BIHNCB", b"A-12345", b"INT-I", b"6.0")


async def search(house: House, purpose: str = "border-control") -> tuple[str, an2.Transaction]:
    """Send a file, and read the one that answers."""
    async with house.signed() as client:
        response = await client.post(f"/v1/searches/an2?purpose={purpose}", content=b"a file")
        assert response.status_code == 200, response.text
    return response.headers["limen-answer"], an2.read(response.content)


def test_a_hit_is_answered_with_a_file_that_quotes_the_request(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.hit()
        house.opener.before_report = [HEAD]
        kind, answer = await search(house)
        assert house.opener.starts == [CaptureStart(4, 0)] and bytes(house.opener.received) == b"a file"
        assert (kind, answer.kind, answer.type1.text(7), answer.type1.text(10)) == (
            "hit",
            "SRE",
            "BA/BIHNCB",
            "A-12345",
        )
        fields = an2.person_fields(answer)
        assert (fields["names"], fields["record_id"], fields["notice"]) == (
            ["MARTIN, Jean", "Le Grand"], "FRA-7", "red",
        )  # fmt: skip
        said = answer.of_type(2)[0].text(63)
        assert said.startswith("HIT. Record of France.") and "NCB Paris" in said
        [portrait] = answer.of_type(10)
        assert portrait.data == portrait_jpeg()
        assert len(house.parts.searches.open) == 0

    tell(tmp_path, story)


def test_no_hit_and_cannot_tell_are_told_apart(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.opener.before_report = [HEAD]
        kind, answer = await search(house)
        assert (kind, answer.kind, answer.of_type(2)[0].subfields(64)[1]) == ("no-hit", "SRE", ("N",))
        house.opener.report = None
        kind, answer = await search(house)
        assert (kind, answer.kind) == ("cannot-tell", "ERR")

    tell(tmp_path, story)


def test_what_is_no_such_file_or_has_no_purpose_is_refused(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.opener.report = report(GOOD_FACE, outcome=3)
        async with house.signed() as client, house.stranger() as stranger:
            sent = await client.post("/v1/searches/an2?purpose=border-control", content=b"a file")
            assert (sent.status_code, sent.json()["error"]["code"]) == (422, "bad-file")
            sent = await client.post("/v1/searches/an2", content=b"a file")
            assert (sent.status_code, sent.json()["error"]["code"]) == (400, "bad-request")
            sent = await stranger.post("/v1/searches/an2?purpose=border-control", content=b"a file")
            assert sent.status_code == 401
        assert len(house.parts.searches.open) == 0

    tell(tmp_path, story)
