"""Opens sealed references with the keys of their countries, which the vault hands to the matcher alone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from limen.countries import ORDER
from limen.errors import BadTemplate, KeyUnavailable
from limen.face.template import FaceTemplate
from limen.matcher.gallery import Reference
from limen.terms import Modality
from limen.vault.client import VaultClient
from limen.vault.seal import Context, Use, forget_keys, open_blob
from limen.wire.messages import GalleryPut

KeyName = tuple[str, int]  # country, epoch


class Keys:
    """Template keys, asked for once and kept; the vault may take them back at any time (`recheck`)."""

    def __init__(self, connect: Callable[[], VaultClient]) -> None:
        self._connect = connect
        self._vault: VaultClient | None = None
        self._keys: dict[KeyName, bytes] = {}
        self.missing: set[KeyName] = set()

    def key(self, country: str, epoch: int) -> bytes:
        """A country's template key.

        Raises:
            KeyUnavailable: the country's key is missing or revoked; noted in `missing`.
            Unavailable: the vault does not answer now.
        """
        if (country, epoch) not in self._keys:
            self._keys[country, epoch] = self._ask(country, epoch)
        return self._keys[country, epoch]

    def recheck(self) -> tuple[set[str], bool]:
        """Ask for every key again.

        Returns:
            Countries of which a key was taken back, and whether a key that was missing has come.
        """
        lost = set()
        for country, epoch in list(self._keys):
            try:
                self._ask(country, epoch)
            except KeyUnavailable:
                self._keys = {name: key for name, key in self._keys.items() if name[0] != country}
                lost.add(country)
        if lost:
            forget_keys()
        came = False
        for country, epoch in list(self.missing):
            with contextlib.suppress(KeyUnavailable):
                self._ask(country, epoch)
                came = True
        return lost, came

    def _ask(self, country: str, epoch: int) -> bytes:
        try:
            if self._vault is None:
                self._vault = self._connect()
            key = self._vault.template_key(country, epoch)
        except KeyUnavailable:
            self.missing.add((country, epoch))
            raise
        except Exception:
            if self._vault is not None:
                self._vault.close()
                self._vault = None
            raise
        self.missing.discard((country, epoch))
        return key


def open_reference(put: GalleryPut, keys: Keys) -> Reference:
    """The reference in a message.

    Raises:
        KeyUnavailable, Unavailable: see `Keys.key`.
        Damaged: the blob does not open as what the message says that it is.
        BadTemplate: what was sealed is no face template; packed prints are checked when they are put.
    """
    owner = put.owner.decode("ascii", "replace")
    if owner not in ORDER or put.modality not in list(Modality):
        raise BadTemplate("A reference has an unknown owner or modality.")
    context = Context(
        Use.TEMPLATE, put.owner, put.record_id, put.sample_id, put.modality, put.position, put.model, put.expires
    )
    content = open_blob(keys.key(owner, put.epoch), context, put.tail)
    modality = Modality(put.modality)
    template = FaceTemplate.unpack(content) if modality is Modality.FACE else content
    return Reference(
        record=put.record,
        sample=put.sample,
        owner=owner,
        visible=put.visible,
        valid_from=put.valid_from,
        valid_until=min((end for end in (put.valid_until, put.expires) if end), default=0),
        modality=modality,
        position=put.position,
        template=template,
    )
