"""What workers work with: models and decoders, loaded and used once in the zygote, inherited by every fork.

A confined worker can open no file, and Python and its libraries import much of themselves on first use. So the zygote
rehearses: everything that a worker may come to do is done once, with made-up content.
"""

from __future__ import annotations

import io
import time
from contextlib import suppress
from dataclasses import dataclass, field

import cbor2
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from PIL import Image as Pillow

from limen import images, models
from limen.capture import container
from limen.capture.device import Statement, check_capture, sign_capture
from limen.capture.offer import Offer
from limen.capture.sealing import open_capture, seal_capture
from limen.errors import LimenError
from limen.exchange import an2
from limen.face.extract import FaceExtractor
from limen.models import in_use
from limen.opener import heap, pages
from limen.ridge.extract import RidgeExtractor
from limen.settings import Settings
from limen.terms import Modality, Position
from limen.wire.messages import Failed


@dataclass
class Tools:
    """The extractors, and what a worker touches of memory when it uses them.

    Attributes:
        face, ridge: warm.
        touched: ranges of pages (`pages.learn`) that workers fetch while they wait.
    """

    face: FaceExtractor
    ridge: RidgeExtractor
    touched: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.int64))

    def settle(self) -> None:
        """Lay the heap out for the forks to come, and learn what they will touch; again after models were loaded."""
        photo = _photo()
        heap.settle()
        self.touched = pages.learn(lambda: self._rehearse_search(photo))

    def _rehearse_search(self, photo: bytes) -> None:
        """What nearly every worker does: open a capture, and extract a face from a photo of usual size."""
        _rehearse_sealing()
        self.face.mirrored = False
        self.face.rehearse(images.decode(photo))


def load(settings: Settings) -> Tools:
    """Load and rehearse everything; takes seconds.

    Raises:
        NotFound, Damaged: a model in use is gone, or its file is missing or changed.
    """
    folder = models.folder_of(settings.data)
    models.look_in(folder)
    tools = Tools(FaceExtractor(in_use.chosen(folder)), RidgeExtractor())
    tools.face.warm()
    tools.ridge.warm()
    images.warm()
    _rehearse_sealing()
    _rehearse_extraction(tools)
    _rehearse_files()
    tools.settle()
    return tools


def _rehearse_sealing() -> None:
    key = X25519PrivateKey.generate()
    offer = Offer(bytes(16), bytes(32), key.public_key().public_bytes_raw(), int(time.time()))
    device, samples = Ed25519PrivateKey.generate(), [container.Sample(Modality.FACE, Position.UNKNOWN, b"image")]
    signature = sign_capture(samples, offer, Statement("AAA/device", 1, int(time.time())), device)
    sealed = seal_capture(offer, container.encode(samples, signature))
    capture = container.decode(open_capture(offer, key, bytearray(sealed)))
    public = device.public_key().public_bytes_raw()
    for name in ("AAA/device", "AAA/other"):
        with suppress(LimenError):
            check_capture(capture.device, capture.samples, offer, name, public, now=time.time())
    with suppress(LimenError):
        check_capture(b"none", samples, offer, "AAA/device", bytes(32), now=time.time())
    for broken in (bytes(100), b""):
        with suppress(LimenError):
            open_capture(offer, key, broken)
        with suppress(LimenError):
            container.decode(broken)
    Failed.of(LimenError("rehearsed")).error()


def _rehearse_extraction(tools: Tools) -> None:
    """Both extractors on an image with stripes, which look enough like ridges to come through to the end."""
    y, x = np.mgrid[0:256, 0:256]
    stripes = (127 + 100 * np.sin(np.hypot(x - 128, y - 300) * (2 * np.pi / 9))).astype(np.uint8)  # 9 pixels a ridge
    for position in (Position.RIGHT_INDEX, Position.RIGHT_FULL_PALM):
        for ppi in (500.0, 400.0):  # with and without resampling
            tools.ridge.extract(images.Image(stripes, ppi, "png"), position)
    tools.ridge.extract_all(images.Image(stripes, 500.0, "png"), Modality.MARK, Position.UNKNOWN)
    slap = images.Image(np.pad(np.tile(stripes, (1, 3)), 40, constant_values=255), 500.0, "png")
    tools.ridge.extract_all(slap, Modality.FINGER, Position.PLAIN_RIGHT_FOUR)
    picture = images.Image(np.repeat(stripes[:, :, None], 3, axis=2), None, "png")
    tools.face.extract(picture)
    images.portrait(picture)


def _photo() -> bytes:
    """A JPEG of 640 x 480, as cameras make them, with as much detail as a portrait."""
    y, x = np.mgrid[0:480, 0:640]
    shades = 127 + 60 * np.sin(x / 40) * np.sin(y / 30) + 20 * np.sin(x * y / 900)
    out = io.BytesIO()
    Pillow.fromarray(np.repeat(shades.astype(np.uint8)[:, :, None], 3, axis=2)).save(out, "JPEG", quality=90)
    return out.getvalue()


def _rehearse_files() -> None:
    """A file with a Type-1 record only, and one that is none."""
    type1 = b"1.001:000\x1d1.002:0500\x1d1.003:1\x1f0\x1d1.004:CPS\x1c"
    for data in (type1.replace(b"000", b"%03d" % len(type1), 1), b"none"):
        with suppress(LimenError):
            transaction = an2.read(data)
            an2.samples(transaction)
            cbor2.dumps(an2.person_fields(transaction))
