"""A capture is held only at the matcher's word: sealed, drawn anew, and not to be opened once its key is destroyed."""

from __future__ import annotations

import io

import pytest
from PIL import Image as Pillow
from PIL import PngImagePlugin
from skimage import data

from limen.capture import container
from limen.errors import LimenError
from limen.opener.holding import context
from limen.terms import Modality
from limen.vault.client import VaultClient
from limen.wire import receive
from limen.wire.messages import Held

from .conftest import Opened
from .test_probe import PLAIN, Search, face

HIDDEN = b"what a file may carry besides its pixels"


def with_hidden_text() -> bytes:
    """A portrait as PNG with text in its metadata."""
    out, more = io.BytesIO(), PngImagePlugin.PngInfo()
    more.add_text("Comment", HIDDEN.decode())
    Pillow.fromarray(data.astronaut()).save(out, "PNG", pnginfo=more)
    return out.getvalue()


def test_a_hit_is_held_sealed_for_the_country_that_searched(opened: Opened) -> None:
    search = Search(opened)
    opened.matcher.to_keep.add(search.id)
    capture = with_hidden_text()
    search.pass_on(PLAIN, container.encode([face(capture)]))
    assert search.report().outcome == 1
    held = receive(search.socket, Held, timeout=10)
    assert search.ended()
    with VaultClient.connect(opened.settings) as vault:
        bound = context(search.id, b"FRA")
        [sample] = container.decode(vault.unseal(bound, held.tail)).samples
        assert sample.modality is Modality.FACE and HIDDEN in capture and HIDDEN not in sample.image
        assert Pillow.open(io.BytesIO(sample.image)).size == (512, 512)
        with pytest.raises(LimenError):
            vault.unseal(context(search.id, b"BIH"), held.tail)
        vault.shred("FRA", [search.id])
        with pytest.raises(LimenError):
            vault.unseal(bound, held.tail)


def test_nothing_is_held_without_the_matchers_word(opened: Opened, portrait: bytes) -> None:
    search = Search(opened)
    search.pass_on(PLAIN, container.encode([face(portrait)]))
    assert search.report().outcome == 1
    assert search.ended()  # at once, with not a byte more
