"""What a thief can make of bytes: images by their first bytes and decoding, templates by parsing and by comparing with
the people they could be of, names by looking for them, keys by trying them on what they should open.

A thief does not know what there was (`truth`); where the drill helps with it, it helps the thief.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from limen.errors import LimenError
from limen.evaluation.breach.truth import Truth
from limen.evaluation.forgetting.needles import HEADER, Needles, Thing
from limen.evaluation.forgetting.scan import Scanner
from limen.face.template import FaceTemplate
from limen.images import decode
from limen.ridge.template import HEAD, MINUTIA, RidgeTemplate

MAGIC = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|\xff\xa0\xff|\x00\x00\x00\x0cjP  |II\*\x00|MM\x00\*|BM")
MODEL = re.compile(rb"[a-z][a-z0-9-]{3,15}\0{1,12}")  # how a packed template begins: its model, NUL-padded
SMALL = 1 << 16  # bytes: files up to this are tried at every offset for keys
SURE = 0.98  # cosine of a face template found with one that was stored
ENTROPY_OF = 1024  # bytes: from this length on sealed bytes have an entropy that little else has
LEAST_ENTROPY = 7.5  # bits a byte


@dataclass
class Loot:
    """What one thief has.

    Attributes:
        images, templates: numbers of the truth's that were found, or digests of others that were readable.
        words: personal values found.
        keys: numbers of usable keys.
        size: bytes looked through.
        plain_blobs: columns that should be sealed and have too little entropy for that.
    """

    images: set[object] = field(default_factory=set)
    templates: set[object] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    keys: set[object] = field(default_factory=set)
    size: int = 0
    plain_blobs: int = 0


class Thief:
    """Looks through bytes for everything at once."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        things = [Thing(f"image {n}", image[HEADER:]) for n, image in enumerate(truth.images)]
        things += [Thing(f"template {n}", one[HEAD.size :]) for n, one in enumerate(truth.templates)]
        things += [Thing(f"key {n}", key) for n, key in enumerate(truth.keys)]
        self._needles = Needles.cut(things)
        self._scanner = Scanner(self._needles)
        self._words = {form: word for word in truth.words for form in _forms(word)}
        self._vectors = [FaceTemplate.unpack(one) for one in truth.templates if _face(one)]
        self._minutiae = [RidgeTemplate.unpack(one).pack() for one in truth.templates if not _face(one)]

    def files(self, folder: Path, loot: Loot) -> Loot:
        """Look through all files below a folder, and try what looks like a key on the key stores among them."""
        files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
        for path in files:
            self.look(path.read_bytes(), loot)
        stores = [path.read_bytes() for path in files if path.name == "keys.json"]
        for store in stores:
            loot.keys |= _opened(store, (path.read_bytes() for path in files if path.stat().st_size <= SMALL))
        return loot

    def look(self, data: bytes, loot: Loot, *, parse: bool = True) -> Loot:
        """Look through some bytes.

        Args:
            data: anything.
            loot: what is found is added.
            parse: whether images and templates of whoever it may be are looked for too; in a process's memory there are
                pictures of pages, so there only what was stored counts.
        """
        loot.size += len(data)
        for number in self._scanner.search(data):
            self._count(self._needles.kinds[number], loot)
        loot.words |= {word for form, word in self._words.items() if form in data}
        if parse:
            self._images(data, loot)
            self._templates(data, loot)
        return loot

    def process(self, pid: int, loot: Loot) -> Loot:
        """Look through a process's memory and environment; needs root."""
        self.look(Path(f"/proc/{pid}/environ").read_bytes(), loot)
        for data in memory(pid):
            self.look(data, loot, parse=False)
        return loot

    def _count(self, kind: str, loot: Loot) -> None:
        what, number = kind.split()
        {"image": loot.images, "template": loot.templates, "key": loot.keys}[what].add(int(number))

    def _images(self, data: bytes, loot: Loot) -> None:
        for at in (match.start() for match in MAGIC.finditer(data)):
            try:
                decode(data[at:])
            except LimenError:
                continue
            known = [n for n, image in enumerate(self._truth.images) if data.startswith(image, at)]
            loot.images.add(known[0] if known else ("image", data[at : at + 64]))

    def _templates(self, data: bytes, loot: Loot) -> None:
        for at in (match.start() for match in MODEL.finditer(data)):
            for one in _parsed(data, at):
                if isinstance(one, FaceTemplate):
                    near = [float(one.vector @ other.vector) for other in self._vectors]
                    if near and max(near) > SURE:
                        loot.templates.add(self._truth.templates.index(self._vectors[int(np.argmax(near))].pack()))
                elif one.pack() in self._minutiae:
                    loot.templates.add(self._truth.templates.index(one.pack()))


def entropy(data: bytes) -> float:
    """Shannon entropy in bits a byte."""
    counts = Counter(data)
    return -sum(n / len(data) * math.log2(n / len(data)) for n in counts.values())


def looks_sealed(blob: bytes) -> bool:
    """Whether a blob has the entropy of ciphertext; short ones cannot be told."""
    return len(blob) < ENTROPY_OF or entropy(blob) >= LEAST_ENTROPY


def memory(pid: int) -> Iterator[bytes]:
    """All that a process has in memory and can write, in blocks that overlap a little."""
    block, overlap = 8 << 20, 4096
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as file:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            words = line.split(maxsplit=5)
            if "w" not in words[1] or (len(words) == 6 and words[5] in ("[vvar]", "[vsyscall]", "[vdso]")):
                continue
            start, end = (int(word, 16) for word in words[0].split("-"))
            for at in range(start, end, block):
                try:
                    file.seek(at)
                    yield file.read(min(block + overlap, end - at))
                except (OSError, ValueError):
                    break


def _forms(word: str) -> Iterator[bytes]:
    """A word as it may lie about."""
    for text in {word, word.lower(), word.upper()}:
        yield text.encode()
        yield text.encode("utf-16-le")
        yield text.encode().hex().encode()
        for shift in range(3):  # base64, wherever in a triple it begins
            whole = base64.b64encode(b"\0" * shift + text.encode())
            if len(inner := whole[4:-4]) >= 8:
                yield inner


def _face(packed: bytes) -> bool:
    return len(packed) >= 20 and len(packed) == 20 + 4 * int.from_bytes(packed[18:20], "little")


def _parsed(data: bytes, at: int) -> Iterator[FaceTemplate | RidgeTemplate]:
    if len(data) < at + HEAD.size:
        return
    minutiae, dimension = HEAD.unpack_from(data, at)[3], int.from_bytes(data[at + 18 : at + 20], "little")
    with suppress(LimenError):
        yield RidgeTemplate.unpack(data[at : at + HEAD.size + MINUTIA.itemsize * minutiae])
    with suppress(LimenError):
        yield FaceTemplate.unpack(data[at : at + 20 + 4 * dimension])


def _opened(store: bytes, files: Iterable[bytes]) -> set[object]:
    """Which wrapped keys of a key store some 32 bytes of these files open, directly or one through another."""
    try:
        content = json.loads(store)
        wrapped = {("identity", ""): (content["identity"], b"limen-identity")}
        for country, entry in content["countries"].items():
            wrapped["country", country] = (entry["key"], b"limen-country:" + country.encode())
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()
    found: set[object] = set()
    for data in files:
        for candidate in _candidates(data):
            cipher = AESGCM(candidate)
            for name, (text, label) in wrapped.items():
                if name in found or not text:
                    continue
                blob = base64.b64decode(text)
                try:
                    cipher.decrypt(blob[:12], blob[12:], label)
                    found.add(name)
                except InvalidTag:
                    pass
    return found


_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def _candidates(data: bytes) -> Iterator[bytes]:
    """Everything of 32 bytes that could be a key: raw at every offset, and what is base64 or hexadecimal."""
    for at in range(len(data) - 31):
        if len(set(piece := data[at : at + 32])) >= 14:
            yield piece
    for token in re.findall(rb"[A-Za-z0-9+/_-]{42,}={0,2}|[0-9a-fA-F]{64}", data):
        try:
            hexadecimal = len(token) == 64
            decoded = bytes.fromhex(token.decode()) if hexadecimal else base64.b64decode(token.translate(_URL_SAFE))
        except (ValueError, binascii.Error):
            continue
        if len(decoded) == 32:
            yield decoded
