"""NIST's mindtct and bozorth3, through `nbis-py`."""

from __future__ import annotations

import io
from pathlib import Path

import nbis
from PIL import Image

_EXTRACTOR = nbis.new_nbis_extractor(
    nbis.NbisExtractorSettings(
        min_quality=0.0, get_center=False, check_fingerprint=False, compute_nfiq2=False, ppi=500.0
    )
)


def mindtct(file: Path) -> nbis.Minutiae | None:
    """mindtct's minutiae of an image file; None where it fails."""
    png = io.BytesIO()
    Image.open(file).convert("L").save(png, "PNG")
    try:
        return _EXTRACTOR.extract_minutiae(png.getvalue())
    except nbis.NbisError:
        return None
