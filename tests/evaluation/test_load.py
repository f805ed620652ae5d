"""What `limen evaluate load` makes is what a matcher loads: every record opens and is in the gallery."""

from __future__ import annotations

from pathlib import Path

from limen.evaluation import load
from limen.matcher.gallery import Gallery
from limen.matcher.keys import Keys
from limen.matcher.opening import open_batch
from limen.records import feed
from limen.records.database import open_database
from limen.settings import Settings
from limen.terms import Modality
from limen.vault.opening import open_ring
from limen.vault.service import Vault
from limen.wire.messages import TemplateKeys, TemplateKeysAsk

RECORDS = 12


class Asked:
    """Stands where the matcher's connection to the vault does."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def template_keys(self, country: str, epoch: int, record: bytes, count: int) -> dict[bytes, bytes]:
        answer = self._vault.answer("vault-matcher", TemplateKeysAsk(country.encode(), epoch, record, count))
        assert isinstance(answer, TemplateKeys)
        return {answer.tail[at : at + 16]: answer.tail[at + 16 : at + 48] for at in range(0, len(answer.tail), 48)}


def test_every_template_that_is_made_opens_and_goes_into_the_gallery(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    load.fill(settings, RECORDS, lambda *_: None)
    ring, gallery, after, opened = open_ring(settings), Gallery(), 0, 0
    keys = Keys(lambda: Asked(Vault(ring)))  # type: ignore[arg-type, return-value]
    while True:
        with open_database(settings).reading() as session:
            batches, upto = feed.batches(session, after, 50)
        if upto <= after:
            break
        for batch in batches:
            found = open_batch(batch.message(), keys)
            assert not found.withdrawn and not found.refused
            assert gallery.put_many(found.references).all()
            opened += len(found.references)
        after = upto
    ring.close()
    assert (gallery.records, opened) == (RECORDS, RECORDS * 11)
    assert (gallery.count(Modality.FACE), gallery.count(Modality.FINGER)) == (RECORDS, 10 * RECORDS)
    assert [gallery.drop(country) for country in load.COUNTRIES] == [3, 3, 2, 2, 2]
    assert (gallery.records, gallery.count(*Modality)) == (0, 0)
