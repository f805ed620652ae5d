"""Hostile captures in a row: every one gets an answer or a closed connection, and nothing piles up."""

from __future__ import annotations

import io
import os
import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from limen.capture.container import Sample, encode
from limen.errors import LimenError, Unavailable
from limen.images import wsq
from limen.terms import Modality, Position
from limen.wire.messages import CaptureStart, PlainImage

from .conftest import Opened
from .test_probe import Search

CAPTURES = int(os.environ.get("LIMEN_SOAK", "60"))  # 1,000 by hand
MIB = 1 << 20
MOST_GROWTH = 8 * MIB  # bytes of the zygote's memory: allocator noise


def seeds() -> list[bytes]:
    """One small file of every format that is read."""
    y, x = np.mgrid[0:160, 0:160]
    ridges = (127 + 100 * np.sin(np.hypot(x - 80, y - 200) * 0.7)).astype(np.uint8)
    files = [wsq.encode(ridges)]
    for plugin in ("JPEG", "PNG", "TIFF", "BMP", "PPM", "JPEG2000"):
        out = io.BytesIO()
        Pillow.fromarray(ridges).save(out, plugin)
        files.append(out.getvalue())
    return files


def spoil(data: bytes, chance: random.Random) -> bytes:
    """A file with some bytes changed, cut, repeated or blown up."""
    content = bytearray(data)
    match chance.randrange(5):
        case 0:
            return bytes(content[: chance.randrange(1, len(content))])
        case 1:
            at = chance.randrange(len(content))
            content[at:at] = content[at : at + chance.randrange(1, 2000)]
        case 2:
            at = chance.randrange(min(200, len(content) - 4))
            content[at : at + 4] = b"\xff\xff\xff\xff"
        case _:
            for _ in range(chance.choice((1, 5, 50))):
                content[chance.randrange(len(content))] = chance.randrange(256)
    return bytes(content)


def memory(pid: int) -> int:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) << 10


@pytest.mark.timeout(300 + 2 * CAPTURES)  # 0.15 s each, and far more on a busy machine
def test_hostile_captures_leave_nothing_behind(opened: Opened, portrait: bytes) -> None:
    chance, files, outcomes = random.Random(5), seeds(), Counter[str]()
    opener = opened.hub.pids["opener"]
    opened.wait_idle()
    before = memory(opener), len(list(Path(f"/proc/{opener}/fd").iterdir()))
    for number in range(CAPTURES):
        image = spoil(chance.choice(files), chance)
        search = Search(opened, seconds=60)
        match number % 3:
            case 0:
                start, data = PlainImage(chance.choice((Modality.FINGER, Modality.FACE)), Position.UNKNOWN), image
            case 1:
                container = encode([Sample(Modality.FINGER, Position.RIGHT_INDEX, image)])
                start, data = CaptureStart(2, 0), spoil(container, chance)
            case _:
                start, data = CaptureStart(1, 0), os.urandom(chance.randrange(1, 5000))
        search.pass_on(start, data)
        try:
            outcomes[str(search.report(60).outcome)] += 1
        except Unavailable:
            outcomes["died"] += 1
        except LimenError as error:
            outcomes[type(error).__name__] += 1
        search.socket.close()
    assert sum(outcomes.values()) == CAPTURES
    assert set(outcomes) <= {"1", "2", "3", "died"}, outcomes
    opened.wait_idle()
    time.sleep(0.2)
    assert opened.hub.pids["opener"] == opener, "the zygote outlives them all"
    after = memory(opener), len(list(Path(f"/proc/{opener}/fd").iterdir()))
    for when, (size, files_open) in (("before", before), (f"after {CAPTURES} captures", after)):
        print(f"zygote {when}: {size / MIB:.1f} MiB, {files_open} descriptors")
    print(f"outcomes: {dict(sorted(outcomes.items()))}")
    assert after[1] <= before[1] + 1
    assert after[0] - before[0] < MOST_GROWTH
    good = Search(opened)
    good.pass_on(PlainImage(Modality.FACE, 0), portrait)
    assert good.report().outcome == 1
