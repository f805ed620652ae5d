"""The officer's page in a real browser: camera, sealing with WebCrypto, answers on a phone."""

from __future__ import annotations

import base64
import io
import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import ConsoleMessage, Page, expect
from tests.front.browser import PHONE, phone
from tests.front.listening import Listening, listening

from limen.access import directory
from limen.capture import container
from limen.capture.device import check_capture
from limen.capture.sealing import open_capture
from limen.ledger import logged
from limen.ledger import receipt as receipts
from limen.terms import Answer, Modality, Position
from limen.wire.messages import FacesSeen
from limen.wire.parts import FaceBox, pack_faces

pytestmark = pytest.mark.browser


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Listening]:
    """A front on a port."""
    with listening(tmp_path) as running:
        yield running


@pytest.fixture
def print_file(tmp_path: Path) -> Path:
    """A small picture that stands for a fingerprint."""
    image = Image.new("L", (100, 120), 255)
    for radius in range(5, 60, 8):
        ImageDraw.Draw(image).ellipse((50 - radius, 60 - radius, 50 + radius, 60 + radius), outline=0, width=3)
    file = tmp_path / "index.png"
    image.save(file)
    return file


def enter(page: Page, hub: Listening) -> list[str]:
    """Sign in by the one-time link; returns what the browser complains about from now on."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{hub.url}/enter/{hub.house.invite()}")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("button", name="Search", exact=True)).to_be_enabled()
    return complaints


def fits(page: Page) -> bool:
    """Whether nothing is wider than the phone."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_a_photo_from_the_camera_and_a_finger_are_sealed_and_find_the_wanted(hub: Listening, print_file: Path) -> None:
    hub.house.hit()
    with phone() as page:
        complaints = enter(page, hub)
        assert fits(page)
        page.get_by_role("button", name="Use the camera").click()
        page.get_by_role("button", name="Take the photo").click()
        expect(page.locator("#face-preview")).to_be_visible()
        page.set_input_files("#finger-file", print_file)
        expect(page.locator(".finger")).to_have_count(1)
        page.get_by_text("What the person says they are called").click()
        page.get_by_label("Names").fill("Ivan PETROV")
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.get_by_role("heading", name="Hit", exact=True)).to_be_focused()
        body = page.locator("#answer")
        for words in ("MARTIN, Jean", "France", "Armed robbery", "NCB Paris", "A-1/2026", "contradicts", "Urgent"):
            expect(body).to_contain_text(words)
        for picture in page.locator(".pair img").all():
            expect(picture).to_have_js_property("complete", True)
            expect(picture).not_to_have_js_property("naturalWidth", 0)
        assert page.locator(".pair img").count() == 2 and fits(page)
        yours = page.locator(".pair img").first.get_attribute("src")
        assert yours is not None and yours.startswith("blob:")
        page.get_by_role("button", name="New search").click()
        expect(page.get_by_role("heading", name="Search a person")).to_be_visible()
        assert complaints == []
    opened = open_capture(hub.terms, hub.worker_key, bytes(hub.house.opener.received))
    face, finger = container.decode(opened).samples
    assert (face.modality, finger.modality, finger.position) == (Modality.FACE, Modality.FINGER, Position.RIGHT_INDEX)
    assert finger.image == print_file.read_bytes()
    assert Image.open(io.BytesIO(face.image)).format == "JPEG"


ZONE = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"  # ICAO 9303-4


def test_the_claim_comes_from_the_passports_zone_and_a_misread_one_is_refused(hub: Listening, print_file: Path) -> None:
    hub.house.hit()
    with phone() as page:
        enter(page, hub)
        page.set_input_files("#finger-file", print_file)
        page.get_by_text("What the person says they are called").click()
        page.get_by_label("Machine readable zone").fill(ZONE.replace("7408122", "7408123"))
        assert fits(page)
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.locator("#answer")).to_contain_text("check digit")
        page.get_by_role("button", name="New search").click()
        page.set_input_files("#finger-file", print_file)
        page.get_by_text("What the person says they are called").click()
        page.get_by_label("Machine readable zone").fill(ZONE.lower())
        if shots := os.environ.get("LIMEN_SCREENSHOTS"):
            page.screenshot(path=Path(shots) / "zone.png", full_page=True)
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.get_by_role("heading", name="Hit", exact=True)).to_be_visible()
        for words in ("Eriksson", "1974-08-12", "contradicts"):
            expect(page.locator("#answer")).to_contain_text(words, ignore_case=True)


def test_the_officer_chooses_one_of_several_faces(hub: Listening, tmp_path: Path) -> None:
    Image.new("RGB", (320, 240), (90, 120, 150)).save(tmp_path / "two.jpg")
    boxes = pack_faces([FaceBox(0.1, 0.2, 0.25, 0.4), FaceBox(0.6, 0.2, 0.2, 0.35)])
    hub.house.opener.before_report = [FacesSeen(0, 1, 2, boxes)]
    with phone() as page:
        complaints = enter(page, hub)
        page.set_input_files("#face-file", tmp_path / "two.jpg")
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.get_by_role("heading", name="Several people are in the photo")).to_be_visible()
        expect(page.get_by_role("button", name="Face 1: this one was searched")).to_be_disabled()
        assert fits(page)
        page.get_by_role("button", name="Face 2").click()
        expect(page.get_by_role("heading", name="No hit", exact=True)).to_be_focused()
        assert complaints == []
    [sample] = container.decode(open_capture(hub.terms, hub.worker_key, bytes(hub.house.opener.received))).samples
    assert (sample.face, hub.house.opener.completed) == (2, 2)


def test_a_no_hit_shows_the_receipt_for_the_traveller(hub: Listening, print_file: Path, tmp_path: Path) -> None:
    with phone() as page:
        complaints = enter(page, hub)
        page.set_input_files("#face-file", print_file)
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.get_by_role("heading", name="No hit", exact=True)).to_be_visible()
        expect(page.locator("#answer")).to_contain_text("have been deleted")
        expect(page.locator("#answer")).to_contain_text("travelled sealed")
        with page.expect_download() as download:
            page.get_by_role("link", name="Save the receipt").click()
        download.value.save_as(tmp_path / "receipt.json")
        identity = bytes.fromhex(page.evaluate("fetch('/v1/hub').then(r => r.json())")["public_key"])
        saved = receipts.parse((tmp_path / "receipt.json").read_bytes())
        receipt = receipts.verify(saved, identity)
        assert receipt["answer"] == "no-hit" and len(logged.check(saved["log"], receipt, identity).entries) == 2
        expect(page.locator("img.qr")).to_be_visible()
        assert fits(page) and complaints == []


def test_a_traveller_checks_the_receipt_in_their_own_browser(hub: Listening, print_file: Path, tmp_path: Path) -> None:
    with phone() as page:
        enter(page, hub)
        with page.expect_request("**/receipt/code") as asked:
            page.set_input_files("#face-file", print_file)
            page.get_by_role("button", name="Search", exact=True).click()
        address = asked.value.post_data
        with page.expect_download() as download:
            page.get_by_role("link", name="Save the receipt").click()
        download.value.save_as(tmp_path / "receipt.json")
    assert address is not None and address.startswith(f"{hub.url}/receipt#")
    changed = (tmp_path / "receipt.json").read_text().replace('"no-hit"', '"hit"')
    (tmp_path / "changed.json").write_text(changed)
    whole = json.loads((tmp_path / "receipt.json").read_text())
    whole["log"]["entries"][0]["index"] += 1
    (tmp_path / "forged-log.json").write_text(json.dumps(whole))
    with phone() as page:
        page.goto(address)
        expect(page.get_by_role("status")).to_contain_text("stands in the hub's log")
        expect(page.locator("#said")).to_contain_text("No hit")
        assert fits(page)
        page.set_input_files("#file", tmp_path / "changed.json")
        expect(page.get_by_role("status")).to_contain_text("not good")
        page.context.set_offline(True)  # nothing of the hub is needed any more
        page.set_input_files("#file", tmp_path / "receipt.json")
        expect(page.get_by_role("status")).to_contain_text("stands in the hub's log")
        page.set_input_files("#file", tmp_path / "forged-log.json")
        expect(page.get_by_role("status")).to_contain_text("does not hold")
        page.get_by_label("The hub's public key").fill("00" * 32)
        expect(page.get_by_role("status")).to_contain_text("not good")


def test_cannot_tell_says_what_to_do(hub: Listening, print_file: Path) -> None:
    hub.house.opener.report = None
    with phone() as page:
        enter(page, hub)
        page.set_input_files("#face-file", print_file)
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.get_by_role("heading", name="Cannot tell")).to_be_visible()
        expect(page.locator("#answer")).to_contain_text("not a 'no hit'")
        assert fits(page)


def test_a_lead_accuses_nobody(hub: Listening, print_file: Path) -> None:
    hub.house.hit()
    [match] = hub.house.matcher.matches
    hub.house.matcher.answer, hub.house.matcher.matches = Answer.REFER, [replace(match, strength=1)]
    with phone() as page:
        enter(page, hub)
        page.set_input_files("#face-file", print_file)
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.get_by_role("heading", name="Refer", exact=True)).to_be_visible()
        body = page.locator("#answer")
        expect(body).to_contain_text("A lead, not an accusation")
        expect(body).to_contain_text("nothing is known against the person")
        for words in ("Do not let the person go", "Wanted by"):
            expect(body).not_to_contain_text(words)


def test_a_key_that_the_hub_did_not_sign_gets_nothing(hub: Listening, print_file: Path) -> None:
    real = hub.house.opener.offer

    def forged(job):
        offer = real(job)
        return type(offer)(offer.search, offer.nonce, b"k" * 32, offer.expires, offer.signature)

    hub.house.opener.offer = forged
    with phone() as page:
        enter(page, hub)
        page.set_input_files("#face-file", print_file)
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.locator("#answer")).to_contain_text("not signed by this hub")
    assert hub.house.opener.starts == []


def test_a_browser_that_cannot_seal_says_so_and_sends_plain(hub: Listening, print_file: Path) -> None:
    without = """const real = crypto.subtle.generateKey.bind(crypto.subtle);
    crypto.subtle.generateKey = (how, ...more) =>
      how.name === "X25519" ? Promise.reject(new Error("unsupported")) : real(how, ...more);"""
    with phone(features=without) as page:
        enter(page, hub)
        expect(page.locator("#warning")).to_contain_text("cannot seal captures")
        page.set_input_files("#face-file", print_file)
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.locator("#answer")).to_contain_text("travelled unsealed")
    [sample] = container.decode(bytes(hub.house.opener.received)).samples
    assert sample.image == print_file.read_bytes()


def test_without_images_nothing_is_asked(hub: Listening) -> None:
    with phone() as page:
        enter(page, hub)
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("Take a photo")


def test_everything_has_a_name_and_can_be_reached_by_keyboard(hub: Listening) -> None:
    with phone() as page:
        enter(page, hub)
        nameless = page.evaluate(
            """[...document.querySelectorAll('input, select, button')].filter(e => e.offsetParent && !(
            e.labels?.length || e.textContent.trim() || e.ariaLabel)).map(e => e.id)"""
        )
        assert nameless == []
        small = page.evaluate(
            """[...document.querySelectorAll('main button, main select, main .button')].filter(e => e.offsetParent
            && e.getBoundingClientRect().height < 44).map(e => e.id || e.textContent)"""
        )
        assert small == []
        reached = set()
        for _ in range(30):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.id"))
        assert {"camera", "face-file", "finger-position", "finger-file", "purpose", "go"} <= reached
        assert page.viewport_size == PHONE


def test_the_health_page_and_the_description_fit_a_phone(hub: Listening) -> None:
    with phone() as page:
        complaints = enter(page, hub)
        for path, heading in (("/health/page", "Health"), ("/docs", "API")):
            page.goto(hub.url + path)
            expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
            assert fits(page)
        assert complaints == []


def test_a_browser_that_is_a_registered_device_signs_its_captures(hub: Listening, print_file: Path) -> None:
    with phone() as page:
        complaints = enter(page, hub)
        page.get_by_text("This device", exact=True).click()
        page.get_by_text("Without a code").click()
        page.get_by_label("The device's name").fill("nobody")
        page.get_by_role("button", name="Make this browser a device").click()
        expect(page.locator("#device-note")).to_contain_text("such as BIH/tablet1")
        page.get_by_label("The device's name").fill("BIH/tablet1")
        page.get_by_role("button", name="Make this browser a device").click()
        expect(page.locator("#device-is")).to_have_text("BIH/tablet1")
        key = base64.b64decode(page.locator("#device-key").inner_text())
        assert complaints == []
        page.set_input_files("#finger-file", print_file)
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.get_by_text("not registered as the device")).to_be_visible()  # not yet
        with hub.house.database.writing() as session:
            directory.add_device(session, "BIH/tablet1", key)
        counters = []
        for _ in range(2):
            page.goto(f"{hub.url}/search")  # the key is kept
            page.set_input_files("#finger-file", print_file)
            page.get_by_role("button", name="Search", exact=True).click()
            expect(page.get_by_role("heading", name="No hit", exact=True)).to_be_visible()
            capture = container.decode(open_capture(hub.terms, hub.worker_key, bytes(hub.house.opener.received)))
            said = check_capture(capture.device, capture.samples, hub.terms, "BIH/tablet1", key, now=time.time())
            counters.append(said.counter)
        assert 0 < counters[0] < counters[1] and fits(page)
        taken = page.evaluate(
            "import('/static/device.js').then(async m => (await m.own()).pair.privateKey)"
            ".then(key => crypto.subtle.exportKey('pkcs8', key))"
            ".then(() => 'exported', error => error.name)"
        )
        assert taken == "InvalidAccessError"  # the key cannot leave the browser
