"""A print as it is stored: its packed template, and behind it the codes that an index needs of it.

The codes say what surrounds each minutia (native/ridge/structure.inc) and follow from the template. Making them is
nine tenths of the work of putting a print into an index, so it is done once, at enrolment, and not at every start
(decision 0450). They begin with a tag of what made them; an index makes its own where they are missing or of another
release. A print that is compared in several views (`limen.ridge.views`) is stored with the codes of each; a palm, whose
many parts would take more room than time is saved, without.

    packed template (`RidgeTemplate.pack`) | tag uint32 | views uint16
    each view: n uint16 | n row numbers uint16 | n codes of 16 bytes

A view's rows stand in the order in which an index lays them out in blocks, which takes as long to find out as all else
that putting a print in takes (decision 0600).
"""

from __future__ import annotations

import struct

import numpy as np

from limen.errors import BadTemplate
from limen.ridge import _native
from limen.ridge.template import HEAD, MINUTIA, RidgeTemplate
from limen.ridge.views import is_whole, view_rows

MOST = 512  # minutiae of all views together: 9 KB of codes; a rolled finger has 120, a mark on a busy ground 300
_COUNT = struct.Struct("<H")
_COUNT_AT = 18  # where a packed template says how many minutiae it has


def stored(packed: bytes) -> bytes:
    """The bytes to store for a packed template; `BadTemplate` if it is none."""
    rows: list[np.ndarray] = []  # all in one view
    if not is_whole(packed):
        rows = view_rows(RidgeTemplate.unpack(packed))
        if sum(map(len, rows)) > MOST:
            return packed
    try:
        return packed + bytes(_native.codes(packed, [one.tolist() for one in rows]))
    except ValueError as error:
        raise BadTemplate(str(error)) from None


def template_of(data: bytes) -> bytes:
    """The packed template in stored bytes. What is no template comes back as it is, for `RidgeTemplate` to refuse."""
    if len(data) < HEAD.size:
        return data
    return data[: HEAD.size + MINUTIA.itemsize * _COUNT.unpack_from(data, _COUNT_AT)[0]]
