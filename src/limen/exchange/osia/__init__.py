"""OSIA (ITU-T X.1281), biometrics interface 1.6.0: what its requests hold. Strangers' bytes: for the opener's workers.

`encounter` and `probe` read; `samples` are the images in them; `person` what they say of somebody; `rest` what is kept
beside the images.
"""

from limen.exchange.osia.reading import Probe, encounter, probe
from limen.exchange.osia.samples import OsiaSample, samples
from limen.exchange.osia.words import person, rest

__all__ = ["OsiaSample", "Probe", "encounter", "person", "probe", "rest", "samples"]
