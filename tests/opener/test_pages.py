"""What a fork touches in a rehearsal, every later fork has before it begins."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# In a process of its own, which gives up what the opener gives up, and may be another user.
PROGRAM = """
import mmap, os, resource, sys
import numpy as np
from limen import confine
from limen.opener import pages

if len(sys.argv) > 1:
    os.setuid(int(sys.argv[1]))
confine.keep_private()
PAGES = 600
memory = mmap.mmap(-1, (PAGES + 1) * pages.PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
start = np.frombuffer(memory, np.uint8).ctypes.data
memory[:] = b"a" * len(memory)

def touch():
    for page in range(100, 200):
        memory[page * pages.PAGE] = ord("b")

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def fork(fetched):
    ours, theirs = os.pipe()
    if not os.fork():
        pages.fetch(fetched)
        same = memory[100 * pages.PAGE] == ord("a")
        before = faults()
        touch()
        os.write(theirs, f"{faults() - before} {same}".encode())
        os._exit(0)
    os.wait()
    many, same = os.read(ours, 99).split()
    return int(many), same == b"True"

learned = pages.learn(touch)
mine = [(s, n, w) for s, n, w in learned.tolist() if start <= s < start + len(memory)]
print(mine == [(start + 100 * pages.PAGE, 100 * pages.PAGE, 1)])
print(any(not written for _, _, written in learned.tolist()))
(without, same), (with_them, unchanged) = fork(learned[:0]), fork(learned)
print(without >= 100, with_them < 20, same, unchanged)
print(memory[100 * pages.PAGE] == ord("a"), len(pages.learn(lambda: 1 / 0)))
fork(np.array([[0, 4096, 1], [start & ~0xFFFF | 1, 4096, 1], [1 << 46, 4096, 0]]))  # nothing there: nothing happens
"""
AS_IT_IS, NOBODY = [], ["65534"]


@pytest.mark.parametrize("user", [AS_IT_IS, NOBODY])
def test_forks_have_what_was_touched_in_a_rehearsal(user: list[str]) -> None:
    if user and os.geteuid():
        pytest.skip("only root may become another user")
    said = subprocess.run([sys.executable, "-c", PROGRAM, *user], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == ["True", "True", "True True True True", "True 0"]
