"""Asking a worker: what it answers, and what happens when it dies."""

import contextlib
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from limen.errors import BadFile, BadImage, KeyUnavailable, Unavailable
from limen.records import enrolment
from limen.settings import Settings
from limen.wire import receive, send
from limen.wire.messages import Chunk, Done, End, EnrolJob, Enrolled, Failed, Fields

JOB = EnrolJob(1, b"FRA", bytes(16), bytes(16), 1, 0, 0, 5, 1)
SAMPLE = Enrolled(bytes(16), 1, 0, 1, b"m".ljust(16, b"\0"), 50, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, b"t")
PERSON = bytes.fromhex("a1 66 706572736f6e a1 65 6e616d6573 81 61 41")  # CBOR {"person": {"names": ["A"]}}


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """Serve the enrolment socket with a list of behaviours, one a connection."""
    monkeypatch.setattr(enrolment, "PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(enrolment, "PATIENCE_SECONDS", 1.0)
    monkeypatch.chdir(tmp_path)
    hub = Settings(data=tmp_path)
    hub.run.mkdir()
    server = socket.socket(socket.AF_UNIX)
    server.bind(hub.socket("opener-enrol"))
    server.listen()
    taken: list[bytes] = []

    def start(*behaviours):
        def serve():
            for behave in behaviours:
                connection, _ = server.accept()
                with connection, contextlib.suppress(Unavailable):  # the asker may hang up on it
                    behave(connection, taken)

        threading.Thread(target=serve, daemon=True).start()
        return hub, taken

    yield start
    server.close()


def answers(*messages):
    def behave(sock, taken):
        receive(sock, EnrolJob)
        data = b""
        while True:
            message = receive(sock, Chunk, End)
            if isinstance(message, End):
                break
            data += message.tail
        assert message.total == len(data)
        taken.append(data)
        for answer in messages:
            send(sock, answer)

    return behave


def dies(sock, taken):
    taken.append(b"")


def test_bytes_go_in_and_samples_come_back(worker):
    other = replace(SAMPLE, sample=b"y" * 16, modality=2, position=7)
    hub, taken = worker(answers(SAMPLE, other, Fields(PERSON), Done()))
    data = bytes(range(256)) * 3000  # several chunks
    found = enrolment.enrol(hub, replace(JOB, what=2), data)
    assert found.samples == [SAMPLE, other]
    assert found.person == {"names": ["A"]}
    assert taken == [data]


@pytest.mark.parametrize(
    "change",
    [
        {"sample": b"x" * 16},
        {"modality": 2},
        {"modality": 99},
        {"position": 99},
        {"model": b"\xff" * 16},
        {"template_length": 9},
        {"template_length": 0, "tail": b""},
    ],
)
def test_a_worker_that_was_taken_over_is_not_believed(worker, change):
    hub, _ = worker(answers(replace(SAMPLE, **change), Done()))
    with pytest.raises(BadImage, match="damaged or hostile"):
        enrolment.enrol(hub, JOB, b"x")


@pytest.mark.parametrize("samples", [[], [SAMPLE, replace(SAMPLE, sample=b"y" * 16)], [SAMPLE, SAMPLE]])
def test_an_image_is_one_sample(worker, samples):
    hub, _ = worker(answers(*samples, Done()))
    with pytest.raises(BadImage):
        enrolment.enrol(hub, JOB, b"x")


@pytest.mark.parametrize("tail", [b"", b"\xff", bytes.fromhex("a1 66 706572736f6e 01"), b"\x9f" * 1000])
def test_what_a_file_says_must_be_fields(worker, tail):
    hub, _ = worker(answers(Fields(tail), Done()))
    with pytest.raises(BadFile):
        enrolment.enrol(hub, replace(JOB, what=2), b"x")


def test_a_bad_image_is_said_so(worker):
    hub, _ = worker(answers(Failed.of(BadImage("The image is empty.", advice="Take it again."))))
    with pytest.raises(BadImage, match="The image is empty"):
        enrolment.enrol(hub, JOB, b"x")


def test_a_worker_that_died_once_is_tried_again(worker):
    hub, taken = worker(dies, answers(SAMPLE, Done()))
    assert enrolment.enrol(hub, JOB, b"x" * 600_000).samples == [SAMPLE]
    assert len(taken) == 2


def test_an_image_that_kills_every_worker_is_bad(worker):
    hub, taken = worker(dies, dies, dies)
    with pytest.raises(BadImage, match="damaged or hostile"):
        enrolment.enrol(hub, JOB, b"x")
    assert len(taken) == 3


def test_a_missing_key_is_no_fault_of_the_image(worker):
    hub, taken = worker(answers(Failed.of(KeyUnavailable("The key of FRA is revoked."))))
    with pytest.raises(KeyUnavailable, match="revoked"):
        enrolment.enrol(hub, JOB, b"x")
    assert len(taken) == 1


def test_without_an_opener_nothing_can_be_enrolled(tmp_path, monkeypatch):
    monkeypatch.setattr(enrolment, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(Unavailable, match="opener"):
        enrolment.enrol(Settings(data=Path(tmp_path)), JOB, b"x")
