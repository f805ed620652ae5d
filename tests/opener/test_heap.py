"""The zygote's heap: what a fork allocates lies where the zygote has never been, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys

from limen import opener

# In a process of its own: the layout takes tunables that the C library reads when a process starts.
PROGRAM = """
import random
from limen.opener import heap

chance = random.Random(3)
kept = [bytes([n % 256]) * chance.randrange(1_000, 3_000_000) for n in range(200)]
for number in range(0, 200, 2):
    kept[number] = b""  # gaps of all sizes
for _ in range(2):  # it may be laid out again
    boundary = heap.settle()
end = heap._libc.sbrk(0)
pages = open("/proc/self/pagemap", "rb")
pages.seek(boundary // 4096 * 8)
touched = 0
for _ in range(boundary, end, 4096):  # an entry at a time: what this allocates must not come from the heap's end
    touched += pages.read(8)[7] >> 7
print(boundary % heap.HUGE, end - boundary >= 32 << 20, touched)
print(all(len(set(one)) <= 1 for one in kept))
blocks = [heap._libc.malloc(1 << size) for size in range(20, 25)]
print(all(block > boundary - (64 << 10) for block in blocks))
"""


def test_large_blocks_of_a_fork_lie_beyond_what_the_zygote_touched() -> None:
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=os.environ | opener.ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines() == ["0 True 0", "True", "True"]


def test_without_the_tunables_nothing_is_lost() -> None:
    program = PROGRAM.split("end = ")[0] + "print(all(len(set(one)) <= 1 for one in kept))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True"]
