"""numpy's freed blocks go back to the C library, which overwrites them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from limen.matcher import ENVIRONMENT

PROGRAM = """
import ctypes, sys, threading
import numpy as np
from limen.matcher.heap import keep_no_blocks
def freed():
    array = np.full(600, 77, np.uint8)
    address = array.__array_interface__["data"][0]
    del array
    return ctypes.string_at(address + 100, 8) == bytes([77] * 8)
if sys.argv[1] == "plain":
    keep_no_blocks()
    assert np._core.multiarray.get_handler_name() == "limen_plain_heap"
array = np.arange(100_000.0)
array.resize(200_000)
assert array[99_999] == 99_999 and array[150_000] == 0 and np.zeros(500).sum() == 0
print(freed())
"""


@pytest.mark.parametrize(("how", "stays"), [("plain", "False"), ("numpy's own", "True")])
def test_a_small_array_is_overwritten_when_it_is_freed(how: str, stays: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], env=os.environ | ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == stays
