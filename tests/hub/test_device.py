"""A whole hub and a registered device that signs its captures: what holds, and what does not."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image as Pillow

from limen.access import directory
from limen.access.signing import HttpSignature
from limen.capture.container import Sample
from limen.client import hub as client_hub
from limen.client.hub import HubClient
from limen.errors import BadInput, LimenError, NotSignedIn, Refused
from limen.hub import Hub
from limen.records.database import open_database
from limen.settings import Settings
from limen.terms import Modality, Position

from .test_hub import free_port

OFFICER, DEVICE, OTHER = (Ed25519PrivateKey.generate() for _ in range(3))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    settings = Settings(data=tmp_path_factory.mktemp("hub"), port=free_port())
    with open_database(settings).writing() as session:
        directory.add_country(session, "BIH")
        session.flush()
        directory.add_officer(session, "BIH/officer1", OFFICER.public_key().public_bytes_raw())
        directory.add_device(session, "BIH/post7", DEVICE.public_key().public_bytes_raw())
    with Hub(settings) as hub:
        yield hub


@pytest.fixture(scope="module")
def face() -> Sample:
    from skimage import data

    out = io.BytesIO()
    Pillow.fromarray(data.astronaut()).save(out, "JPEG")
    return Sample(Modality.FACE, Position.UNKNOWN, out.getvalue())


@pytest.fixture
def client(hub: Hub, tmp_path: Path) -> Iterator[HubClient]:
    signer = HttpSignature(OFFICER, "BIH/officer1")
    with HubClient(hub.settings.url, signer, device=("BIH/post7", DEVICE), pins=tmp_path) as client:
        yield client


def test_a_signed_capture_is_searched_sealed_and_plain(client: HubClient, face: Sample) -> None:
    for plain in (False, True):
        answer = client.search([face], "border-control", plain=plain)
        assert answer["answer"] in ("no-hit", "cannot-tell", "refer")
        assert answer["samples"][0]["used"] == "yes"


def fails(client: HubClient, face: Sample, expected: type[LimenError], code: str) -> None:
    with pytest.raises(expected) as caught:
        client.search([face], "border-control")
    assert caught.value.code == code


def test_a_counter_that_goes_back_is_refused(client: HubClient, face: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    client.search([face], "border-control")
    now = time.time_ns()
    monkeypatch.setattr(client_hub.time, "time_ns", lambda: now - 3_600_000_000_000)
    fails(client, face, Refused, "counter-went-back")


def test_another_key_another_capture_and_a_wrong_clock_are_refused(
    client: HubClient, face: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = client_hub.sign_capture
    monkeypatch.setattr(client_hub, "sign_capture", lambda s, o, t, _: signed(s, o, t, OTHER))
    fails(client, face, BadInput, "bad-device-signature")
    monkeypatch.setattr(client_hub, "sign_capture", lambda s, o, t, k: signed(s * 2, o, t, k))
    fails(client, face, BadInput, "bad-device-signature")
    late = client_hub.Statement
    monkeypatch.setattr(client_hub, "sign_capture", signed)
    monkeypatch.setattr(client_hub, "Statement", lambda name, counter, t: late(name, counter, t - 900))
    fails(client, face, BadInput, "device-clock")


def test_an_unregistered_device_is_nobody(hub: Hub, face: Sample, tmp_path: Path) -> None:
    signer = HttpSignature(OFFICER, "BIH/officer1")
    with HubClient(hub.settings.url, signer, device=("BIH/post8", OTHER), pins=tmp_path) as client:
        with pytest.raises(NotSignedIn):
            client.search([face], "border-control")


def test_a_capture_that_does_not_open_is_said_first(
    client: HubClient, face: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_hub, "seal_capture", lambda offer, body: bytes(200))
    fails(client, face, BadInput, "capture-does-not-open")
