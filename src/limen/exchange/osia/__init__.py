"""OSIA (ITU-T X.1281), biometrics interface 1.6.0: what its requests hold. Strangers' bytes: for the opener's workers.

`encounter` and `probe` read; `samples` are the images in them; `person` what they say of somebody; `rest` what is kept
beside the images.
"""

from limen.exchange.osia.reading import Probe, check_pair, criteria, encounter, gallery, modalities, probe
from limen.exchange.osia.samples import OsiaSample, kind_of, samples, subtype
from limen.exchange.osia.words import person, rest

__all__ = [
    "OsiaSample",
    "Probe",
    "check_pair",
    "criteria",
    "encounter",
    "gallery",
    "kind_of",
    "modalities",
    "person",
    "probe",
    "rest",
    "samples",
    "subtype",
]
