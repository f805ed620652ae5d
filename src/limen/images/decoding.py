"""From image bytes to 8-bit pixels: limits first, then one decoder, then orientation, depth, transparency, colour."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from limen.errors import BadImage
from limen.images import wsq
from limen.images.header import PILLOW_FORMATS, sniff
from limen.images.refusal import refused
from limen.reasons import Reason

MAX_PIXELS = 24_000_000  # a phone's photo, or a full palm at 500 ppi twice over (`Reason.TOO_LARGE` says so)
MAX_BYTES = 32 << 20  # 32 MiB, the same promise
_MAX_SIDE = 65_535  # pixels; keeps widths times heights small and is what WSQ and JPEG can hold
_MIN_PPI, _MAX_PPI = 10, 4000  # beyond any scanner; such numbers are placeholders (Pillow and others write 1)
_SAME_PPI = 0.02  # a scanner's two axes agree within 2 %; beyond, the pixels are not square
_ORIENTATION = 0x0112  # EXIF tag
_X_RESOLUTION = 0x011A  # EXIF tag
_WHITE_IS_ZERO = 0  # TIFF PhotometricInterpretation
_PNM_PPI = re.compile(rb"#\s*(?:ppi|dpi)[ :=]+(\d{2,4})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Image:
    """Decoded image.

    Attributes:
        pixels: uint8, (h, w) grey or (h, w, 3) RGB; upright, black 0, transparent parts on white.
        ppi: pixels an inch as the file states them, both axes alike; None where it says nothing.
        format: `jpeg`, `png`, `tiff`, `bmp`, `pnm`, `jpeg2000` or `wsq`.
    """

    pixels: np.ndarray
    ppi: float | None
    format: str

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    def grey(self) -> np.ndarray:
        """Luma (ITU-R BT.601), uint8 (h, w), C-contiguous; a grey image as it is."""
        if self.pixels.ndim == 2:
            return np.ascontiguousarray(self.pixels)
        return np.asarray(Pillow.fromarray(self.pixels).convert("L"))

    def rgb(self) -> np.ndarray:
        """RGB, uint8 (h, w, 3), C-contiguous; a grey image three times over."""
        if self.pixels.ndim == 3:
            return np.ascontiguousarray(self.pixels)
        return np.repeat(self.pixels[:, :, None], 3, axis=2)


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> Image:
    """Image from the bytes of a WSQ, JPEG, JPEG 2000, PNG, TIFF, BMP or PGM/PPM file (first page).

    Size is checked from the header, before any pixel is decoded. 16-bit samples are scaled to 8.

    Raises:
        BadImage: its `code` is the slug of a `limen.reasons.Reason`: `empty`, `too-large`, `unsupported-format` or
            `unreadable` (truncated, damaged). Messages hold nothing of the image.
    """
    if len(data) > max_bytes:
        raise refused(Reason.TOO_LARGE, f"{len(data)} bytes")
    header = sniff(data)
    if header.plugin is None:
        head = wsq.header(data)
        _check_size(head.width, head.height, max_pixels)
        return Image(wsq.pixels(data, head), head.ppi, header.format)
    try:
        with Pillow.open(io.BytesIO(data), formats=[header.plugin]) as picture:
            _check_size(*picture.size, max_pixels)
            ppi = _ppi(picture, data)
            return Image(_pixels(picture), ppi, header.format)
    except BadImage:
        raise
    except Pillow.DecompressionBombError:
        raise refused(Reason.TOO_LARGE) from None
    except Exception as error:  # decoders raise a dozen types on damaged bytes; their texts may quote them
        raise refused(Reason.UNREADABLE, f"{header.format}: {type(error).__name__}") from None


def warm() -> None:
    """Import and run every decoder once, so that a sandboxed fork needs no file afterwards."""
    Pillow.init()
    ramp = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    for plugin in PILLOW_FORMATS:
        for pixels in (ramp, np.stack([ramp] * 3, axis=2)):
            out = io.BytesIO()
            Pillow.fromarray(pixels).save(out, plugin)
            decode(out.getvalue())
    lzw = io.BytesIO()
    Pillow.fromarray(ramp).save(lzw, "TIFF", compression="tiff_lzw")  # goes through libtiff
    decode(lzw.getvalue())
    decode(wsq.encode(ramp))


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise refused(Reason.EMPTY)
    if width * height > max_pixels or max(width, height) > _MAX_SIDE:
        raise refused(Reason.TOO_LARGE, f"{width} x {height} pixels")


def _pixels(picture: Pillow.Image) -> np.ndarray:
    """Upright 8-bit pixels of an opened picture, (h, w) or (h, w, 3)."""
    picture.load()
    upright = _upright(picture)
    if upright.mode.startswith("I"):
        return _eight_bits(upright, picture)
    if upright.mode == "F":
        raise refused(Reason.UNSUPPORTED_FORMAT, "floating-point samples")
    if upright.has_transparency_data:
        return _on_white(upright)
    if upright.mode in ("1", "L"):
        return np.array(upright.convert("L"))
    return _collapse(np.array(upright.convert("RGB")), upright.mode)


def _upright(picture: Pillow.Image) -> Pillow.Image:
    """Turned as EXIF says; damaged EXIF is ignored, as viewers do."""
    try:
        turned = picture.getexif().get(_ORIENTATION, 1) not in (0, 1)
    except Exception:
        return picture
    return (ImageOps.exif_transpose(picture) or picture) if turned else picture


def _eight_bits(upright: Pillow.Image, picture: Pillow.Image) -> np.ndarray:
    """Samples of 0-65,535 to 0-255, rounded; only PNM uses Pillow's 32-bit mode for 16-bit samples."""
    if upright.mode == "I" and picture.format != "PPM":
        raise refused(Reason.UNSUPPORTED_FORMAT, "32-bit samples")
    deep = np.asarray(upright).astype(np.uint32)
    eight = ((deep * 255 + 32_767) // 65_535).astype(np.uint8)
    # Pillow inverts white-is-zero TIFFs of 1 to 8 bits, but not of 16
    white_is_zero = picture.format == "TIFF" and getattr(picture, "tag_v2", {}).get(262) == _WHITE_IS_ZERO
    return 255 - eight if white_is_zero else eight


def _on_white(picture: Pillow.Image) -> np.ndarray:
    rgba = picture.convert("RGBA")
    flat = Pillow.alpha_composite(Pillow.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return _collapse(np.array(flat), picture.mode)


def _collapse(rgb: np.ndarray, mode: str) -> np.ndarray:
    """Grey palettes and grey with transparency become grey again; true colour modes stay as they are."""
    may_be_grey = mode in ("P", "PA", "L", "LA", "La", "1")
    return np.ascontiguousarray(rgb[..., 0]) if may_be_grey and (rgb == rgb[..., :1]).all() else rgb


def _ppi(picture: Pillow.Image, data: bytes) -> float | None:
    """Resolution as the file states it; None where it does not, or where the pixels are not square."""
    if picture.format == "PPM":
        stated = _PNM_PPI.search(data[:512])
        return float(stated[1]) if stated else None
    if picture.format == "JPEG" and picture.info.get("jfif_unit") not in (1, 2):
        try:
            if _X_RESOLUTION not in picture.getexif():
                return None  # Pillow would say 72
        except Exception:
            return None
    across, down = (float(value) for value in picture.info.get("dpi", (0, 0)))
    if not (_MIN_PPI <= across <= _MAX_PPI and abs(across - down) <= _SAME_PPI * across):
        return None
    return round(across, 1)
