"""A worker that is let go ends before its search's decision leaves."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.matcher.people import face

from limen.matcher import probing
from limen.matcher.decision import Policy
from limen.matcher.holding import Holding
from limen.matcher.probing import Probing
from limen.terms import Modality
from limen.wire.frame import read
from limen.wire.messages import Decision, Done, Expect, ProbeBegin, ProbeTemplate, Verdict

SEARCH = b"s" * 16


class Front:
    """The front's end of its line, as far as a decision goes."""

    def __init__(self) -> None:
        self.came = asyncio.Event()

    def write(self, data: bytes) -> None:
        assert data.startswith(Decision(SEARCH, 0, 0, 0, 0, 0, 0, b"").pack()[:8])
        self.came.set()

    async def drain(self) -> None: ...


def test_the_decision_waits_for_the_worker_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "ENDING_SECONDS", 300.0)

    async def story() -> None:
        with ThreadPoolExecutor(1) as pool:
            holding = Holding(None)  # type: ignore[arg-type]
            holding.searching, front = pool, Front()
            matcher = Probing(holding, Policy(1e-3, 1e-5))
            server = await asyncio.start_unix_server(matcher.take_probe, tmp_path / "probe.sock")
            matcher.expect(Expect(SEARCH, b"BIH", 1, 300_000, 0), front)  # type: ignore[arg-type]
            reader, writer = await asyncio.open_unix_connection(tmp_path / "probe.sock")
            writer.write(ProbeBegin(SEARCH, 1).pack())
            writer.write(ProbeTemplate(Modality.FACE, 0, face(7, 1).pack()).pack())
            await read(reader, Done)
            assert not (await read(reader, Verdict)).keep
            await asyncio.sleep(0.1)  # ten steps
            assert not front.came.is_set()
            writer.close()
            await front.came.wait()
            server.close()

    asyncio.run(asyncio.wait_for(story(), 300))
