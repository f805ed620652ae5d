"""A picture of a comparison: both prints, and which of their minutiae paired."""

from __future__ import annotations

import colorsys

import numpy as np
from PIL import Image, ImageDraw

from limen.ridge.comparator import Comparison
from limen.ridge.template import RidgeTemplate

GAP = 24  # pixels between the prints
DOT, TAIL = 4, 14  # pixels: radius of a minutia's dot, length of its direction
FAINT = (150, 150, 150)  # minutiae without a pair


def draw(
    first: np.ndarray, second: np.ndarray, a: RidgeTemplate, b: RidgeTemplate, comparison: Comparison
) -> Image.Image:
    """Both prints side by side, pairs in one colour each with a line between them, other minutiae grey.

    Args:
        first, second: uint8 (h, w) at 500 ppi, the images that `a` and `b` come from.
    """
    height = max(first.shape[0], second.shape[0])
    left = first.shape[1] + GAP
    canvas = Image.new("RGB", (left + second.shape[1], height), "white")
    for pixels, start in ((first, 0), (second, left)):  # lightened, so that the colours stand out
        canvas.paste(Image.fromarray((128 + pixels // 2).astype(np.uint8)), (start, 0))
    pen = ImageDraw.Draw(canvas)
    for template, start, paired in ((a, 0, comparison.pairs[:, 0]), (b, left, comparison.pairs[:, 1])):
        for index in sorted(set(range(len(template))) - set(paired.tolist())):
            _minutia(pen, template, index, start, FAINT)
    for number, (i, j) in enumerate(comparison.pairs.tolist()):
        colour = _colour(number)
        pen.line((a.x[i], a.y[i], b.x[j] + left, b.y[j]), fill=colour, width=1)
        _minutia(pen, a, i, 0, colour)
        _minutia(pen, b, j, left, colour)
    return canvas


def _minutia(pen: ImageDraw.ImageDraw, print_: RidgeTemplate, index: int, left: int, colour: tuple[int, ...]) -> None:
    x, y, angle = float(print_.x[index]) + left, float(print_.y[index]), float(print_.angle[index])
    pen.ellipse((x - DOT, y - DOT, x + DOT, y + DOT), outline=colour, width=2)
    pen.line((x, y, x + TAIL * np.cos(angle), y - TAIL * np.sin(angle)), fill=colour, width=2)


def _colour(number: int) -> tuple[int, ...]:
    """Colours far apart for neighbouring numbers: hues step by the golden ratio."""
    return tuple(int(255 * part) for part in colorsys.hsv_to_rgb(number * 0.618 % 1, 0.9, 0.75))
