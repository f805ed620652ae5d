"""What evidence a print can be expected to bring if its mate is in the gallery: what `cannot-tell` rests on.

The number of clear minutiae foretells it best (33 % of the variance of mated evidence on four FVC sets and 51
Crossmatch fingers, 5,096 directed pairs; NFIQ 2 alone 24 %, area 13 %, all three together 34 %).
"""

from __future__ import annotations

import numpy as np

from limen.ridge.template import RidgeTemplate
from limen.ridge.views import CLEAR, UNSTATED

#: Mean log-likelihood ratio (nats) of a mated comparison by the probe's clear minutiae; docs/accuracy.md, Ridges.
_CLEAR_MINUTIAE = (0, 5, 8, 11, 14, 18, 22, 27, 35, 50, 75)
_MEAN = (0.0, 5.5, 8.3, 11.0, 13.1, 14.0, 14.8, 15.6, 16.3, 17.4, 17.9)
#: Deviation (nats): 3 and less on those sets, whose people helped and whose sensors stayed the same; here twice that.
DEVIATION = 6.0


def mated(template: RidgeTemplate) -> tuple[float, float]:
    """Mean and deviation (nats) of the evidence of a comparison with a mate; (0, 0) for what may be no print at all."""
    if template.quality == 0:
        return 0.0, 0.0
    mean = float(np.interp(clear(template), _CLEAR_MINUTIAE, _MEAN))
    return mean, DEVIATION * mean / _MEAN[-1]


def clear(template: RidgeTemplate) -> int:
    """How many of a template's minutiae are clear, or do not say how clear they are."""
    qualities = np.asarray(template.minutia_quality)
    return int(np.count_nonzero((qualities >= CLEAR) | (qualities == UNSTATED)))
