"""The reference client against a front on a real port, with a worker that opens what was sealed to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from tests.front.listening import Listening, listening
from typer.testing import CliRunner

from limen.access import directory, keys
from limen.access.signing import HttpSignature
from limen.capture import container
from limen.capture.container import Sample
from limen.capture.sealing import open_capture
from limen.cli import COMMANDS
from limen.cli.lazy import group
from limen.client.hub import HubClient
from limen.client.pins import pinned
from limen.errors import BadInput, NotSignedIn, Refused, Unavailable
from limen.exchange import an2
from limen.ledger import receipt as receipts
from limen.records.tables import Hit
from limen.terms import Modality, Position
from limen.wire.messages import CaptureStart, Offer

FACE = Sample(Modality.FACE, Position.UNKNOWN, b"a photo")
FINGER = Sample(Modality.FINGER, Position.RIGHT_INDEX, b"a print")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Listening]:
    """A front on a port."""
    with listening(tmp_path) as running:
        yield running


def client_of(hub: Listening, name: str = "BIH/officer1", **more: object) -> HubClient:
    """A client of an officer."""
    return HubClient(hub.url, HttpSignature(hub.house.keys[name], name), **more)  # type: ignore[arg-type]


def test_a_sealed_search_is_opened_by_its_worker_alone(hub: Listening) -> None:
    with client_of(hub) as client:
        answer = client.search([FACE, FINGER], "border-control")
        identity = client.identity()
    sealed = bytes(hub.house.opener.received)
    assert b"a photo" not in sealed
    assert container.decode(open_capture(hub.terms, hub.worker_key, sealed)).samples == [FACE, FINGER]
    assert (answer["answer"], answer["sealed"]) == ("no-hit", True)
    assert receipts.verify(answer["receipt"], identity)["search"] == answer["id"]


def test_a_plain_search_is_sent_as_a_container_and_said_to_be_plain(hub: Listening) -> None:
    with client_of(hub) as client:
        answer = client.search([FACE], "border-control", plain=True)
    assert container.decode(bytes(hub.house.opener.received)).samples == [FACE] and not answer["sealed"]


def test_a_hit_has_a_portrait_until_the_search_is_ended(hub: Listening) -> None:
    hub.house.hit()
    with client_of(hub) as client:
        answer = client.search([FACE], "border-control", claimed={"names": "Ivan PETROV", "nationality": ""})
        [match] = answer["matches"]
        assert match["claim"]["contradicts"] and client.portrait(match["portrait"]).startswith(b"\xff\xd8")
        client.end(answer["id"])


def test_nothing_is_sealed_to_a_key_that_the_hub_did_not_sign(hub: Listening) -> None:
    hub.house.opener.offer = lambda job: Offer(job.search, b"n" * 32, b"k" * 32, job.expires, b"s" * 64)
    with client_of(hub) as client, pytest.raises(Refused) as caught:
        client.search([FACE], "border-control")
    assert caught.value.code == "offer-forged" and hub.house.opener.starts == []
    with client_of(hub, hub_key=b"x" * 32) as client, pytest.raises(Refused) as caught:
        client.search([FACE], "border-control")
    assert caught.value.code == "hub-key-changed"


def test_what_the_hub_refuses_comes_back_as_the_same_error(hub: Listening) -> None:
    with client_of(hub, "BIH/officer1") as client, pytest.raises(BadInput) as caught:
        client.search([FACE], "curiosity")
    assert caught.value.code == "bad-purpose" and "border-control" in caught.value.advice
    stranger = HttpSignature(hub.house.keys["BIH/officer2"], "BIH/officer1")
    with HubClient(hub.url, stranger) as client, pytest.raises(NotSignedIn):
        client.search([FACE], "border-control")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"public_key": 7}', b'{"public_key": "zz"}'])
def test_something_else_at_the_address_is_no_hub(body: bytes) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    with HubClient("http://h.test", httpx.Auth(), transport=transport) as client, pytest.raises(Unavailable):
        client.search([FACE], "border-control")


def test_no_hub_at_all_is_said_with_advice() -> None:
    with HubClient("http://127.0.0.1:1", httpx.Auth()) as client, pytest.raises(Unavailable) as caught:
        client.search([FACE], "border-control")
    assert "limen serve" in caught.value.advice


def test_a_hub_is_known_by_the_key_of_the_first_meeting(tmp_path: Path) -> None:
    pinned("https://hub.test", b"a" * 32, tmp_path)
    pinned("https://hub.test", b"a" * 32, tmp_path)
    pinned("https://other.test", b"b" * 32, tmp_path)
    with pytest.raises(Refused) as caught:
        pinned("https://hub.test", b"c" * 32, tmp_path)
    assert caught.value.code == "hub-key-changed" and "hubs.json" in caught.value.advice
    pinned("http://127.0.0.1:8420", b"a" * 32, tmp_path)
    pinned("http://127.0.0.1:8420", b"b" * 32, tmp_path)
    (tmp_path / "hubs.json").write_text("[")
    with pytest.raises(BadInput):
        pinned("https://hub.test", b"a" * 32, tmp_path)


@pytest.fixture
def command(hub: Listening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`limen search ...` as officer BIH/officer1, with a photo and a print in the working folder."""
    monkeypatch.setenv("LIMEN_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("LIMEN_HUB", hub.url)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys" / "BIH").mkdir(parents=True)
    key = hub.house.keys["BIH/officer1"]
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "keys" / "BIH" / "officer1.pem").write_bytes(pem)
    Path("face.jpg").write_bytes(b"a photo")
    Path("index.png").write_bytes(b"a print")

    def run(*arguments: str):
        words = ["search", *arguments]
        return CliRunner().invoke(group("limen", "limen.cli", COMMANDS, "search"), words)

    return run


ASKED = ("--as", "BIH/officer1", "--purpose", "border-control")


def test_the_command_prints_who_is_wanted_and_what_to_do(hub: Listening, command) -> None:
    hub.house.hit()
    found = command(
        "face.jpg", "--finger", "right-index=index.png", *ASKED, "--claimed-name", "Ivan PETROV", "--receipt", "r.json",
        "--portrait", "p.jpg",
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    for word in ("HIT", "MARTIN, Jean", "France", "Armed robbery", "NCB Paris", "contradicts", "What to do now"):
        assert word in found.output
    assert Path("p.jpg").read_bytes().startswith(b"\xff\xd8")
    assert receipts.parse(Path("r.json").read_bytes())["receipt"]["answer"] == "hit"
    opened = open_capture(hub.terms, hub.worker_key, bytes(hub.house.opener.received))
    assert container.decode(opened).samples == [FACE, FINGER]


def test_the_command_prints_json_and_every_answer_is_a_success(hub: Listening, command) -> None:
    found = command("face.jpg", *ASKED, "--json", "--plain")
    answer = json.loads(found.output)
    assert (found.exit_code, answer["answer"], answer["sealed"]) == (0, "no-hit", False)
    hub.house.opener.report = None
    found = command("face.jpg", *ASKED)
    assert found.exit_code == 0 and "CANNOT TELL" in found.output and "not a 'no hit'" in found.output


def test_a_device_signs_too_and_is_noted_with_the_hit(hub: Listening, command) -> None:
    hub.house.hit()
    with hub.house.database.writing() as session:
        for name in ("BIH/gate-4", "SRB/gate-1"):
            directory.add_device(session, name, keys.generate(name))
    assert command("face.jpg", *ASKED, "--device", "BIH/gate-4").exit_code == 0
    with hub.house.database.reading() as session:
        [hit] = session.query(Hit).all()
        device = directory.find_device(session, "BIH/gate-4")
        assert device is not None and hit.device_id == device.id
    foreign = command("face.jpg", *ASKED, "--device", "SRB/gate-1")
    assert foreign.exit_code == 1 and isinstance(foreign.exception, NotSignedIn)


def test_the_command_searches_with_a_file(hub: Listening, command) -> None:
    hub.house.hit()
    Path("q.an2").write_bytes(an2.write(an2.Header("CPS", "LIMEN", "BA/NCB"), []))
    found = command("q.an2", *ASKED, "--answer", "a.an2", "--receipt", "r.json")
    assert found.exit_code == 0 and "HIT" in found.output and "NCB Paris" in found.output
    sent = Path("q.an2").read_bytes()
    assert hub.house.opener.starts[-1] == CaptureStart(4, 1)
    assert open_capture(hub.terms, hub.worker_key, bytes(hub.house.opener.received)) == sent
    receipt = receipts.parse(Path("r.json").read_bytes())
    assert receipt["receipt"]["sealed"] is True and receipt["log"]["entries"]
    assert command("q.an2", *ASKED, "--plain").exit_code == 0
    assert bytes(hub.house.opener.received) == sent
    assert an2.read(Path("a.an2").read_bytes()).kind == "SRE"
    assert json.loads(command("q.an2", *ASKED, "--json").output)["answer"] == "hit"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (ASKED, "nothing to search"),
        (("missing.jpg", *ASKED), "missing.jpg cannot be read"),
        (("face.jpg", "--as", "BIH/officer1"), "needs a purpose"),
        (("face.jpg", "--purpose", "border-control"), "Who asks is missing"),
        (("face.jpg", "--as", "BIH/nobody", "--purpose", "alert"), "no key of BIH/nobody"),
        (("face.jpg", *ASKED, "--finger", "index.png"), "not POSITION=FILE"),
        (("face.jpg", *ASKED, "--finger", "nose=index.png"), "no finger position"),
        (("face.jpg", *ASKED, "--hub-key", "12"), "not 32 bytes"),
        (("face.jpg", *ASKED, "--hub", "http://127.0.0.1:1"), "cannot be reached"),
    ],
)
def test_the_command_says_what_is_wrong(hub: Listening, command, arguments: tuple[str, ...], says: str) -> None:
    found = command(*arguments)
    assert found.exit_code == 1 and says in str(found.exception)


@pytest.mark.parametrize("path", ["/v1/searches/" + "0" * 32 + "/capture", "/v1/searches/an2"])
def test_a_large_body_that_is_refused_still_gets_its_reason(hub: Listening, path: str) -> None:
    signer = HttpSignature(hub.house.keys["BIH/officer1"], "BIH/officer1")
    with httpx.Client(base_url=hub.url, auth=signer) as client:
        method = "PUT" if path.endswith("capture") else "POST"
        for _ in range(3):
            sent = client.request(method, path, content=b"x" * 20_000_000, headers={"content-type": "application/cbor"})
            assert sent.json()["error"]["code"] in ("no-such-search", "bad-request")


@pytest.mark.parametrize("url", ["", "garbage", "localhost:8420", "ftp://hub", "http://", "http://[::1", "/v1"])
def test_an_address_that_is_none_is_refused_before_anything_is_sent(hub: Listening, url: str) -> None:
    with pytest.raises(BadInput, match="no URL"):
        HubClient(url, HttpSignature(hub.house.keys["BIH/officer1"], "BIH/officer1"))
