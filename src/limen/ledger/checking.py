"""Checking proofs, by the algorithms of RFC 9162 (sections 2.1.3.2 and 2.1.4.2); shares no code with the writer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def leaf(entry: bytes) -> bytes:
    """Hash of an entry."""
    return hashlib.sha256(bytes(1) + entry).digest()


def parent(left: bytes, right: bytes) -> bytes:
    """Hash of two children."""
    return hashlib.sha256(bytes([1]) + left + right).digest()


def included(entry: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether an entry is in the tree of this size and root, at this index."""
    if not 0 <= index < size:
        return False
    first, last, value = index, size - 1, leaf(entry)
    for step in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            value = parent(step, value)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            value = parent(value, step)
        first, last = first >> 1, last >> 1
    return last == 0 and value == root


def consistent(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the old tree is a prefix of the new one."""
    if old_size > size or old_size < 0:
        return False
    if old_size == size:
        return not proof and old_root == root
    if old_size == 0:
        return not proof and old_root == hashlib.sha256().digest()
    if not proof:
        return False
    steps = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    first, last = old_size - 1, size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old_value = value = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            old_value, value = parent(step, old_value), parent(step, value)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            value = parent(value, step)
        first, last = first >> 1, last >> 1
    return last == 0 and old_value == old_root and value == root
