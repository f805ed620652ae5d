"""Opens sealed references with the keys of their countries, which the vault hands to the matcher alone."""

from __future__ import annotations

from limen.countries import ORDER
from limen.errors import BadTemplate, Damaged, NotFound
from limen.face.evidence import calibration
from limen.face.template import FaceTemplate
from limen.matcher.gallery import Reference
from limen.matcher.keys import Keys
from limen.terms import Modality
from limen.vault.seal import OF_RECORD, Use, bound_bytes, open_bound
from limen.wire.messages import GalleryPut

_OWNERS = {code.encode("ascii"): code for code in ORDER}
_MODALITIES = {int(modality): modality for modality in Modality}


def open_reference(put: GalleryPut, keys: Keys) -> Reference:
    """The reference in a message.

    Raises:
        KeyUnavailable, Unavailable: see `Keys.key`.
        Damaged: the blob does not open as what the message says that it is.
        BadTemplate: what was sealed is no face template, or one of an unknown model; packed prints are checked when
            they are put.
    """
    owner, modality = _OWNERS.get(put.owner), _MODALITIES.get(put.modality)
    if owner is None or modality is None:
        raise BadTemplate("A reference has an unknown owner or modality.")
    aad = bound_bytes(
        Use.TEMPLATE, put.owner, put.record_id, put.sample_id, put.modality, put.position, put.model, put.expires
    )
    content = open_bound(keys.key(owner, put.epoch, put.record_id), aad, OF_RECORD, put.tail)
    template = _face(put, content) if modality is Modality.FACE else content
    return Reference(
        record=put.record,
        sample=put.sample,
        owner=owner,
        visible=put.visible,
        valid_from=put.valid_from,
        valid_until=min(put.valid_until or put.expires, put.expires or put.valid_until),
        modality=modality,
        position=put.position,
        template=template,
    )


def known_face(template: FaceTemplate) -> FaceTemplate:
    """A face template, if its model is known here with what its scores mean.

    Raises:
        BadTemplate: the model is unknown, or not calibrated, or its templates have another dimension.
    """
    try:
        dimension = calibration(template.model).centre.size
    except (NotFound, Damaged):
        raise BadTemplate("A face template is of a model that this hub does not know.") from None
    if template.vector.size != dimension:
        raise BadTemplate("A face template has not the dimension of its model.")
    return template


def _face(put: GalleryPut, content: bytes) -> FaceTemplate:
    template = known_face(FaceTemplate.unpack(content))
    if template.model.encode("ascii") != put.model.rstrip(b"\0"):
        raise BadTemplate("A face template is not of the model that it was sealed as.")
    return template
