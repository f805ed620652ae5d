"""The log: entries in, signed checkpoints out; append-only, and consistent after a crash at any moment.

A batch is written in this order, each step on disk before the next:

    1. entry bundles and tiles, under names that no checkpoint so far covers
    2. `pending`: the text of the checkpoint to come
    3. the hub's signature over that text
    4. `checkpoint`

A crash before 2 leaves files that no checkpoint covers; they are set aside. A crash after 2 is rolled forward: the
same text is signed again (Ed25519 gives the same signature), so two different checkpoints of one size are never signed.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from limen.errors import Damaged, LimenError, Unavailable
from limen.ledger import note
from limen.ledger.note import Checkpoint, Key
from limen.ledger.tiles import Folder, make, pack_bundle, tile_path
from limen.ledger.tree import HASH, HEIGHT, WIDTH, Tree, leaf_hash, perfect

MAX_LEAF = 0xFFFF  # bytes of an entry, by the bundle's format


@dataclass
class _Edge:
    """The right edge of the tree: what the next entry needs."""

    size: int = 0
    bundle: list[bytes] = field(default_factory=list)
    rows: list[bytes] = field(default_factory=list)  # hashes of the partial tile of each level

    def copy(self) -> _Edge:
        return _Edge(self.size, list(self.bundle), list(self.rows))

    def add(self, entry: bytes) -> dict[tuple[int | str, int], bytes]:
        """Take an entry; the full tiles and bundle that it completes."""
        full: dict[tuple[int | str, int], bytes] = {}
        self.bundle.append(entry)
        if len(self.bundle) == WIDTH:
            full["entries", self.size // WIDTH] = pack_bundle(self.bundle)
            self.bundle = []
        value, level = leaf_hash(entry), 0
        while True:
            if level == len(self.rows):
                self.rows.append(b"")
            self.rows[level] += value
            if len(self.rows[level]) < WIDTH * HASH:
                break
            full[level, self.size >> HEIGHT * (level + 1)] = self.rows[level]
            value, self.rows[level] = perfect(self.rows[level]), b""
            level += 1
        self.size += 1
        return full

    def partial(self) -> dict[str, bytes]:
        """Files of the partial tiles."""
        files = {}
        if self.bundle:
            files[tile_path("entries", self.size // WIDTH, len(self.bundle))] = pack_bundle(self.bundle)
        for level, row in enumerate(self.rows):
            if row:
                files[tile_path(level, self.size >> HEIGHT * (level + 1), len(row) // HASH)] = row
        return files


class Log:
    """A log in a folder, held by one process at a time. Not thread-safe: one batch after another."""

    def __init__(self, path: Path, origin: str, identity: bytes) -> None:
        """Open a log, or begin one.

        Args:
            path: its folder, made with mode 0700.
            origin: the log's name in its checkpoints; only for a new log, an old one keeps its own.
            identity: the Ed25519 public key that signs it, 32 bytes.

        Raises:
            Unavailable: another process holds it, or the disk cannot be written.
            Damaged: what is there does not hash to its checkpoint, or another key signed that.
        """
        make(path.absolute())
        self._folder = Folder(path)
        self._lock = _hold(path / "lock")
        try:
            self.checkpoint = self._read_checkpoint(origin, identity)
            self.key = Key(self.checkpoint.origin, identity)
            self._edge = self._read_edge(self.checkpoint)
            self._staged: _Edge | None = None
            self._full: set[tuple[int | str, int]] = set()
            self.pending = self._read_pending()
            self._clear_beyond((self.pending or self.checkpoint).size)
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Let go of the log."""
        os.close(self._lock)

    def append(self, entries: Sequence[bytes], sign: Callable[[bytes], bytes]) -> int:
        """Append a batch in one commit; the index of its first entry. `sign` is the hub's identity (Ed25519)."""
        if self.pending:
            self.finish(sign(self.pending.text.encode()))
        first = self.checkpoint.size
        if entries:
            self.finish(sign(self.stage(entries)))
        return first

    def stage(self, entries: Sequence[bytes]) -> bytes:
        """Steps 1 and 2: write a batch; the text that the hub must sign now (`finish`).

        Raises:
            Unavailable: the disk cannot be written; nothing was appended.
        """
        if self.pending:
            raise RuntimeError("a batch waits for its signature")
        if not entries or any(not 0 < len(entry) <= MAX_LEAF for entry in entries):
            raise ValueError("a batch has entries of 1 to 65,535 bytes")
        edge, full = self._edge.copy(), {}
        for entry in entries:
            full.update(edge.add(entry))
        try:
            for (level, index), content in full.items():
                self._folder.write(tile_path(level, index, WIDTH), content)
            for name, content in edge.partial().items():
                self._folder.write(name, content)
            pending = Checkpoint(self.checkpoint.origin, edge.size, Tree(edge.size, self._folder.tile).root())
            self._folder.write("pending", pending.text.encode())
        except OSError as error:
            with contextlib.suppress(OSError):  # else done when the log is opened again
                self._folder.set_aside(self.checkpoint.size)
            raise _unwritable(error) from None
        self.pending, self._staged, self._full = pending, edge, set(full)
        return pending.text.encode()

    def finish(self, signature: bytes) -> Checkpoint:
        """Step 4: publish the checkpoint of the staged batch with its signature, 64 bytes."""
        if not self.pending:
            raise RuntimeError("no batch waits for a signature")
        signed = f"{self.pending.text}\n{self.key.line(signature)}".encode()
        note.opened(signed, self.key)  # never publish what nobody can check
        try:
            self._folder.write("checkpoint", signed)
        except OSError as error:
            raise _unwritable(error) from None
        self._edge = self._staged or self._read_edge(self.pending)
        self.checkpoint, self.pending, self._staged = self.pending, None, None
        for level, index in self._full:
            self._folder.drop_partials(level, index)
        self._full = set()
        return self.checkpoint

    def last(self, count: int) -> list[bytes]:
        """The last entries, at most so many, oldest first; a batch that waits for its signature counts."""
        size = (self.pending or self.checkpoint).size
        found: list[bytes] = []
        for bundle in range(max(0, size - count) // WIDTH, -(-size // WIDTH)):
            found += self._folder.bundle(bundle, min(WIDTH, size - bundle * WIDTH))
        return found[max(0, len(found) - count) :]

    def inclusion(self, index: int) -> list[bytes]:
        """Proof that an entry is in the tree of the checkpoint."""
        return Tree(self.checkpoint.size, self._folder.tile).inclusion(index)

    def prove(self, indexes: Sequence[int]) -> tuple[bytes, list[list[bytes]]]:
        """The signed checkpoint as it stands, and for each entry the proof that it is in its tree."""
        tile = functools.lru_cache(maxsize=256)(self._folder.tile)
        tree = Tree(self.checkpoint.size, tile)
        return (self._folder.path / "checkpoint").read_bytes(), [tree.inclusion(index) for index in indexes]

    def consistency(self, old: int) -> list[bytes]:
        """Proof that the tree of an earlier size is a prefix of the checkpoint's."""
        return Tree(self.checkpoint.size, self._folder.tile).consistency(old)

    def _read_checkpoint(self, origin: str, identity: bytes) -> Checkpoint:
        note.check_name(origin)
        path = self._folder.path / "checkpoint"
        if not path.exists():
            return Checkpoint(origin, 0, Tree(0, self._folder.tile).root())
        try:
            data = path.read_bytes()
            return note.opened(data, Key(note.parse(note.split(data)[0]).origin, identity))
        except LimenError as error:
            raise _damaged(f"The ledger's checkpoint is not good: {error.message}") from None

    def _read_edge(self, head: Checkpoint) -> _Edge:
        width = head.size % WIDTH
        edge = _Edge(head.size, self._folder.bundle(head.size // WIDTH, width) if width else [])
        level = 0
        while head.size >> HEIGHT * level:
            above, width = divmod(head.size >> HEIGHT * level, WIDTH)
            edge.rows.append(self._folder.tile(level, above, width) if width else b"")
            level += 1
        leaves = b"".join(map(leaf_hash, edge.bundle))
        if leaves != (edge.rows[0] if edge.rows else b"") or Tree(head.size, self._folder.tile).root() != head.root:
            raise _damaged("The ledger does not hash to its checkpoint.")
        return edge

    def _clear_beyond(self, size: int) -> None:
        """Set aside what one batch left that was never published; refuse if more is there than one batch can leave.

        `pending` stays after its checkpoint is published, so that both say the same unless a batch was under way.
        """
        claims = self._folder.beyond(size)
        path = self._folder.path / "pending"
        last = note.parse(path.read_text()).size if path.exists() else 0
        if (claims and last != size) or len(claims) > 1:
            raise _damaged(f"The ledger has entries beyond the {size} of its checkpoint, which is an old one.")
        self._folder.set_aside(size)

    def _read_pending(self) -> Checkpoint | None:
        path = self._folder.path / "pending"
        if not path.exists():
            return None
        pending = note.parse(path.read_text())
        if pending.size <= self.checkpoint.size:
            return None
        self._read_edge(pending)
        return pending


def _hold(path: Path) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Unavailable("Another process writes this ledger.", advice="Stop the other hub on this folder.") from None
    return lock


def _unwritable(error: OSError) -> Unavailable:
    return Unavailable(
        f"The ledger cannot be written: {error.strerror}.", advice="An operator must look.", code="no-ledger"
    )


def _damaged(message: str) -> Damaged:
    return Damaged(message, advice="Run `limen ledger verify`; do not delete anything.", code="ledger-damaged")
