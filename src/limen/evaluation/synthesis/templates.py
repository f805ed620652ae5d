"""Minutiae templates of synthetic fingers without images: galleries of millions, and probes that find them.

    gallery = minutiae_templates(np.arange(2_250_000), positions=np.arange(2_250_000) % 10 + 1)   # or in slices
    for packed in gallery.packed(): ...                     # bytes, as `RidgeTemplate.unpack` takes them
    probe = minutiae_template(17, position=8, impression=1)  # another touch of finger 17: must find it

What is realistic, and measured how: LEADER's templates of the four FVC B sets (320 impressions) and of Crossmatch (51
fingers, 408) were compared within fingers, and the constants below are what came out: how many minutiae a square
millimetre (0.14 to 0.19), how uneven between fingers, how near to one another (5 % within 11 pixels, median 22), one
in three a bifurcation, how often a minutia that one impression shows is seen in the other's overlap (0.86 to 0.97 if
clear, 0.5 to 0.7 if faint), how far it then lies off (2.5 to 3.9 pixels after rigid alignment, two thirds of it smooth
strain) and is turned (4 degrees). Directions follow the orientation field of a finger of the five classes, one way or
the other. Compared like that (300 fingers, two touches; 2026-11-22), mates score 13 to 23 (2nd and 90th percentile;
real ones 8 to 22 by set) and others -10 in the median (real -8 to -11). What is not: no ridges lie between minutiae,
so their count on a ridge is free, and no two fingers are related. Every number is a hash of seed, impression and
place: the same on every machine, in any order, in any batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from limen.evaluation.synthesis import pattern
from limen.evaluation.synthesis.impression import CONTACT, SIZE, Kind
from limen.ridge.template import HEAD, MINUTIA, SUBPIXEL, RidgeTemplate

MODEL = b"leader"  # the templates stand in for the extractor's own

CELL = 40  # pixels: at most PER_CELL minutiae in each, so that they keep apart as real ones do
ROWS, COLUMNS, PER_CELL = 18, 16, 2  # 720 x 640 pixels: what a rolled finger may show
DENSITY = 0.19 / 19.685**2  # minutiae a square pixel, clear and faint
UNEVEN = 0.22  # standard deviation of the density's logarithm between fingers
CROWD, CROWD_REACH = 0.8, 45.0  # so much denser at a singular point; pixels
NEAREST = 7.0  # pixels between two minutiae of one cell
FAINT = 0.16  # share of true minutiae that are hard to see
MISSED, MISSED_WORST, MISSED_FAINT = 0.012, 0.3, 0.3  # chance to miss one: clear on a good, on the worst touch; faint
FALSE_PLACE = 600_000  # numbers of false minutiae
FALSE = 0.07  # false minutiae for each true one
SCATTER, TURN_SCATTER = 1.35, 0.054  # standard deviations: pixels, radians
STRAIN = 2.4  # pixels of smooth distortion at the rim
BIFURCATIONS = 0.33
#: Deciles of the quality that LEADER states for clear (above) and faint minutiae.
CLEAR_QUALITY = np.array([52, 74, 84, 89, 92, 94, 95, 95, 96, 97, 98])
FAINT_QUALITY = np.array([10, 12, 14, 17, 20, 24, 28, 33, 38, 44, 50])


@dataclass(frozen=True)
class Minutiae:
    """Templates of many fingers.

    Attributes:
        rows: structured (m,), as packed templates have them, finger after finger.
        ends: int64 (n,), where each finger's rows end.
        positions, qualities: uint8 (n,), finger position and NFIQ 2 score.
        size: height and width of the image in pixels at 500 ppi.
    """

    rows: np.ndarray
    ends: np.ndarray
    positions: np.ndarray
    qualities: np.ndarray
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.ends)

    def packed(self) -> Iterator[bytes]:
        """Each finger's packed template."""
        start = 0
        for end, position, quality in zip(self.ends.tolist(), self.positions.tolist(), self.qualities, strict=True):
            head = (MODEL, position, int(quality), end - start, self.size[1], self.size[0])
            yield HEAD.pack(*head) + self.rows[start:end].tobytes()
            start = end

    def __iter__(self) -> Iterator[RidgeTemplate]:
        return (RidgeTemplate.unpack(data) for data in self.packed())


def minutiae_template(seed: int, *, position: int = 0, impression: int = 0, kind: Kind = "plain") -> RidgeTemplate:
    """One finger's template (about 2 ms; for many take `minutiae_templates`)."""
    return next(iter(minutiae_templates(np.array([seed]), positions=position, impression=impression, kind=kind)))


def minutiae_templates(
    seeds: np.ndarray, *, positions: np.ndarray | int = 0, impression: int = 0, kind: Kind = "plain"
) -> Minutiae:
    """Templates of many fingers, some six to nine thousand a second; give slices of some thousands to bound memory.

    Args:
        seeds: integers (n,), one a finger; not related to `Finger`'s.
        positions: ANSI/NIST finger positions, (n,) or one for all; with the seed they make the finger.
        impression: which touch of each finger, 0 or more.
        kind: "plain" (part of the pad, about 43 minutiae) or "rolled" (about 118).
    """
    seeds = np.asarray(seeds).astype(np.uint64)
    positions = np.broadcast_to(np.asarray(positions, np.uint8), seeds.shape)
    finger = _hash(_hash(seeds) ^ positions.astype(np.uint64))
    touch = _hash(finger ^ np.uint64(0x5EED + impression * 2 + (kind == "rolled")))
    field = pattern.field(_pattern(positions, _uniform(finger, 0)), _uniforms(finger, 100, pattern.FIELD_NUMBERS))
    bad = _uniform(touch, 1) ** 2  # most touches are good

    true = _true(finger, field)
    true = true.only(_uniform(touch[true.who], 5500 + true.place) >= _missed(true.clarity, bad[true.who]))
    middle = 28 * (0.4 + bad) * _normal(touch, 20), 36 * (0.4 + bad) * _normal(touch, 22)  # of the touching area
    points = _touching(true.joined(_false(touch)), touch, bad, middle, kind)
    points, angle = _pressed(points, _directions(points, finger, field), touch, middle, kind)
    return _template_rows(points, angle, positions, bad, SIZE[kind])


@dataclass(frozen=True)
class _Points:
    """Minutiae of many fingers: whose, which place (a number of its own), where on the finger, how clear (0-1)."""

    who: np.ndarray
    place: np.ndarray
    x: np.ndarray
    y: np.ndarray
    clarity: np.ndarray

    def only(self, which: np.ndarray) -> _Points:
        return _Points(*(part[which] for part in (self.who, self.place, self.x, self.y, self.clarity)))

    def joined(self, other: _Points) -> _Points:
        """Both, finger after finger."""
        parts = [np.concatenate([getattr(self, name), getattr(other, name)]) for name in self.__dataclass_fields__]
        return _Points(*parts).only(np.argsort(parts[0], kind="stable"))


def _true(finger: np.ndarray, field: pattern.Field) -> _Points:
    """The minutiae of each finger: at most PER_CELL in a cell, apart, denser at singular points."""
    cells = np.arange(ROWS * COLUMNS)
    left, top = (cells % COLUMNS) * CELL - COLUMNS * CELL / 2.0, (cells // COLUMNS) * CELL - ROWS * CELL / 2.0
    dense = np.exp(UNEVEN * _normal(finger, 10))[:, None] + np.zeros(len(cells))
    for points in (field.loops, field.deltas):
        for k in range(2):
            across, down = left + CELL / 2 - points.real[:, k, None], top + CELL / 2 + points.imag[:, k, None]
            near = (across**2 + down**2) / (2 * CROWD_REACH**2)
            close = near < 6  # far from the point, and where there is none, nothing is added
            dense[close] += CROWD * np.exp(-near[close])
    chance = np.clip(DENSITY * CELL**2 / PER_CELL * dense, 0, 0.95)
    drawn = _uniform(finger[:, None], 1000 + np.arange(len(cells) * PER_CELL)).reshape(len(finger), -1, PER_CELL)
    who, cell, which = np.nonzero(drawn < chance[..., None])
    place = cell * PER_CELL + which
    x = left[cell] + CELL * _uniform(finger[who], 2000 + place)
    y = top[cell] + CELL * _uniform(finger[who], 3000 + place)
    same = (np.diff(who) == 0) & (np.diff(cell) == 0) & (np.hypot(np.diff(x), np.diff(y)) < NEAREST)
    apart = ~np.concatenate([[False], same])
    return _Points(who, place, x, y, _uniform(finger[who], 5000 + place)).only(apart)


def _missed(clarity: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Chance that a touch does not show a minutia."""
    return np.where(clarity < FAINT, MISSED_FAINT, MISSED) + MISSED_WORST * bad


def _false(touch: np.ndarray) -> _Points:
    """Minutiae that are none: anywhere and faint."""
    places = np.arange(ROWS * COLUMNS)
    who, place = np.nonzero(_uniform(touch[:, None], 7000 + places) < FALSE * DENSITY * CELL**2)
    key = touch[who]
    x = ((place % COLUMNS) + _uniform(key, 8000 + place)) * CELL - COLUMNS * CELL / 2
    y = ((place // COLUMNS) + _uniform(key, 8500 + place)) * CELL - ROWS * CELL / 2
    return _Points(who, place + FALSE_PLACE, x, y, FAINT * _uniform(key, 9000 + place))


def _touching(
    points: _Points, touch: np.ndarray, bad: np.ndarray, middle: tuple[np.ndarray, np.ndarray], kind: Kind
) -> _Points:
    """Those in the touching area."""
    shrink = ((1.0 - 0.2 * bad) * (1 + 0.04 * _normal(touch, 24)))[points.who]
    x, y = points.x - middle[0][points.who], points.y - middle[1][points.who]
    side, tip, joint = CONTACT[kind]
    inside = np.abs(x / (side * shrink)) ** 2.4 + np.abs(y / (np.where(y < 0, tip, joint) * shrink)) ** 2.4 < 1
    return points.only(inside)


def _directions(points: _Points, finger: np.ndarray, field: pattern.Field) -> np.ndarray:
    """Along the ridge, one way or the other: radians."""
    theirs = pattern.Field(*(getattr(field, name)[points.who] for name in field.__dataclass_fields__))
    along = pattern.orientation(theirs, points.x[:, None], points.y[:, None])[:, 0]
    return along + np.pi * (_uniform(finger[points.who], 4000 + points.place) < 0.5)


def _pressed(
    points: _Points, angle: np.ndarray, touch: np.ndarray, middle: tuple[np.ndarray, np.ndarray], kind: Kind
) -> tuple[_Points, np.ndarray]:
    """Points and directions in the image: strained, scattered, turned and shifted."""
    key, who, place = touch[points.who], points.who, points.place
    side, _, joint = CONTACT[kind]
    dx, dy = points.x - middle[0][who], points.y - middle[1][who]

    def drawn(first: int, spread: float) -> np.ndarray:
        return (_normal(touch, first) * spread)[who]

    across, down = dx / side, dy / joint
    bend = [
        drawn(first, STRAIN) * across**2 + drawn(first + 2, 1.4 * STRAIN) * across * down
        + drawn(first + 4, STRAIN) * down**2
        for first in (30, 36)
    ]  # fmt: skip
    x = dx + bend[0] + SCATTER * _normal(key, 10_000 + 2 * place)
    y = dy + bend[1] + SCATTER * _normal(key, 20_000 + 2 * place)
    turn = drawn(44, 0.13 if kind == "plain" else 0.06)
    height, width = SIZE[kind]
    x, y = (
        np.cos(turn) * x + np.sin(turn) * y + width / 2 + drawn(46, 8),
        np.cos(turn) * y - np.sin(turn) * x + height / 2 + drawn(48, 8),
    )
    angle = angle + turn + TURN_SCATTER * _normal(key, 30_000 + 2 * place)
    on = (x >= 1) & (y >= 1) & (x < width - 1) & (y < height - 1)
    return _Points(who, place, x, y, points.clarity).only(on), angle[on]


def _template_rows(
    points: _Points, angle: np.ndarray, positions: np.ndarray, bad: np.ndarray, size: tuple[int, int]
) -> Minutiae:
    rows = np.zeros(len(points.who), MINUTIA)
    rows["x"], rows["y"] = np.rint(points.x * SUBPIXEL), np.rint(points.y * SUBPIXEL)
    rows["angle"] = np.rint(angle * (65536 / (2 * np.pi))).astype(np.int64) & 0xFFFF
    clear = points.clarity >= FAINT
    rank = np.where(clear, (points.clarity - FAINT) / (1 - FAINT), points.clarity / FAINT)
    deciles = np.linspace(0, 1, len(CLEAR_QUALITY))
    rows["quality"] = np.where(
        clear, np.interp(rank, deciles, CLEAR_QUALITY), np.interp(rank, deciles, FAINT_QUALITY)
    ).astype(np.uint8)
    rows["kind"] = (rank * 97 % 1) < BIFURCATIONS
    ends = np.searchsorted(points.who, np.arange(len(bad)), side="right")
    qualities = np.clip(np.rint(75 - 50 * bad), 0, 100).astype(np.uint8)
    return Minutiae(rows, ends, positions, qualities, size)


_CUMULATIVE = np.cumsum([pattern.frequencies(position) for position in range(11)], axis=1)


def _pattern(positions: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Class of each finger, by its position's frequencies."""
    return np.asarray((uniform[:, None] > _CUMULATIVE[np.where(positions > 10, 0, positions), :4]).sum(axis=1))


def _hash(keys: np.ndarray) -> np.ndarray:
    """Steele, Lea and Flood's SplitMix64 finaliser: uint64 to uint64, all bits mixed."""
    mixed = keys + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _uniform(keys: np.ndarray, number: np.ndarray | int) -> np.ndarray:
    """The numbered uniform number of each key, in (0, 1)."""
    salt = np.atleast_1d(number).astype(np.uint64) * np.uint64(0xD1342543DE82EF95)
    return ((_hash(keys ^ salt) >> np.uint64(11)).astype(float) + 0.5) * 2.0**-53


def _uniforms(keys: np.ndarray, first: int, count: int) -> np.ndarray:
    return _uniform(keys[..., None], first + np.arange(count))


def _normal(keys: np.ndarray, number: np.ndarray | int) -> np.ndarray:
    """A standard normal number (Box and Muller) from uniform numbers `number` and the next."""
    radius = np.sqrt(-2 * np.log(_uniform(keys, number)))
    return radius * np.cos(2 * np.pi * _uniform(keys, np.asarray(number) + 1))
