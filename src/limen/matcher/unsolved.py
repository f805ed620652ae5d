"""New prints against unsolved marks, and new marks against all prints: leads for the marks' owners.

A lead is found for whoever owns the mark, and only among what that country may see.
"""

from __future__ import annotations

import time
from collections import defaultdict

import numpy as np

from limen import countries
from limen.matcher.fusion import Finding, fuse
from limen.matcher.gallery import Gallery
from limen.matcher.positions import Group, group
from limen.matcher.references import Reference
from limen.matcher.search import by_prints, compare_prints, match_of
from limen.matcher.tail import mark_threshold
from limen.ridge import views
from limen.ridge.stored import template_of
from limen.ridge.template import RidgeTemplate
from limen.terms import Modality
from limen.wire.messages import MAX_MATCHES
from limen.wire.parts import Match

FALSE_LEADS = 0.01  # accepted per new print or mark: an examiner looks at each


def leads(gallery: Gallery, reference: Reference, *, now: int | None = None) -> tuple[Match, ...]:
    """Records of marks that a new print may have left, or of prints that a new mark may be of; strongest first.

    Args:
        reference: the new sample; a face has none. Samples of its own record are left out.
        now: Unix seconds.

    Raises:
        BadTemplate: it is no minutiae template.
    """
    if not isinstance(reference.template, bytes):
        return ()
    groups = _groups(gallery, reference)
    allowed = _allowed(gallery, reference, int(time.time()) if now is None else now)
    if not groups or not allowed.any():
        return ()
    template = RidgeTemplate.unpack(template_of(reference.template))
    pieces = views.parts(template) if reference.modality is Modality.PALM else [template]
    slots = set().union(*by_prints(gallery, [(groups, piece) for piece in pieces], allowed))
    findings: dict[int, list[Finding]] = defaultdict(list)
    for piece in pieces:  # of a palm; the best counts (`fuse`)
        compare_prints(gallery, 0, groups, piece, slots, findings)
    found = [fuse(slot, None, findings[slot]) for slot in slots]
    least = mark_threshold(FALSE_LEADS, int(np.count_nonzero(allowed)))
    strong = sorted((one for one in found if one.total > least), key=lambda one: one.total, reverse=True)
    return tuple(match_of(gallery, one, 1) for one in strong[:MAX_MATCHES])


def _groups(gallery: Gallery, reference: Reference) -> list[Group]:
    """Of the comparable groups, the marks for a print and the prints for a mark."""
    comparable = gallery.groups(group(reference.modality, reference.position))
    return [kept for kept in comparable if (kept[0] is Modality.MARK) != (reference.modality is Modality.MARK)]


def _allowed(gallery: Gallery, reference: Reference, now: int) -> np.ndarray:
    """bool (slots,): other records, between whose owner and the reference's the mark's owner may see the print."""
    if reference.modality is Modality.MARK:
        allowed = gallery.allowed(reference.owner, now)
    else:
        own = countries.bitmap([reference.owner])
        seers = bytes(a | b for a, b in zip(reference.visible, own, strict=True))
        allowed = gallery.owned_by(seers, now) & gallery.with_marks()
    slot = gallery.slot(reference.record)
    if slot is not None:
        allowed[slot] = False
    return allowed
