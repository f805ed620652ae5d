"""Plots of measured error rates."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from limen.errors import BadInput

FLOOR = 1e-5  # rates are drawn down to here: fewer than one error in 100,000 cannot be told apart on our sets


KINDS = (".png", ".svg", ".pdf")


def check_place(file: Path | None, kinds: tuple[str, ...] = ()) -> None:
    """Whether a file can be written later: told before hours of work rather than after them. None is no file.

    Raises:
        BadInput: its folder is missing or closed, it is a folder itself, or its name does not end in one of `kinds`.
    """
    if file is None:
        return
    if kinds and file.suffix.lower() not in kinds:
        raise BadInput(f"{file} cannot be drawn.", advice=f"Its name must end in {', '.join(kinds)}.")
    if file.is_dir():
        raise BadInput(f"{file} is a folder.", advice="Name a file in it.")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise BadInput(f"{file} cannot be written.", advice="Name a file in a folder that exists and is yours.")


def det_plot(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    file: Path | str,
    *,
    title: str = "",
    axes: tuple[str, str] = ("false match rate (FMR)", "false non-match rate (FNMR)"),
) -> None:
    """Draw detection error trade-off curves (ISO/IEC 19795-1, 9.6) on logarithmic axes.

    Args:
        curves: name of each curve to its (fmr, fnmr): float arrays (n,) of fractions, point by point at one
            threshold, in any order. Rates of zero are drawn at `FLOOR`.
        file: where to write; the extension chooses the format (png, svg, pdf).
        title: line above the plot.
        axes: what the rates are called; for 1:N, "FPIR" and "FNIR".
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, plane = plt.subplots(figsize=(6, 6), layout="constrained")
    for name, (fmr, fnmr) in curves.items():
        order = np.lexsort((-np.asarray(fnmr), np.asarray(fmr)))
        across, up = (np.clip(np.asarray(rate, float)[order], FLOOR, 1) for rate in (fmr, fnmr))
        plane.plot(across, up, drawstyle="steps-post", label=name, linewidth=1.2)
    lowest = min((float(np.min(fnmr[fnmr > 0], initial=1)) for _, fnmr in curves.values()), default=FLOOR)
    plane.plot([FLOOR, 1], [FLOOR, 1], color="0.7", linewidth=0.6, linestyle="--")  # equal error rates
    plane.set(xscale="log", yscale="log", xlim=(FLOOR, 1), ylim=(max(FLOOR, lowest / 2), 1), title=title)
    plane.set(xlabel=axes[0], ylabel=axes[1])
    plane.grid(which="both", alpha=0.25)
    if curves:
        plane.legend(loc="upper right")
    figure.savefig(Path(file), dpi=150)
    plt.close(figure)
