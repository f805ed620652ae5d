"""How long a gallery takes to be unsealed: python -m benchmarks.unsealing [RECORDS]

Records of one face and ten fingers, sealed as the vault seals them, with a key each. Timed is what the matcher does
with each message of the feed: unpack it, get the record's key from a page, open the blob, and put the template into the
gallery. CPU time of one thread; the page of keys comes from a vault in this process, which is timed apart.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.matcher.people import face, print_of

from limen.countries import EVERYONE
from limen.matcher.gallery import Gallery
from limen.matcher.keys import Keys
from limen.matcher.opening import open_reference
from limen.terms import Modality
from limen.vault.keys import KeyRing
from limen.vault.seal import Context, Use, seal_blob
from limen.vault.service import Vault
from limen.wire.frame import HEADER
from limen.wire.messages import GalleryPut, TemplateKeys, TemplateKeysAsk

FULL = 2_500_000  # templates that are to be unsealed in 30 s
FINGERS = 10
DIFFERENT = 20  # people that the templates are of


class Asked:
    """Stands where the matcher's connection to the vault does; counts the time that the vault takes."""

    def __init__(self, ring: KeyRing) -> None:
        self._vault, self.seconds = Vault(ring), 0.0

    def template_keys(self, country: str, epoch: int, record: bytes, count: int) -> dict[bytes, bytes]:
        began = time.process_time()
        answer = self._vault.answer("vault-matcher", TemplateKeysAsk(country.encode(), epoch, record, count))
        assert isinstance(answer, TemplateKeys)
        tail = answer.tail
        found = {tail[at : at + 16]: tail[at + 16 : at + 48] for at in range(0, len(tail), 48)}
        self.seconds += time.process_time() - began
        return found

    def countries(self) -> dict[str, bool]:
        return {"FRA": True}

    def close(self) -> None:
        pass


def feed(ring: KeyRing, records: int) -> list[bytes]:
    """Bodies of the feed's messages."""
    faces = [face(person).pack() for person in range(DIFFERENT)]
    prints = [print_of(person, 2).pack() for person in range(DIFFERENT)]
    bodies, epoch = [], ring.epoch("FRA")
    for number in range(records):
        record = os.urandom(16)
        key = ring.key("FRA", epoch, Use.TEMPLATE, record, make=True)
        for position in range(FINGERS + 1):
            sample, modality = os.urandom(16), Modality.FINGER if position else Modality.FACE
            template = prints[(number + position) % DIFFERENT] if position else faces[number % DIFFERENT]
            model = b"leader" if position else b"sface"
            context = Context(Use.TEMPLATE, b"FRA", record, sample, modality, position, model, 0)
            put = GalleryPut(
                number + 1, number * 100 + position + 1, b"FRA", EVERYONE, 0, 0, modality, position, epoch,
                model.ljust(16, b"\0"), record, sample, 0, seal_blob(key, context, epoch, template),
            )  # fmt: skip
            bodies.append(put.pack()[HEADER.size :])
    return bodies


def main(records: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.fdatasync, kept = (lambda _: None), os.fdatasync  # 2,000 records at once are no import
        ring = KeyRing(Path(folder))
        bodies = feed(ring, records)
        os.fdatasync = kept
        asked = Asked(ring)
        keys = Keys(lambda: asked)  # type: ignore[arg-type, return-value]
        began = time.process_time()
        puts = [GalleryPut.unpack(body) for body in bodies]
        unpacked = time.process_time()
        references = [open_reference(put, keys) for put in puts]
        opened = time.process_time()
        gallery = Gallery()
        for reference in references:
            gallery.put(reference)
        put_in = time.process_time()
        ring.close()
    count = len(bodies)
    for what, seconds in (
        ("unpacked from the feed", unpacked - began),
        ("unsealed", opened - unpacked - asked.seconds),
        ("  of which keys, in the vault", asked.seconds),
        ("put into the gallery's index", put_in - opened),
    ):
        print(f"{what:32} {1e6 * seconds / count:7.1f} us a template  {FULL * seconds / count:7.1f} s for {FULL:,}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
