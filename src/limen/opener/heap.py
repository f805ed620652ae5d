"""The zygote's heap, so laid out that a fork works on fresh memory and not on copies of the zygote's.

A worker's first write to a page that it shares with the zygote costs a fault and a copy, some 5 microseconds for each
4 KB; one on memory that nobody has had yet is served 2 MB at a time, where it lies in a range that the zygote never
touched (transparent huge pages). glibc gives free gaps first, and those are what rehearsing leaves. So the gaps are
taken for good, and the heap's free end begins on a boundary of huge pages: what a worker allocates comes from there.

It takes the tunables of `opener.ENVIRONMENT`: no block by a mapping of its own, and the end grown in large steps.
Without them nothing is lost but time. Measured in decision 0400.
"""

from __future__ import annotations

import ctypes

from limen import confine

HUGE = 2 << 20  # bytes of a huge page (x86-64; elsewhere the layout is no worse than before)
LARGEST_GAP, SMALLEST_GAP = 64 << 20, 4 << 10  # bytes: from more than rehearsing can leave, to a page
RESERVE = 256 << 10  # bytes that the zygote itself may allocate from before it uses the heap's end
_MADV_DONTNEED = 4  # <asm-generic/mman-common.h>
_HEADER = 16  # bytes that glibc keeps in front of a block (64-bit)

_libc = ctypes.CDLL(None)
_libc.malloc.restype, _libc.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
_libc.free.restype, _libc.free.argtypes = None, (ctypes.c_void_p,)
_libc.madvise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
_libc.sbrk.restype, _libc.sbrk.argtypes = ctypes.c_void_p, (ctypes.c_ssize_t,)


def settle() -> int:
    """Lay the heap out for the forks to come; again after much was allocated or freed. Takes milliseconds.

    Returns:
        Address where the heap's free end begins, a multiple of `HUGE`.
    """
    reserve = _libc.malloc(RESERVE)
    confine.give_back_memory()
    _take_gaps(end=_libc.sbrk(0))
    boundary = _advance_to_boundary()
    _libc.free(reserve)
    # What looking for gaps has touched beyond: only free memory, whose header lies just before the boundary
    _libc.madvise(boundary, max(0, _libc.sbrk(0) - boundary), _MADV_DONTNEED)
    return boundary


def _take_gaps(end: int) -> None:
    """Allocate whatever fits below the heap's `end`, largest blocks first, and never free it; pages stay untouched."""
    size = LARGEST_GAP
    while size >= SMALLEST_GAP:
        block = _libc.malloc(size)
        if block is None or block + size > end:  # from the free end, or a mapping: there is no such gap any more
            _libc.free(block)
            size //= 2


def _advance_to_boundary() -> int:
    """Make the next large block begin on a boundary, and say where."""
    _free_end()  # glibc merges small free blocks with the end when a large one is freed, and so the end moves
    if rest := -_free_end() % HUGE:
        _libc.malloc(max(rest - _HEADER, 1))
    return -(-_free_end() // HUGE) * HUGE


def _free_end() -> int:
    block = _libc.malloc(LARGEST_GAP)
    _libc.free(block)
    return int(block or 0)
