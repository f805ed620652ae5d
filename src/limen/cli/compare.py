"""`limen compare`: how strongly two prints speak for one finger, and why."""

from __future__ import annotations

import json as json_
import math
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image
from rich.console import Console

from limen.errors import BadImage, BadInput
from limen.images import decode
from limen.reasons import Reason
from limen.ridge.comparator import Comparison, explain, prepare
from limen.ridge.evidence import llr
from limen.ridge.extract import RidgeExtractor
from limen.ridge.picture import draw
from limen.ridge.template import RidgeTemplate
from limen.ridge.views import probe_views, views
from limen.terms import Position

WORDS = ((12.0, "very strong"), (7.0, "strong"), (3.0, "moderate"), (0.0, "weak"))  # nats; for people, not decisions


def command(
    a: Annotated[Path, typer.Argument(metavar="A", help="Image of a finger, palm or mark.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Image to compare it with.")],
    picture: Annotated[Path | None, typer.Option(help="Draw which minutiae paired into FILE (png).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two prints, and draw which minutiae paired."""
    (first, pixels_a), (second, pixels_b) = _read(a), _read(b)
    first, second, comparison = _best(first, second)
    if picture:
        try:
            draw(pixels_a, pixels_b, first, second, comparison).save(picture)
        except (OSError, ValueError) as error:
            raise BadInput(f"{picture} cannot be written: {error}.", advice="Name a .png file.") from None
    if json:
        typer.echo(json_.dumps(_json(first, second, comparison), indent=2))
    else:
        _print(first, second, comparison)


def _best(a: RidgeTemplate, b: RidgeTemplate) -> tuple[RidgeTemplate, RidgeTemplate, Comparison]:
    """The views of both prints that are most alike, and their comparison; whichever is a palm is taken in parts."""
    pairs = [(first, second) for first in probe_views(a) for second in views(b)]
    pairs += [(first, second) for first in views(a)[len(probe_views(a)) :] for second in probe_views(b)]
    tried = [(first, second, explain(prepare(first), prepare(second))) for first, second in pairs]
    return max(tried, key=lambda one: one[2].score)


def _json(a: RidgeTemplate, b: RidgeTemplate, comparison: Comparison) -> dict[str, object]:
    return {
        "llr": round(llr(comparison.score), 3),
        "minutiae": [len(a), len(b)],
        "pairs": comparison.pairs.tolist(),
        "rotation_degrees": round(math.degrees(comparison.rotation), 2),
        "translation_pixels": [round(value, 2) for value in comparison.translation],
    }


def _print(a: RidgeTemplate, b: RidgeTemplate, comparison: Comparison) -> None:
    evidence = llr(comparison.score)
    word = next((word for least, word in WORDS if abs(evidence) >= least), "weak")
    side = "for one finger" if evidence > 0 else "for two different fingers"
    out = Console(highlight=False)
    out.print(f"[bold]{word} evidence {side}[/]: log-likelihood ratio {evidence:+.1f} nats")
    out.print(
        f"{len(comparison.pairs)} pairs of {len(a)} and {len(b)} minutiae; "
        f"the first is turned by {math.degrees(comparison.rotation):+.0f} degrees to lie on the second."
    )


def _read(file: Path) -> tuple[RidgeTemplate, np.ndarray]:
    """Template and pixels of a file at its scale. A child decodes it: a hostile image may kill its decoder."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from None
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as child:
        try:
            template, grey, reasons = child.submit(_extract, data).result()
        except BrokenProcessPool:
            raise BadImage(f"{file}: {Reason.DECODER_DIED.text}", advice=Reason.DECODER_DIED.advice) from None
        except BadImage as error:
            raise BadImage(f"{file}: {error.message}", advice=error.advice, code=error.code) from None
    if template is None:
        reason = reasons[0] if reasons else Reason.NO_RIDGES
        raise BadImage(f"{file}: {reason.text}", advice=reason.advice)
    return template, grey


def _extract(data: bytes) -> tuple[RidgeTemplate | None, np.ndarray, list[Reason]]:
    image, extractor = decode(data), RidgeExtractor()
    result = extractor.extract(image, Position.UNKNOWN, measure_quality=False)
    if result.template is None and Reason.RESOLUTION_WRONG in result.reasons:  # larger than any finger
        result = extractor.extract(image, Position.UNKNOWN_PALM, measure_quality=False)
    if result.template is None:
        return None, image.grey(), result.reasons
    size = result.template.width, result.template.height
    return result.template, np.asarray(Image.fromarray(image.grey()).resize(size, Image.Resampling.LANCZOS)), []
