"""Searches through a whole hub with real models: found, forgotten, and clear answers while parts of it die."""

from __future__ import annotations

import io
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from tests.front.browser import phone
from tests.front.real_hub import RealHub, real_hub, samples

from limen.access import keys, watch
from limen.access.signing import HttpSignature
from limen.capture.container import Sample
from limen.client.hub import HubClient
from limen.errors import BadInput, LimenError, NotFound, Unavailable
from limen.exchange import an2
from limen.ledger import receipt as receipts
from limen.records.database import open_database
from limen.records.tables import Hit
from limen.terms import Modality, Position

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    """One hub for all tests here."""
    with real_hub(tmp_path_factory.mktemp("real")) as made:
        deadline = time.monotonic() + 60
        with made.client() as client:
            while time.monotonic() < deadline:
                answer = client.search(samples(made.innocent), "border-control")
                if answer["answer"] == "no-hit" and answer["gallery"]["records"] == 2:
                    break
                time.sleep(0.2)
        yield made


def hits(hub: RealHub) -> int:
    """How many hits the database keeps."""
    database = open_database(hub.settings)
    try:
        with database.reading() as session:
            return session.query(Hit).count()
    finally:
        database.close()


def test_whoever_climbs_towards_a_record_is_noticed_at_the_twentieth_search(hub: RealHub) -> None:
    hub.limen("access", "officer", "add", "BIH/climber")
    face = Image.open(hub.wanted["face"])
    with HubClient(hub.settings.url, HttpSignature(keys.load("BIH/climber"), "BIH/climber")) as client:
        for step in range(20):
            out = io.BytesIO()
            face.rotate(step / 4 - 2.5).save(out, "JPEG", quality=90)  # nearer and nearer, by small changes
            client.search([Sample(Modality.FACE, Position.UNKNOWN, out.getvalue())], "border-control")
            assert step == 19 or not alerts(hub), step
    deadline = time.monotonic() + 60
    while not (found := alerts(hub)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert found == [("same-target", "BIH/climber", 20, False)]


def alerts(hub: RealHub) -> list[tuple[str, str, int, bool]]:
    """Rule, name, how often, and whether it suspended."""
    database = open_database(hub.settings)
    try:
        with database.reading() as session:
            return [(one.rule, one.name, one.count, one.suspended) for one in watch.alerts(session)]
    finally:
        database.close()


def test_the_wanted_person_is_found_behind_a_false_name(hub: RealHub) -> None:
    before = hits(hub)
    with hub.client() as client:
        answer = client.search(samples(hub.wanted), "border-control", claimed={"names": "Marko Petrin"})
        [match] = answer["matches"]
        assert (answer["answer"], match["names"][0], match["urgent"]) == ("hit", "Adrian Velk", True)
        assert answer["claim"]["contradicts"] and "right-index" in match["agreed"]
        assert client.portrait(match["portrait"]).startswith((b"\xff\xd8", b"\x89PNG"))
        assert receipts.verify(answer["receipt"], client.identity())["process"] == "ended"
        client.end(answer["id"])
        with pytest.raises(NotFound):
            client.portrait(match["portrait"])
    assert hits(hub) == before + 1


def test_an_innocent_person_is_no_hit_and_leaves_no_row(hub: RealHub) -> None:
    before = hits(hub)
    with hub.client() as client:
        answer = client.search(samples(hub.innocent), "border-control")
        assert (answer["answer"], answer["matches"]) == ("no-hit", [])
        receipt = receipts.verify(answer["receipt"], client.identity())
    assert (receipt["kept"], receipt["process"], receipt["sealed"]) == ([], "ended", True)
    assert hits(hub) == before


def test_a_plain_image_of_an_older_system_is_answered_too(hub: RealHub) -> None:
    with hub.http() as http:
        opened = http.post("/v1/searches", json={"purpose": "border-control"}).json()
        answer = http.put(
            f"{opened['capture_url']}?modality=finger&position=right-index",
            content=hub.wanted["right-index"].read_bytes(),
            headers={"content-type": "image/png"},
        ).json()
    assert answer["answer"] in ("hit", "refer") and not answer["sealed"]
    assert "not-sealed" in [reason["code"] for reason in answer["reasons"]]


def test_a_file_of_an_older_system_is_answered_with_a_file(hub: RealHub, tmp_path: Path) -> None:
    def record(name: str, idc: int) -> an2.Record:
        image = Image.open(hub.wanted[name])
        return an2.image_record(
            Modality.FINGER, Position.parse(name), hub.wanted[name].read_bytes(), idc,
            width=image.width, height=image.height, ppi=500, source="BIHNCB",
        )  # fmt: skip

    header = an2.Header("CPS", "LIMEN", "BA/NCB", control="BIH-000042")
    (tmp_path / "q.an2").write_bytes(an2.write(header, [record("right-index", 1), record("left-index", 2)]))
    hub.limen(
        "search", str(tmp_path / "q.an2"), "--as", "BIH/officer1", "--purpose", "border-control",
        "--answer", str(tmp_path / "a.an2"),
    )  # fmt: skip
    answer = an2.read((tmp_path / "a.an2").read_bytes())
    assert (answer.kind, answer.type1.text(10), answer.type1.text(7)) == ("SRE", "BIH-000042", "BA/NCB")
    assert an2.person_fields(answer)["names"] == ["Adrian Velk", "Adi"]
    assert answer.of_type(2)[0].text(63).startswith(("HIT.", "REFER.")) and answer.of_type(10)


@pytest.mark.parametrize("body", [b"not an image", b"\x89PNG\r\n\x1a\n" + b"\0" * 100])
def test_what_is_no_image_is_cannot_tell_with_the_reason(hub: RealHub, body: bytes) -> None:
    with hub.http() as http:
        opened = http.post("/v1/searches", json={"purpose": "border-control"}).json()
        answer = http.put(opened["capture_url"], content=body, headers={"content-type": "image/png"}).json()
    assert (answer["answer"], answer["samples"][0]["used"]) == ("cannot-tell", "no")
    assert answer["samples"][0]["reasons"][0]["code"] in ("unsupported-format", "unreadable")


def test_a_capture_sealed_to_another_search_is_refused(hub: RealHub) -> None:
    with hub.http() as http:
        opened = http.post("/v1/searches", json={"purpose": "border-control"}).json()
        sent = http.put(opened["capture_url"], content=b"x" * 500, headers={"content-type": "application/limen-sealed"})
    assert (sent.status_code, sent.json()["error"]["code"]) == (422, "capture-does-not-open")


@pytest.mark.parametrize("part", ["matcher", "opener", "vault"])
def test_a_part_that_dies_is_never_a_no_hit_and_comes_back(hub: RealHub, part: str) -> None:
    os.kill(hub.hub.pids[part], signal.SIGKILL)
    answers, deadline = [], time.monotonic() + 90
    with hub.client() as client:
        while time.monotonic() < deadline:
            try:
                answers.append(client.search(samples(hub.wanted), "border-control")["answer"])
            except (Unavailable, BadInput) as error:
                assert isinstance(error, LimenError) and error.advice
                answers.append(error.code)
            if answers[-1] == "hit":
                break
            time.sleep(0.1)
    assert answers[-1] == "hit" and "no-hit" not in answers, answers


def enter(page: Page, hub: RealHub, capsys: pytest.CaptureFixture[str]) -> None:
    """Sign in with the link that `limen access invite` prints."""
    capsys.readouterr()
    hub.limen("access", "invite", "BIH/officer1")
    page.goto(capsys.readouterr().out.strip())
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("button", name="Search", exact=True)).to_be_enabled()


def send(page: Page, files: dict[str, Path]) -> None:
    """Give the page these images, and search."""
    if "face" in files:
        page.set_input_files("#face-file", files["face"])
    for name in ("right-index", "left-index"):
        page.locator("#finger-position").select_option(str({"right-index": 2, "left-index": 7}[name]))
        page.set_input_files("#finger-file", files[name])
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("#again")).to_be_visible(timeout=60_000)


@pytest.mark.browser
def test_the_officers_page_finds_and_forgets(hub: RealHub, capsys: pytest.CaptureFixture[str]) -> None:
    """With LIMEN_SCREENSHOTS=FOLDER it also writes the pictures of the documentation."""
    shots = os.environ.get("LIMEN_SCREENSHOTS")
    with phone(scale=1.5 if shots else 1) as page:
        enter(page, hub, capsys)
        page.get_by_text("What the person says they are called").click()
        page.get_by_label("Names").fill("Marko PETRIN")
        page.get_by_label("Date of birth").fill("1982-06-01")
        send(page, hub.wanted)
        expect(page.get_by_role("heading", name="Hit", exact=True)).to_be_visible()
        expect(page.locator("#answer")).to_contain_text("Adrian Velk")
        expect(page.locator("#answer")).to_contain_text("travelled sealed")
        for picture in page.locator(
            ".pair img"
        ).all():  # not wait_for_function: it polls by eval, which the pages forbid
            expect(picture).to_have_js_property("complete", True)
            expect(picture).not_to_have_js_property("naturalWidth", 0)
        if shots:
            page.screenshot(path=Path(shots) / "hit.png", full_page=True)
        page.goto(f"{hub.settings.pages}/search")
        send(page, hub.innocent)
        expect(page.get_by_role("heading", name="No hit", exact=True)).to_be_visible()
        if shots:
            page.screenshot(path=Path(shots) / "no-hit.png", full_page=True)
        page.goto(f"{hub.settings.pages}/health/page")
        expect(page.get_by_role("status")).to_contain_text("All parts work.")


def test_what_a_hit_needs_for_its_verification_is_held_and_shown_to_an_examiner(hub: RealHub) -> None:
    hub.limen("access", "officer", "add", "BIH/examiner1", "--role", "examiner")
    with hub.client() as client:
        answer = client.search(samples(hub.wanted), "border-control")
    assert answer["answer"] == "hit" and "capture" not in answer["receipt"]["receipt"]["deleted"]
    with hub.http("BIH/examiner1") as examiner:
        hit = next(one for one in examiner.get("/v1/hits").json() if one["search"] == answer["id"])
        shown = examiner.get(f"/v1/hits/{hit['id']}").json()
        assert sorted(picture["modality"] for picture in shown["pictures"]) == sorted(
            ["face" if name == "face" else "finger" for name in hub.wanted]
        )
        for picture in shown["pictures"]:
            with Image.open(io.BytesIO(examiner.get(picture["url"]).content)) as seen:
                assert min(seen.size) > 100
        said = examiner.post(f"/v1/hits/{hit['id']}/verdict", json={"outcome": "rejected"})
        assert said.json() == {"state": "rejected"}
        assert examiner.get(shown["pictures"][0]["url"]).status_code == 404
