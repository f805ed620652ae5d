"""A phone becomes a registered device with a one-time code, and signs what it captures, whichever tab it is in."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Page, expect
from tests.front.browser import phone
from tests.front.house import BASE, House, tell
from tests.front.listening import Listening, listening

from limen.access import directory, enlisting
from limen.access.directory import Role

OWN = {"origin": BASE}
SIGNED = """
async (count) => {
  const devices = await import("/static/device.js");
  const offer = { publicKey: new Uint8Array(32), nonce: new Uint8Array(32) };
  const found = [];
  for (let at = 0; at < count; at++) {
    const message = await devices.inTurn(async () => devices.signature(await devices.own(), [], offer));
    const text = String.fromCharCode(...message);
    const start = text.indexOf("gcounter") + 8; // CBOR: text of 7 letters, then an unsigned number of 8 bytes
    found.push(String(new DataView(message.buffer).getBigUint64(start + 1)));
  }
  return found;
}
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Listening]:
    """A front on a port."""
    with listening(tmp_path) as running:
        running.url = running.url.replace("127.0.0.1", "localhost")
        yield running


def enter(hub: Listening, page: Page, name: str = "BIH/officer1") -> None:
    page.goto(f"{hub.url}/enter/{hub.house.invite(name)}")
    page.get_by_role("button", name="Enter").click()
    page.wait_for_url("**/search")


def enlisted(hub: Listening, page: Page, name: str = "BIH/tablet1") -> None:
    with hub.house.database.writing() as session:
        code = enlisting.issue(session, name, by="BIH/clerk")
    page.get_by_text("This device", exact=True).click()
    page.get_by_label("One-time code").fill(code.lower().replace("-", " "))
    page.get_by_role("button", name="Register this device").click()
    expect(page.locator("#device-is")).to_have_text(name)


@pytest.mark.browser
def test_a_phone_registers_itself_with_a_code_that_its_clerk_gave_out(hub: Listening) -> None:
    with hub.house.database.writing() as session:
        directory.add_officer(session, "BIH/clerk", None, Role.CLERK)
    with phone() as page:
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        enter(hub, page, "BIH/clerk")
        page.goto(f"{hub.url}/desk")
        page.locator("#device-name").fill("tablet1")
        page.get_by_role("button", name="Give a one-time code").click()
        code = page.locator(".code code").inner_text()
        assert re.fullmatch(r"[0-9A-Z]{5}-[0-9A-Z]{5}", code)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        enter(hub, page)
        page.get_by_text("This device", exact=True).click()
        page.get_by_label("One-time code").fill("00000-00000")
        page.get_by_role("button", name="Register this device").click()
        expect(page.locator("#device-note")).to_contain_text("used already, is too old, or never was one")
        page.get_by_label("One-time code").fill(code)
        page.get_by_role("button", name="Register this device").click()
        expect(page.locator("#device-is")).to_have_text("BIH/tablet1")
        expect(page.locator("#device-note")).to_be_hidden()
        key = base64.b64decode(page.locator("#device-key").inner_text())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        extractable = "import('/static/device.js').then(async (m) => (await m.own()).pair.privateKey.extractable)"
        assert page.evaluate(extractable) is False
        assert not complaints
    with hub.house.database.reading() as session:
        device = directory.find_device(session, "BIH/tablet1")
        assert device is not None and device.public_key == key


@pytest.mark.browser
def test_an_answer_that_was_lost_costs_no_code(hub: Listening) -> None:
    with phone() as page:
        enter(hub, page)
        lost = iter([True])

        def lose(route) -> None:  # type: ignore[no-untyped-def]
            if next(lost, False):
                route.fetch()  # the hub has done it
                route.abort()
            else:
                route.continue_()

        page.route("**/device", lose)
        with hub.house.database.writing() as session:
            code = enlisting.issue(session, "BIH/tablet1", by="")
        page.get_by_text("This device", exact=True).click()
        page.get_by_label("One-time code").fill(code)
        page.get_by_role("button", name="Register this device").click()
        expect(page.locator("#device-note")).to_contain_text("Try again with the same code")
        page.get_by_role("button", name="Register this device").click()
        expect(page.locator("#device-is")).to_have_text("BIH/tablet1")


@pytest.mark.browser
def test_the_counter_goes_up_across_tabs_that_sign_at_once(hub: Listening) -> None:
    with phone() as page:
        enter(hub, page)
        enlisted(hub, page)
        other = page.context.new_page()
        other.goto(f"{hub.url}/search")
        for tab in (page, other):  # both run at once: neither evaluation waits for the other
            tab.evaluate(f"window.counted = ({SIGNED})(25); null")
        counters = [int(text) for tab in (page, other) for text in tab.evaluate("window.counted")]
        assert len(set(counters)) == 50
        assert counters[:25] == sorted(counters[:25]) and counters[25:] == sorted(counters[25:])
        page.evaluate("Date.now = () => 0")  # a clock that was set back
        [later] = page.evaluate(f"({SIGNED})(1)")
        assert int(later) > max(counters)


def test_who_may_give_codes_out_and_use_them(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with house.database.writing() as session:
            directory.add_officer(session, "BIH/clerk", None, Role.CLERK)
        async with house.stranger() as clerk, house.stranger() as officer, house.stranger() as foreign:
            for browser, name in ((clerk, "BIH/clerk"), (officer, "BIH/officer1"), (foreign, "SRB/officer1")):
                assert (await browser.post(f"/enter/{house.invite(name)}", headers=OWN)).status_code == 303
            asked = {"data": {"name": "tablet1"}, "headers": OWN}
            assert (await officer.post("/desk/devices", **asked)).status_code == 403
            assert (await house.stranger().post("/desk/devices", **asked)).status_code == 401
            assert (await house.signed().post("/desk/devices", data={"name": "tablet1"})).status_code == 403
            assert (await clerk.post("/desk/devices", data={"name": "a b"}, headers=OWN)).status_code == 422
            assert (await clerk.post("/desk/devices", data={"name": "tablet1"})).status_code == 403  # from elsewhere
            made = await clerk.post("/desk/devices", **asked)
            found = re.search(r"<code>([0-9A-Z]{5}-[0-9A-Z]{5})</code>", made.text)
            assert made.status_code == 200 and found and made.headers["cache-control"] == "no-store"
            key = Ed25519PrivateKey.generate()
            public = key.public_key().public_bytes_raw()
            said = {
                "code": found[1],
                "public_key": base64.b64encode(public).decode(),
                "signature": base64.b64encode(key.sign(enlisting.proof(found[1], public))).decode(),
            }
            refused = await foreign.post("/device", json=said, headers=OWN)
            assert (refused.status_code, refused.json()["error"]["code"]) == (422, "bad-device-code")
            assert (await house.stranger().post("/device", json=said, headers=OWN)).status_code == 401
            assert (await officer.post("/device", json=said)).status_code == 403  # from elsewhere
            for broken in ({**said, "signature": "?"}, {**said, "public_key": ""}, {**said, "code": 7}, {}):
                assert (await officer.post("/device", json=broken, headers=OWN)).status_code in (400, 422)
            answer = await officer.post("/device", json=said, headers=OWN)
            assert (answer.status_code, answer.json()) == (201, {"name": "BIH/tablet1"})

    tell(tmp_path, story)
