"""Captures that a whole hub must refuse, each with a clear 4xx, and with nothing processed or answered."""

from __future__ import annotations

import base64
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.front.real_hub import OFFICER, RealHub, real_hub, samples

from limen.access import keys
from limen.access.signing import DEVICE, HttpSignature
from limen.capture import container
from limen.capture.container import Sample
from limen.capture.device import Statement, sign_capture
from limen.capture.offer import Offer
from limen.capture.sealing import seal_capture
from limen.client.hub import _Both
from limen.ledger import note
from limen.ledger.entry import Entry
from limen.ledger.tiles import Folder

pytestmark = pytest.mark.slow

SEALED = {"content-type": "application/limen-sealed"}
TABLET = "BIH/tablet1"
OFFER_SECONDS = 45  # long enough for a busy machine, short enough to wait for


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    with real_hub(tmp_path_factory.mktemp("refusals"), offer_seconds=OFFER_SECONDS) as made:
        with made.http() as http:  # the whole gallery is there
            end = time.monotonic() + 60
            while http.get("/health").json()["status"] != "ok" and time.monotonic() < end:
                time.sleep(0.1)
        yield made


class Post:
    """An officer's post that sends what no honest client does."""

    def __init__(self, hub: RealHub, http: httpx.Client) -> None:
        self.http, self.samples = http, samples(hub.innocent)

    def open(self) -> tuple[dict[str, Any], Offer]:
        opened = self.http.post("/v1/searches", json={"purpose": "border-control"}).raise_for_status().json()
        nonce, key = (base64.b64decode(opened[name]) for name in ("nonce", "public_key"))
        return opened, Offer(bytes.fromhex(opened["id"]), nonce, key, opened["expires"])

    def put(self, opened: dict[str, Any], body: bytes) -> tuple[int, str]:
        """Status, and the answer or the error's code."""
        answer = self.http.put(opened["capture_url"], content=body, headers=SEALED)
        said = answer.json()
        return answer.status_code, said.get("answer") or said["error"]["code"]

    def sealed(self, offer: Offer, signature: bytes = b"", of: list[Sample] | None = None) -> bytes:
        return seal_capture(offer, container.encode(self.samples if of is None else of, signature))


def on_record(hub: RealHub) -> dict[str, list[str]]:
    """What the ledger says of each search."""
    folder = hub.settings.data / "ledger"
    size = note.parse(note.split((folder / "checkpoint").read_bytes())[0]).size
    found = defaultdict(list)
    for entry in map(Entry.unpack, Folder(folder).bundle(0, size)):
        found[entry.id.hex()].append(entry.kind.value)
    return found


def answered(hub: RealHub) -> float:
    """How many searches were answered, as the front counts."""
    token = (hub.settings.run / "metrics.token").read_text().strip()
    with hub.http() as http:
        text = http.get("/metrics", headers={"authorization": f"Bearer {token}"}, auth=None).raise_for_status().text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("limen_searches_total"))


def test_what_was_changed_replayed_late_or_meant_for_another_search_is_refused(hub: RealHub) -> None:
    with hub.http() as http:
        post = Post(hub, http)
        late = post.open()
        late_body = post.sealed(late[1])
        refused = [late[0]["id"]]
        before = answered(hub)

        for place in (0, 31, 32, 5000, -1):  # of the key, of the ciphertext, of its tag
            opened, offer = post.open()
            body = bytearray(post.sealed(offer))
            body[place] ^= 1
            assert post.put(opened, bytes(body)) == (422, "capture-does-not-open"), place
            assert post.put(opened, post.sealed(offer)) == (404, "no-such-search")  # there is no second try
            refused.append(opened["id"])

        (first, first_offer), (second, _) = post.open(), post.open()
        body = post.sealed(first_offer)
        assert post.put(second, body) == (422, "capture-does-not-open")
        assert post.put(first, body) == (200, "no-hit")
        assert post.put(first, body) == (404, "no-such-search")
        again, _ = post.open()
        assert post.put(again, body) == (422, "capture-does-not-open")
        refused += [second["id"], again["id"]]

        opened, offer = post.open()
        request = http.build_request("PUT", opened["capture_url"], content=post.sealed(offer), headers=SEALED)
        assert http.send(request).json()["answer"] == "no-hit"
        replayed = http.send(request, auth=None)  # the same signature once more
        assert (replayed.status_code, replayed.json()["error"]["code"]) == (401, "not-signed-in")

        while time.time() < late[1].expires + 1:
            time.sleep(0.2)
        assert post.put(late[0], late_body) == (404, "no-such-search")
        assert answered(hub) == before + 2
    found = on_record(hub)
    assert all("search-answered" not in found[search] for search in refused)
    assert found[first["id"]].count("search-answered") == 1


def test_a_devices_counter_that_does_not_go_up_is_refused(hub: RealHub) -> None:
    key = Ed25519PrivateKey.generate()
    public = Path(hub.settings.data / "tablet.pub")
    public.write_text(base64.b64encode(key.public_key().public_bytes_raw()).decode())
    hub.limen("access", "device", "add", TABLET, "--public-key", str(public))
    both = _Both(HttpSignature(keys.load(OFFICER), OFFICER), HttpSignature(key, TABLET, tag=DEVICE))
    with httpx.Client(base_url=hub.settings.url, auth=both, timeout=60) as http:
        post = Post(hub, http)
        refused = []

        def signed(counter: int, offer: Offer, signer: Ed25519PrivateKey = key) -> bytes:
            statement = Statement(TABLET, counter, int(time.time()))
            return post.sealed(offer, sign_capture(post.samples, offer, statement, signer))

        for counter, wanted in ((10, 200), (10, 403), (9, 403), (1, 403), (11, 200)):
            opened, offer = post.open()
            status, said = post.put(opened, signed(counter, offer))
            assert (status, said) == (wanted, "no-hit" if wanted == 200 else "counter-went-back"), counter
            refused += [opened["id"]] * (wanted != 200)

        (opened, offer), (_, other) = post.open(), post.open()
        foreign = sign_capture(post.samples, other, Statement(TABLET, 20, int(time.time())), key)
        assert post.put(opened, post.sealed(offer, foreign)) == (422, "bad-device-signature")
        refused.append(opened["id"])
        opened, offer = post.open()
        assert post.put(opened, signed(21, offer, Ed25519PrivateKey.generate())) == (422, "bad-device-signature")
        refused.append(opened["id"])
        opened, offer = post.open()
        assert post.put(opened, signed(12, offer)) == (200, "no-hit")  # no refused counter was taken down
    found = on_record(hub)
    assert refused and all("search-answered" not in found[search] for search in refused)
