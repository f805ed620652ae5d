"""Stand-ins for opener and matcher, at the other end of real sockets: they speak the contract's messages."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from pathlib import Path

from limen.countries import bitmap
from limen.hits.keep import Asked, Capture
from limen.hits.view import RecordView
from limen.reasons import Reason, to_mask
from limen.terms import Answer, Modality, Position
from limen.wire.frame import Message, read
from limen.wire.messages import (
    CaptureStart,
    Chunk,
    Decision,
    DeviceKey,
    End,
    EvidenceAsk,
    EvidenceCounts,
    Expect,
    Forget,
    GalleryAgain,
    GalleryBatch,
    GalleryMark,
    GalleryReset,
    Offer,
    PlainImage,
    ProbeJob,
    Report,
    Status,
    StatusAsk,
)
from limen.wire.parts import Match, SampleReport, pack_matches, pack_samples

FEED = (GalleryReset, GalleryBatch, GalleryAgain, GalleryMark)
GOOD_FACE = SampleReport(Modality.FACE, Position.UNKNOWN, 1, 80, 0)


def report(*samples: SampleReport, outcome: int = 1, reasons: tuple[Reason, ...] = ()) -> Report:
    """A worker's report."""
    return Report(outcome, len(samples), to_mask(reasons), pack_samples(list(samples)))


class Opener:
    """Serves `opener-probe.sock`. `reports` is what a worker says at the end; None: it dies instead."""

    def __init__(self) -> None:
        self.report: Message | None = report(GOOD_FACE)
        self.failure: Message | None = None  # instead of an offer
        self.offer = lambda job: Offer(job.search, b"n" * 32, b"k" * 32, job.expires, b"s" * 64)
        self.before_report: list[Message] = []
        self.after_report: Callable[[bytes], list[Message]] = lambda search: []
        self.received = bytearray()
        self.starts: list[Message] = []
        self.completed = 0
        self.silent = False  # takes its capture, and says nothing more
        self.on_end: Callable[[bytes], None] = lambda search: None
        self.on_hang_up: Callable[[], None] = lambda: None

    async def serve(self, path: Path) -> asyncio.Server:
        return await asyncio.start_unix_server(self._worker, path)

    async def _worker(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            job = await read(reader, ProbeJob)
            writer.write((self.failure or self.offer(job)).pack())
            self.received.clear()
            start: Message = await read(reader, CaptureStart, PlainImage, DeviceKey)
            self.starts.append(await read(reader, CaptureStart, PlainImage) if isinstance(start, DeviceKey) else start)
            while isinstance(chunk := await read(reader, Chunk, End), Chunk):
                self.received += chunk.tail
            self.completed += 1
            if self.silent:
                await reader.read()  # until it is given up
                return
            if self.report is not None:
                if isinstance(self.report, Report) and self.report.outcome == 1:
                    self.on_end(job.search)
                for message in self.before_report:
                    writer.write(message.pack())
                writer.write(self.report.pack())
                for message in self.after_report(job.search):
                    writer.write(message.pack())
                await writer.drain()
        except Exception:  # the front hung up
            self.received.clear()
            self.on_hang_up()
        finally:
            writer.close()


class Matcher:
    """Serves `matcher-front.sock`, and `matcher-feed.sock` beside it: decides when told that templates came."""

    def __init__(self) -> None:
        self.answer = Answer.NO_HIT
        self.reasons: tuple[Reason, ...] = ()
        self.matches: list[Match] = []
        self.silent = False
        self.expected: list[Expect] = []
        self.forgotten: list[bytes] = []
        self.refuse = False
        self.sequence = 0
        self.fed: list[Message] = []
        self._searching: asyncio.StreamWriter | None = None
        self._feeding: asyncio.StreamWriter | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, path: Path) -> asyncio.Server:
        await asyncio.start_unix_server(self._front, path.with_name("matcher-feed.sock"))
        return await asyncio.start_unix_server(self._front, path)

    def decide(self, search: bytes) -> None:
        """Templates of this search came."""
        if self.silent:
            return
        tail = pack_matches(self.matches)
        decision = Decision(search, self.answer.wire, len(self.matches), to_mask(self.reasons), 7, 9, 1000, tail)
        assert self._searching is not None
        self._searching.write(decision.pack())

    def tell(self, message: Message) -> None:
        """Say something unasked on the line of the searches."""
        assert self._searching is not None
        self._searching.write(message.pack())

    def ask_again(self, country: str) -> None:
        """Ask the front to feed a country's records once more, as the matcher does when its key has come back."""
        assert self._feeding is not None
        self._feeding.write(Status(7, 5, 2, 0, 0, 0, 4096, self.sequence, bitmap([country]), 41).pack())

    def die(self) -> None:
        """Drop all connections, as a killed process does."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def _front(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuse:
            writer.close()
            return
        self._writers.append(writer)
        try:
            while True:
                message: Message = await read(reader, Expect, Forget, StatusAsk, EvidenceAsk, *FEED)
                if isinstance(message, FEED):
                    self.fed += message.changes() if isinstance(message, GalleryBatch) else [message]
                    self._feeding = writer
                    if isinstance(message, GalleryMark):
                        writer.write(message.pack())
                elif isinstance(message, Expect):
                    self._searching = writer
                    self.expected.append(message)
                elif isinstance(message, Forget):
                    self.forgotten.append(message.search)
                elif isinstance(message, EvidenceAsk):
                    writer.write(EvidenceCounts(50, struct.pack("<96Q", *([0] * 40 + [50] + [0] * 55))).pack())
                else:
                    writer.write(Status(7, 5, 2, 0, 0, 0, 4096, self.sequence, bytes(32), 0).pack())
        except Exception:
            writer.close()


class Hits:
    """Shows one made-up record for every match."""

    def __init__(self, views: list[RecordView] | None = None) -> None:
        self.views = views or []
        self.kept: list[tuple[bytes, Answer]] = []
        self.held: Capture | None = None

    async def follow(
        self, asked: Asked, matches: list[Match], answer: Answer, held: Capture | None = None
    ) -> list[RecordView]:
        self.held = held
        self.kept.append((asked.search, answer))
        return self.views[: len(matches)]


class Signer:
    """A vault that signs receipts, or is gone."""

    def __init__(self, key: object) -> None:
        self.key = key
        self.gone = False

    async def sign(self, message: bytes) -> bytes:
        from limen.errors import Unavailable

        if self.gone:
            raise Unavailable("gone")
        return self.key.sign(message)  # type: ignore[attr-defined]

    async def identity(self) -> bytes:
        return self.key.public_key().public_bytes_raw()  # type: ignore[attr-defined]
