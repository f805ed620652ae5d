"""Images in every format, depth and colour that agencies send, and what broken ones are told."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from limen.errors import BadImage
from limen.images import Image, decode, portrait, sniff, warm, wsq
from limen.reasons import Reason

GREY = np.add.outer(np.arange(60), 2 * np.arange(80)).astype(np.uint8)
COLOUR = np.stack([GREY, 255 - GREY, GREY // 2], axis=2)


def encoded(picture: Pillow.Image | np.ndarray, plugin: str, **options: object) -> bytes:
    picture = picture if isinstance(picture, Pillow.Image) else Pillow.fromarray(picture)
    out = io.BytesIO()
    picture.save(out, plugin, **options)
    return out.getvalue()


def code(data: bytes, **limits: int) -> str:
    with pytest.raises(BadImage) as caught:
        decode(data, **limits)
    assert caught.value.code in {reason.slug for reason in Reason}
    return caught.value.code


@pytest.mark.parametrize("plugin", ["PNG", "TIFF", "BMP", "PPM"])
@pytest.mark.parametrize("pixels", [GREY, COLOUR], ids=["grey", "colour"])
def test_lossless_formats_give_back_the_pixels(plugin: str, pixels: np.ndarray) -> None:
    image = decode(encoded(pixels, plugin))
    assert np.array_equal(image.pixels, pixels)
    assert image.pixels.dtype == np.uint8


@pytest.mark.parametrize("plugin", ["JPEG", "JPEG2000"])
@pytest.mark.parametrize("pixels", [GREY, COLOUR], ids=["grey", "colour"])
def test_lossy_formats_come_close(plugin: str, pixels: np.ndarray) -> None:
    image = decode(encoded(pixels, plugin))
    assert image.format == plugin.lower()
    assert image.pixels.shape == pixels.shape
    assert np.abs(image.pixels.astype(int) - pixels).mean() < 8


def test_wsq_comes_close_and_keeps_its_resolution() -> None:
    smooth = (127 + 60 * np.sin(np.add.outer(np.arange(200), np.arange(160)) / 3)).astype(np.uint8)
    for ppi in (500, 1000, None):
        image = decode(wsq.encode(smooth, ppi))
        assert image.ppi == ppi
        assert np.abs(image.pixels.astype(int) - smooth).mean() < 4


@pytest.mark.data
def test_wsq_equals_the_reference_decoder_pixel_by_pixel(samples: Path) -> None:
    folder = samples / "exchange" / "images"
    ours = decode((folder / "wsq-original.wsq").read_bytes())
    reference = decode((folder / "wsq-converted.png").read_bytes())
    assert ours.ppi == 500
    assert reference.pixels.ndim == 2, "a grey palette becomes grey"
    assert np.array_equal(ours.pixels, reference.pixels)
    assert decode((folder / "img.wsq").read_bytes()).ppi == 500


@pytest.mark.data
def test_other_sample_images_decode(samples: Path) -> None:
    folder = samples / "exchange"
    assert decode((folder / "images" / "img.jp2").read_bytes()).format == "jpeg2000"
    for path in sorted((folder / "nfiq2").glob("*.pgm")):
        assert decode(path.read_bytes()).pixels.shape == (560, 416)


@pytest.mark.data
def test_a_wsq_that_kills_the_decoder_kills_only_its_process(samples: Path) -> None:
    path = samples / "exchange" / "malformed" / "wsq-0.9-segv-104-119.wsq"
    script = (
        "import sys\nfrom limen.images import decode\nfrom limen.errors import BadImage\n"
        "try: decode(open(sys.argv[1], 'rb').read())\nexcept BadImage: sys.exit(3)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, timeout=60)
    assert done.returncode in (-11, -6, -7, 3), "a signal, or refused; never a traceback or a picture"


def test_sixteen_bits_become_eight_by_rounding() -> None:
    deep = (GREY.astype(np.uint16) * 257)[:, ::-1]
    assert np.array_equal(decode(encoded(deep, "PNG")).pixels, GREY[:, ::-1])
    assert np.array_equal(decode(encoded(deep, "TIFF")).pixels, GREY[:, ::-1])
    pgm = b"P5 80 60 65535\n" + deep.astype(">u2").tobytes()
    assert np.array_equal(decode(pgm).pixels, GREY[:, ::-1])
    inverted = encoded(65535 - deep, "TIFF", tiffinfo=_tags({262: 0}))
    assert np.array_equal(decode(inverted).pixels, GREY[:, ::-1]), "white is zero"


def _tags(values: dict[int, int]) -> ImageFileDirectory_v2:
    tags = ImageFileDirectory_v2()
    for tag, value in values.items():
        tags[tag] = value
    return tags


def test_transparent_parts_lie_on_white() -> None:
    rgba = np.dstack([COLOUR, np.full_like(GREY, 255)])
    rgba[:10, :, 3] = 0
    image = decode(encoded(rgba, "PNG"))
    assert (image.pixels[:10] == 255).all()
    assert np.array_equal(image.pixels[10:], COLOUR[10:])
    la = decode(encoded(Pillow.fromarray(GREY).convert("LA"), "PNG"))
    assert np.array_equal(la.pixels, GREY), "grey stays grey"
    palette = Pillow.fromarray(GREY // 16).convert("P")
    palette.putpalette([0, 255, 0] * 256)
    assert (decode(encoded(palette, "PNG", transparency=0)).pixels[0, 0] == 255).all()


def test_palettes_bilevel_and_cmyk() -> None:
    palette = Pillow.fromarray(COLOUR).quantize(16)
    assert np.array_equal(decode(encoded(palette, "PNG")).pixels, np.array(palette.convert("RGB")))
    bilevel = Pillow.fromarray(GREY).convert("1")
    assert set(np.unique(decode(encoded(bilevel, "TIFF", compression="group4")).pixels)) == {0, 255}
    flat = np.full((60, 80, 3), (200, 100, 50), np.uint8)
    cmyk = decode(encoded(Pillow.fromarray(flat).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(cmyk.pixels.astype(int) - flat).max() < 12


@pytest.mark.parametrize("plugin", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(plugin: str, orientation: int) -> None:
    undo = {
        1: [], 2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4],
    }[orientation]  # fmt: skip
    stored = Pillow.fromarray(GREY)
    for step in undo:
        stored = stored.transpose(Pillow.Transpose(step))
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100} if plugin == "JPEG" else {}
    image = decode(encoded(stored, plugin, exif=exif, **options))
    assert image.pixels.shape == GREY.shape
    assert np.abs(image.pixels.astype(int) - GREY).max() < 9


@pytest.mark.parametrize("plugin", ["JPEG", "PNG", "TIFF", "BMP"])
def test_resolution_is_what_the_file_says(plugin: str) -> None:
    assert decode(encoded(GREY, plugin, dpi=(500, 500))).ppi == pytest.approx(500, abs=0.2)
    assert decode(encoded(GREY, plugin, dpi=(500, 250))).ppi is None, "no square pixels"
    if plugin != "BMP":  # Pillow writes 96 there
        assert decode(encoded(GREY, plugin)).ppi is None


def test_a_jpeg_without_resolution_is_not_given_one() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 1
    assert decode(encoded(GREY, "JPEG", exif=exif)).ppi is None


def test_a_pgm_comment_may_state_the_resolution() -> None:
    assert decode(b"P5\n# ppi 1000\n80 60\n255\n" + GREY.tobytes()).ppi == 1000
    assert decode(b"P5\n80 60\n255\n" + GREY.tobytes()).ppi is None


def test_grey_and_rgb() -> None:
    grey, colour = Image(GREY, None, "png"), Image(COLOUR, None, "png")
    assert np.array_equal(grey.rgb()[..., 2], GREY)
    assert np.array_equal(Image(grey.rgb(), None, "png").grey(), GREY)
    assert np.array_equal(colour.grey(), np.array(Pillow.fromarray(COLOUR).convert("L")))
    assert (colour.width, colour.height) == (80, 60)


def test_what_bad_bytes_are_told() -> None:
    assert code(b"") == "empty"
    assert code(b"GIF89a and so on") == "unsupported-format"
    assert code(b"<svg/>") == "unsupported-format"
    assert code(b"%!PS-Adobe-3.0 EPSF-3.0") == "unsupported-format", "would start another program"
    assert code(encoded(GREY, "PNG"), max_bytes=100) == "too-large"
    assert code(encoded(GREY, "PNG"), max_pixels=4799) == "too-large"
    assert code(encoded(Pillow.fromarray(GREY).convert("F"), "TIFF")) == "unsupported-format"


@pytest.mark.parametrize("plugin", ["JPEG", "PNG", "TIFF", "BMP", "PPM", "JPEG2000"])
def test_truncated_files_are_unreadable(plugin: str) -> None:
    data = encoded(COLOUR, plugin)
    assert code(data[: len(data) // 2]) == "unreadable"
    assert code(data[:12]) in ("unreadable", "empty")


def test_a_truncated_wsq_header_is_unreadable() -> None:
    data = wsq.encode(GREY)
    start = data.index(b"\xff\xa3")
    for end in range(2, start, 7):
        assert code(data[:end]) == "unreadable"


def test_wsq_tables_are_checked_before_the_library_sees_them() -> None:
    data = wsq.encode(GREY)
    huffman = data.index(b"\xff\xa6") + 4
    transform = data.index(b"\xff\xa4") + 4
    block = data.index(b"\xff\xa3") + 4
    for at, value in ((huffman, 8), (huffman, 200), (huffman + 9, 255), (transform, 0), (transform, 60), (block, 5)):
        assert code(data[:at] + bytes([value]) + data[at + 1 :]) == "unreadable"
    assert code(data[:-2]) == "unreadable", "no end marker"
    assert decode(data + b"more").format == "wsq"


def test_pixel_bombs_are_refused_before_decoding() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    assert code(png) == "too-large"
    assert code(b"P5 60000 60000 255\n") == "too-large"
    frame = struct.pack(">HH", 60_000, 60_000)
    huge = wsq.encode(GREY)
    assert code(huge.replace(struct.pack(">HH", 60, 80), frame)) == "too-large"


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "TIFF", "BMP", "PPM", "JPEG2000"]), st.data())
def test_mutated_files_give_a_picture_or_a_reason(plugin: str, data: st.DataObject) -> None:
    good = bytearray(encoded(COLOUR[:16, :16], plugin))
    for _ in range(data.draw(st.integers(1, 6))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = decode(bytes(good), max_pixels=100_000)
    except BadImage as error:
        assert error.code in {reason.slug for reason in Reason}
    else:
        assert image.pixels.dtype == np.uint8
        assert image.pixels.size <= 300_000


def test_formats_go_by_content() -> None:
    assert sniff(encoded(GREY, "PNG")).format == "png"
    assert sniff(b"P5\n").format == "pnm"
    with pytest.raises(BadImage):
        sniff(b"P9\n")


def test_portraits_are_small_and_bare() -> None:
    exif = Pillow.Exif()
    exif[0x010F] = "maker"
    large = np.repeat(np.repeat(COLOUR, 20, axis=0), 10, axis=1)
    data = portrait(decode(encoded(large, "JPEG", exif=exif)))
    with Pillow.open(io.BytesIO(data)) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (320, 480)
        assert not picture.getexif()
        assert b"maker" not in data
    assert decode(portrait(Image(GREY, 500, "png"))).pixels.shape == GREY.shape, "never enlarged"


def test_warm_runs_every_decoder() -> None:
    warm()
