"""Random and hostile input to the scan of faces and to the directory. Alone: `scan_fuzz.py _native.so SECONDS [SEED]`.

`scripts/fuzz` runs it on a build with AddressSanitizer and UndefinedBehaviorSanitizer.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from typing import Any

import numpy as np

HANDLES = np.array([0, 1, 2, 2**63, 2**64 - 1, *range(900, 1000)], np.uint64)


def change_directory(directory: Any, kept: dict[int, tuple[int, int, int]], random: np.random.Generator) -> None:
    """Random changes of a directory, and of a dict beside it that says what should be there."""
    handles = np.unique(random.choice(HANDLES, 30))
    slots, kinds = random.integers(0, 12, len(handles)), random.integers(0, 3, len(handles))
    clear = random.integers(-1, 4, len(handles))
    given = (slots.astype(np.int32), kinds.astype(np.uint32), clear.astype(np.int32))
    new = np.array([int(handle) not in kept for handle in handles])
    try:
        directory.put_many(handles, *given)
        assert new.all()
    except ValueError:  # one is there already: those before it went in
        assert not new.all()
        new &= np.arange(len(handles)) < np.flatnonzero(~new)[0]
    for row in np.flatnonzero(new).tolist():
        kept[int(handles[row])] = (int(slots[row]), int(kinds[row]), int(clear[row]))
    gone = random.choice(HANDLES, 30)
    directory.remove_many(gone)
    for handle in gone.tolist():
        kept.pop(handle, None)
    assert len(directory) == len(kept)
    assert directory.slots_of(handles).tolist() == [kept.get(handle, (-1,))[0] for handle in handles.tolist()]
    slot = int(random.integers(-1, 20))
    wanted = sorted((handle, *one[1:]) for handle, one in kept.items() if one[0] == slot)
    assert sorted(directory.samples_of(slot)) == wanted
    found = directory.of_slots(np.array([-5, slot, 2**31 - 1], np.int32))
    assert sorted(zip(*(part.tolist() for part in found), strict=True)) == wanted
    allowed, kind = random.integers(0, 2, 14).astype(np.uint8), int(random.integers(0, 4))
    these = [handle for handle, (where, what, _) in kept.items() if allowed[where] and what == kind]
    assert sorted(directory.of_kind(allowed, kind).tolist()) == sorted(these)
    try:
        directory.put_many(np.array([7], np.uint64), np.array([-1], np.int32), given[1][:1], given[2][:1])
        raise AssertionError("a slot below 0 was taken")
    except ValueError:
        assert len(directory) == len(kept)


def run(native: Any, seconds: float, seed: int = 0) -> int:
    """Feed the kernel for so long; how many scans were accepted. Raises what is not a plain refusal."""
    random = np.random.default_rng(seed)
    accepted, end = 0, time.monotonic() + seconds
    directory, kept = native.Directory(), {}
    while time.monotonic() < end:
        change_directory(directory, kept, random)
        sound = random.random() < 0.7
        n, width = int(random.choice([0, 1, 2, 15, 16, 17, 100, 5000])), int(random.choice([64, 128, 512, 4096]))
        count, slots = int(random.choice([0, 1, 2, 3, 16, 17])), int(random.integers(1, 40))
        off = (lambda: 0) if sound else (lambda: int(random.choice([0, 0, 0, 1])))
        codes = random.integers(-128, 128, (n, width + off()), dtype=np.int8)
        probes = random.integers(-128, 128, (count, width), dtype=np.int8)
        scales = random.choice([0, 1, -1, 1e38, np.inf, np.nan], n + off()).astype(np.float32)
        of = random.integers(-off(), slots + off(), n).astype(np.int32)
        allowed = random.integers(0, 2, slots).astype(np.uint8)
        given = (codes, scales, of, allowed, probes, np.ones(count + off(), np.float32))
        limit = int(random.choice([0, 1, 7, 200, 2**40]))
        try:
            for level in range(native.best_level() + 1):
                rows, scores = native.scan(*given, limit, int(random.choice([-1, 0, 1, 3])), level)
        except ValueError:
            continue
        accepted += 1
        assert rows.shape == scores.shape == (count, limit)
        assert rows.size == 0 or (rows.min() >= -1 and rows.max() < n)
    return accepted


if __name__ == "__main__":
    spec = importlib.util.spec_from_file_location("_native", sys.argv[1])
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    print(run(module, float(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0), "scans accepted")
