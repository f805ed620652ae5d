"""A post that searches in every way: as it should, as older systems do, wrongly, and with parts dying meanwhile."""

from __future__ import annotations

import base64
import contextlib
import io
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from limen.access.signing import HttpSignature
from limen.capture import container
from limen.capture.container import Sample
from limen.capture.offer import Offer
from limen.capture.sealing import seal_capture
from limen.client import trust
from limen.client.hub import HubClient
from limen.errors import LimenError, Unavailable
from limen.evaluation.forgetting.control import ticks
from limen.evaluation.forgetting.scan import children
from limen.evaluation.forgetting.served import ServedHub
from limen.exchange import an2, transactions
from limen.reasons import Reason
from limen.terms import Answer, Modality

PURPOSE = "border-control"
SEALED, PLAIN = "application/limen-sealed", "application/cbor"
ANSWERED_BADLY = "refused"  # by the hub, with a clear error
FAILED = "failed"  # no answer, or one that a part was missing
USER_DEFINED, INF = 2, 63  # record type, and its field with the answer in words
BUSY = 503  # a part is coming back, or all workers are taken: nothing was captured yet, so it may be asked again
OPEN_SECONDS = 120.0  # how long a search is tried to be opened
ATTEMPTS = 5  # to kill a process while a search is at work: on a busy machine one may be over before it is seen
_EXPECTED = (Reason.NOT_SEALED.slug,)  # says how it was sent, not why it was answered so


@dataclass(frozen=True)
class Outcome:
    """What came of a search: the kind of answer (`terms.Answer`), `refused` or `failed`, and why, as codes."""

    kind: str
    why: tuple[str, ...] = ()


class Post:
    """A border post of one officer. Every way of searching takes samples and returns what came of it."""

    def __init__(self, hub: ServedHub, officer: str, key: Ed25519PrivateKey) -> None:
        self._hub, self._officer = hub, officer
        self._signer = HttpSignature(key, officer)
        url, authority = hub.settings.url, hub.authority
        self._client = HubClient(url, self._signer, pins=hub.folder.parent / "pins", authority=authority)
        self._tls = trust.context(url, authority)
        self.claim = secrets.token_urlsafe(96)  # a name that occurs nowhere else, to be looked for as well
        self._http = self._bare(self._signer)

    def sealed(self, samples: Sequence[Sample]) -> Outcome:
        """As it should be, with a claimed name."""
        claimed = {"names": self.claim}
        return self._searched(lambda: _of_answer(self._client.search(list(samples), PURPOSE, claimed=claimed)))

    def plain(self, samples: Sequence[Sample]) -> Outcome:
        """The same capture, not sealed."""
        return self._searched(lambda: _of_answer(self._client.search(list(samples), PURPOSE, plain=True)))

    def image(self, samples: Sequence[Sample]) -> Outcome:
        """One image alone, not sealed."""
        sample = samples[0]
        question = {"modality": sample.modality.slug, "position": str(int(sample.position))}
        return self._put(self._open(), sample.image, "image/png", question)

    def file(self, samples: Sequence[Sample]) -> Outcome:
        """An ANSI/NIST-ITL file, not sealed."""
        return self._searched(lambda: _of_file(*self._client.search_file(_file(samples), PURPOSE, plain=True)[:2]))

    def sealed_file(self, samples: Sequence[Sample]) -> Outcome:
        """The same file, sealed."""
        return self._searched(lambda: _of_file(*self._client.search_file(_file(samples), PURPOSE)[:2]))

    def tampered(self, samples: Sequence[Sample]) -> Outcome:
        """Sealed, and one byte changed on the way."""
        opened = self._open()
        body = bytearray(seal_capture(_offer(opened), container.encode(list(samples))))
        body[len(body) // 2] ^= 1
        return self._put(opened, bytes(body), SEALED)

    def sealed_for_another_search(self, samples: Sequence[Sample]) -> Outcome:
        """A capture that was sealed for one search and is sent to another."""
        other, opened = self._open(), self._open()
        body = seal_capture(_offer(other), container.encode(list(samples)))
        answer = self._put(opened, body, SEALED)
        self._http.delete(f"/v1/searches/{other['id']}")
        return answer

    def no_container(self, samples: Sequence[Sample]) -> Outcome:
        """Plain bytes that are no container: an image under the wrong name."""
        return self._put(self._open(), samples[0].image, PLAIN)

    def by_a_stranger(self, samples: Sequence[Sample]) -> Outcome:
        """A capture for an open search, signed by someone who is not registered."""
        opened = self._open()
        signer = HttpSignature(Ed25519PrivateKey.generate(), self._officer)
        with self._bare(signer) as stranger:
            answer = _said(stranger.put(opened["capture_url"], content=container.encode(list(samples)), headers=_PLAIN))
        self._http.delete(f"/v1/searches/{opened['id']}")
        return answer

    def hung_up(self, samples: Sequence[Sample]) -> Outcome:
        """A plain capture of which only a part is sent before the connection ends."""
        opened, body = self._open(), container.encode(list(samples))

        def part() -> Iterator[bytes]:
            yield body[: len(body) * 3 // 4]
            time.sleep(0.3)
            raise ConnectionAbortedError

        signed = self._http.build_request("PUT", opened["capture_url"], content=body, headers=_PLAIN)
        next(self._signer.auth_flow(signed))  # over the whole body, as if all of it were coming
        with contextlib.suppress(ConnectionAbortedError, httpx.HTTPError):
            with self._bare() as bare:
                bare.put(opened["capture_url"], content=part(), headers=signed.headers)
        return Outcome(FAILED)

    def killed(self, victim: str) -> Callable[[Sequence[Sample]], Outcome]:
        """A search during which a process ends: `worker`, `front`, `matcher`, `vault` or `opener`."""

        def search(samples: Sequence[Sample]) -> Outcome:
            for _ in range(ATTEMPTS):
                outcome, in_time = self._killed(victim, samples)
                if in_time:
                    break
            return outcome

        return search

    def _killed(self, victim: str, samples: Sequence[Sample]) -> tuple[Outcome, bool]:
        """One attempt: what came of the search, and whether its worker was at work when the process ended.

        The worker is stopped meanwhile, so that what happens does not depend on who is faster.
        """
        self._settled()
        opened, answers = self._open(), list[Outcome]()
        before = {pid: ticks(pid) for pid in self._workers()}
        thread = threading.Thread(target=lambda: answers.append(self._sent(opened, samples)))
        thread.start()
        working = None
        while thread.is_alive() and working is None:
            working = next((pid for pid, spent in before.items() if ticks(pid) > spent + 1), None)
            time.sleep(0.002)
        if working is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(working, signal.SIGKILL if victim == "worker" else signal.SIGSTOP)
            if victim != "worker":
                self._hub.kill(victim)
            with contextlib.suppress(ProcessLookupError):
                os.kill(working, signal.SIGCONT)
        thread.join()
        self._hub.wait_healthy(records=1)
        return answers[0], working is not None

    def _settled(self) -> None:
        """Wait until no worker is being made ready: whoever works then, works on the search."""
        end, before = time.monotonic() + OPEN_SECONDS, dict[int, int]()
        while (now := {pid: ticks(pid) for pid in self._workers()}) != before and time.monotonic() < end:
            before = now
            time.sleep(0.3)

    def _workers(self) -> list[int]:
        return children(self._hub.part("opener"))[1:]

    def _sent(self, opened: dict[str, Any], samples: Sequence[Sample]) -> Outcome:
        """A plain capture for an open search of which a part is being killed."""
        try:
            return self._put(opened, container.encode(list(samples)), PLAIN)
        except (httpx.HTTPError, ValueError):
            return Outcome(FAILED)

    def _searched(self, ask: Callable[[], Outcome]) -> Outcome:
        """The search's outcome; one that could not be opened just now is asked for again, as a post would."""
        end = time.monotonic() + OPEN_SECONDS
        while True:
            try:
                return ask()
            except Unavailable as error:
                if error.code not in _TRY_AGAIN or time.monotonic() > end:
                    return _of_error(error)
            except LimenError as error:
                return _of_error(error)
            time.sleep(0.5)

    def _open(self) -> dict[str, Any]:
        """An open search."""
        end = time.monotonic() + OPEN_SECONDS
        while (response := self._http.post("/v1/searches", json={"purpose": PURPOSE})).status_code == BUSY:
            if time.monotonic() > end:
                break
            time.sleep(0.5)
        opened: dict[str, Any] = response.raise_for_status().json()
        return opened

    def _put(self, opened: dict[str, Any], body: bytes, kind: str, question: dict[str, str] | None = None) -> Outcome:
        return _said(
            self._http.put(opened["capture_url"], content=body, headers={"content-type": kind}, params=question)
        )

    def _bare(self, signer: httpx.Auth | None = None) -> httpx.Client:
        """A client that checks nothing, to send what `HubClient` would not."""
        return httpx.Client(base_url=self._hub.settings.url, auth=signer, timeout=120, verify=self._tls)


_PLAIN = {"content-type": PLAIN}


_TRY_AGAIN = ("no-worker", "no-matcher", "no-ledger", "busy")  # said before a capture is taken


def _said(response: httpx.Response) -> Outcome:
    said = response.json()
    return _of_answer(said) if response.is_success else Outcome(ANSWERED_BADLY, (str(said["error"]["code"]),))


def _of_answer(answer: dict[str, Any]) -> Outcome:
    of_samples = [reason for sample in answer["samples"] for reason in sample["reasons"]]
    codes = dict.fromkeys(str(reason["code"]) for reason in [*answer["reasons"], *of_samples])
    return Outcome(str(answer["answer"]), tuple(code for code in codes if code not in _EXPECTED))


def _of_file(kind: str, answer: bytes) -> Outcome:
    """An answer that is a file says what to do, in words, and not why: the reasons are those with that advice."""
    if kind not in set(Answer):
        return Outcome(FAILED)
    said = " ".join(record.text(INF) for record in transactions.read(answer).records if record.type == USER_DEFINED)
    told = [reason.slug for reason in Reason if kind == Answer.CANNOT_TELL and reason.advice and reason.advice in said]
    return Outcome(kind, tuple(code for code in told if code not in _EXPECTED))


def _of_error(error: LimenError) -> Outcome:
    kind = FAILED if isinstance(error, Unavailable) or error.code == "error" else ANSWERED_BADLY
    return Outcome(kind, (error.code,))


def _offer(opened: dict[str, Any]) -> Offer:
    nonce, key = (base64.b64decode(opened[name]) for name in ("nonce", "public_key"))
    return Offer(bytes.fromhex(opened["id"]), nonce, key, int(opened["expires"]))


def _file(samples: Sequence[Sample]) -> bytes:
    """The samples as Type-10 and Type-14 records."""
    records = []
    for idc, sample in enumerate(samples, 1):
        size = Image.open(io.BytesIO(sample.image))
        ridges = sample.modality is not Modality.FACE
        records.append(
            an2.image_record(
                sample.modality, sample.position, sample.image, idc, width=size.width, height=size.height,
                ppi=500 if ridges else None, source="LIMEN", colour=size.mode == "RGB",
            )
        )  # fmt: skip
    header = an2.Header(kind="CPS", destination="LIMEN", origin="BIH/POST")
    return an2.write(header, [an2.person_record({}, 0), *records])
