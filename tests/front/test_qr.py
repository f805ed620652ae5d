"""The receipt's QR code really scans: read from the officer's screen by a decoder that is not ours, and checked."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import expect
from tests.front.browser import phone
from tests.front.listening import Listening, listening

from limen.ledger import logged
from limen.ledger import receipt as receipts
from limen.terms import Answer


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Listening]:
    """A front on a port."""
    with listening(tmp_path) as running:
        running.url = running.url.replace("127.0.0.1", "localhost")
        yield running


@pytest.mark.browser
def test_what_the_officers_screen_shows_is_scanned_and_checks(hub: Listening, tmp_path: Path) -> None:
    Image.new("RGB", (60, 80), (90, 120, 60)).save(tmp_path / "face.png")
    with phone(scale=3) as page:  # as phones have it: three pixels of the screen a CSS pixel
        page.goto(f"{hub.url}/enter/{hub.house.invite()}")
        page.get_by_role("button", name="Enter").click()
        page.wait_for_url("**/search")
        page.set_input_files("#face-file", tmp_path / "face.png")
        page.get_by_role("button", name="Search", exact=True).click()
        code = page.locator("img.qr")
        expect(code).to_be_visible()
        [found] = zxingcpp.read_barcodes(Image.open(io.BytesIO(code.screenshot())))
        identity = bytes.fromhex(page.evaluate("fetch('/v1/hub').then(r => r.json())")["public_key"])
        page.goto(found.text)  # what the traveller's phone opens
        expect(page.get_by_role("status")).to_contain_text("stands in the hub's log")
    address, _, after = found.text.partition("#")
    assert found.format == zxingcpp.BarcodeFormat.QRCode and address == f"{hub.url}/receipt"
    envelope = receipts.parse(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    receipt = receipts.verify(envelope, identity)
    proof = logged.check(json.loads(json.dumps(envelope["log"])), receipt, identity)
    assert receipt["answer"] == Answer.NO_HIT and [entry.answer for entry in proof.entries] == [Answer.NO_HIT]
