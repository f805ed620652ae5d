"""Re-derive every root of a log from its entries, independently of the code that wrote it.

Only the parsers of notes and entries are shared. Entries are read one after another; a binary counter of subtree
hashes gives, as it runs, every hash of every tile, the root at every earlier checkpoint, and the root of the whole.
Nothing is kept but that counter and one row of hashes a level, so a log of any length is checked in constant memory.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from limen.errors import BadInput, Damaged, LimenError
from limen.ledger import note
from limen.ledger.checking import leaf, parent
from limen.ledger.entry import Entry
from limen.ledger.note import Checkpoint, Key

BUNDLE = 256  # entries of a full bundle, and hashes of a full tile


@dataclass
class Audit:
    """What was found good.

    Attributes:
        checkpoint: the log's head.
        kinds: how many entries of each kind.
        tiles: tile files that were compared, hash by hash, with what the entries give.
        earlier: earlier checkpoints that the log was found to continue.
    """

    checkpoint: Checkpoint
    kinds: Counter[str] = field(default_factory=Counter)
    tiles: int = 0
    earlier: int = 0


def audit(folder: Path, key: bytes, earlier: Sequence[Checkpoint] = ()) -> Audit:
    """Check a whole log.

    Args:
        folder: the log's folder: `checkpoint` and `tile/`.
        key: the Ed25519 public key of its hub, known from elsewhere, 32 bytes.
        earlier: checkpoints of this log that others kept; each must be one of its prefixes.

    Raises:
        Damaged: something does not fit; the message says what and where (`ledger-damaged`, `ledger-forked`).
    """
    head = _head(folder, key)
    found = Audit(head)
    wanted: dict[int, set[bytes]] = {}
    for checkpoint in earlier:
        if checkpoint.origin != head.origin:
            raise BadInput(f"A checkpoint of {checkpoint.origin} is none of {head.origin}.")
        if checkpoint.size > head.size:
            raise _forked(f"The log had {checkpoint.size} entries and has {head.size} now: it was cut off.")
        wanted.setdefault(checkpoint.size, set()).add(checkpoint.root)
    counter: list[tuple[int, bytes]] = []  # perfect subtrees, left to right: (height, hash)
    rows: list[list[bytes]] = [[]]  # of each level, the hashes of the tile under way
    done = [0]  # of each level, full tiles so far
    found.earlier += _compare(0, counter, wanted)
    for count, line in enumerate(_entries(folder, head.size), start=1):
        found.kinds[_kind(line, count - 1)] += 1
        height, value = 0, leaf(line)
        while True:
            if height % 8 == 0:
                level = height // 8
                if level == len(rows):
                    rows.append([])
                    done.append(0)
                rows[level].append(value)
                if len(rows[level]) == BUNDLE:
                    found.tiles += _tiles(folder, level, done[level], rows[level])
                    rows[level] = []
                    done[level] += 1
            if not counter or counter[-1][0] != height:
                break
            value, height = parent(counter.pop()[1], value), height + 1
        counter.append((height, value))
        found.earlier += _compare(count, counter, wanted)
    for level, row in enumerate(rows):
        if row:
            found.tiles += _tiles(folder, level, done[level], row)
    if _root(counter) != head.root:
        raise _damaged("The entries do not hash to the checkpoint's root: some were changed, moved or removed.")
    return found


def _head(folder: Path, key: bytes) -> Checkpoint:
    try:
        data = (folder / "checkpoint").read_bytes()
        return note.opened(data, Key(note.parse(note.split(data)[0]).origin, key))
    except FileNotFoundError:
        raise BadInput(f"There is no ledger in {folder}.", advice="It begins with the hub's first search.") from None
    except LimenError as error:
        raise _damaged(error.message) from None


def _entries(folder: Path, size: int) -> Iterator[bytes]:
    for bundle in range(-(-size // BUNDLE)):
        width = min(BUNDLE, size - bundle * BUNDLE)
        data, alone = _file(folder, "entries", bundle, width)
        at, ends = 0, [0]
        for _ in range(width):
            length = int.from_bytes(data[at : at + 2], "big")
            line = data[at + 2 : at + 2 + length]
            if len(data) < at + 2 or len(line) < length:
                raise _damaged(f"Bundle {bundle} of the ledger is cut off.")
            yield line
            at += 2 + length
            ends.append(at)
        if alone and at != len(data):
            raise _damaged(f"Bundle {bundle} of the ledger holds more than its entries.")
        for count, earlier in _earlier(folder, "entries", bundle, width):
            if earlier != data[: ends[count]]:
                raise _damaged(f"Bundle {bundle} of the ledger, width {count}, was changed.")


def _kind(line: bytes, index: int) -> str:
    try:
        return Entry.unpack(line).kind.value
    except BadInput:
        raise _damaged(f"Entry {index} is no entry of a ledger.") from None


def _compare(count: int, counter: list[tuple[int, bytes]], wanted: dict[int, set[bytes]]) -> int:
    """How many earlier checkpoints have this size, all with the root that the entries give."""
    roots = wanted.get(count, set())
    if roots and roots != {_root(counter)}:
        raise _forked(f"The log does not continue the checkpoint of {count} entries that others have seen.")
    return len(roots)


def _tiles(folder: Path, level: int, index: int, row: list[bytes]) -> int:
    """Compare the files of one tile, also earlier partial ones, with the hashes that the entries give."""
    good = b"".join(row)
    data, alone = _file(folder, level, index, len(row))
    if (data if alone else data[: len(good)]) != good:
        raise _damaged(f"Tile {index} of level {level} does not hold the hashes of its entries.")
    files = 1
    for count, earlier in _earlier(folder, level, index, len(row)):
        files += 1
        if earlier != good[: 32 * count]:
            raise _damaged(f"Tile {index} of level {level}, width {count}, was changed.")
    return files


def _earlier(folder: Path, level: int | str, index: int, width: int) -> Iterator[tuple[int, bytes]]:
    """Narrower files of the same tile, of earlier checkpoints. Wider ones are of a batch that was never published."""
    partial = folder / f"tile/{level}/{_number(index)}.p"
    for path in list(partial.iterdir()) if partial.is_dir() else ():
        if path.name.isascii() and path.name.isdigit() and 0 < int(path.name) < width:
            try:
                data = path.read_bytes()
            except FileNotFoundError:  # the hub drops them when the tile is full
                continue
            except OSError:
                raise _damaged(f"{path} cannot be read.") from None
            yield int(path.name), data


def _root(counter: list[tuple[int, bytes]]) -> bytes:
    if not counter:
        return hashlib.sha256().digest()
    value = counter[-1][1]
    for _, left in reversed(counter[:-1]):
        value = parent(left, value)
    return value


def _file(folder: Path, level: int | str, index: int, width: int) -> tuple[bytes, bool]:
    """A tile's file, and whether it holds this width alone: a full tile takes the place of its partial ones."""
    full = folder / f"tile/{level}/{_number(index)}"
    with suppress(OSError):  # else the full one is asked for, which says what is wrong
        return Path(f"{full}.p", str(width)).read_bytes(), True
    try:
        return full.read_bytes(), width == BUNDLE
    except OSError:
        raise _damaged(f"Tile {index} of level {level} of the ledger is missing.") from None


def _number(index: int) -> str:
    text = f"{index:03}"
    text = text.zfill(-(-len(text) // 3) * 3)
    parts = [text[at : at + 3] for at in range(0, len(text), 3)]
    return "/".join([f"x{part}" for part in parts[:-1]] + parts[-1:])


def _damaged(message: str) -> Damaged:
    return Damaged(message, advice="Compare with a copy that a witness or the backup holds.", code="ledger-damaged")


def _forked(message: str) -> Damaged:
    return Damaged(message, advice="Somebody was shown another log; ask the witnesses.", code="ledger-forked")
