"""OSIA's requests: what is taken, what is refused and how, and that no bytes do anything else."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limen.errors import BadFile, BadInput, NotAllowed
from limen.exchange import osia
from limen.exchange.osia.models import SUBTYPES, BiometricData
from limen.images import decode
from limen.records.entry import ImageRef, entry_of
from limen.terms import Modality, Position

IMAGE = base64.b64encode(b"\x89PNG rest").decode("ascii")
FINGER = {"biometricType": "FINGER", "biometricSubType": "RIGHT_INDEX", "image": IMAGE}
ENCOUNTER: dict[str, Any] = {
    "status": "ACTIVE",
    "encounterType": "arrest",
    "galleries": ["locate-wanted"],
    "biographicData": {"firstName": "Ana", "lastName": "Ćosić", "gender": "F", "nationality": "BIH", "height": 170},
    "contextualData": {"notice": "red", "visibleTo": ["FRA"]},
    "biometricData": [FINGER],
}


def packed(value: object) -> bytes:
    return json.dumps(value).encode()


def test_an_encounter_in_the_hubs_words() -> None:
    found = osia.encounter(packed(ENCOUNTER))
    entry = entry_of("1/2", osia.person(found), [ImageRef("", Modality.FINGER, Position.RIGHT_INDEX)])
    assert (entry.personal.names, entry.personal.sex, entry.personal.nationalities) == (("Ćosić, Ana",), "F", ("BIH",))
    rest = json.loads(osia.rest(found))
    assert rest["biographicData"]["height"] == 170
    assert rest["biometricData"] == [{"biometricType": "FINGER", "biometricSubType": "RIGHT_INDEX"}]
    [sample] = osia.samples(found.biometricData)
    assert (sample.modality, sample.position, sample.data) == (Modality.FINGER, Position.RIGHT_INDEX, b"\x89PNG rest")


def changed(**more: Any) -> dict[str, Any]:
    return ENCOUNTER | more


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (changed(galleries=["VIP"]), NotAllowed),
        (changed(galleries=["alert", "locate-wanted"]), NotAllowed),
        (changed(galleries=[]), BadFile),
        (changed(galleries=["alert", "alert"]), BadFile),
        (changed(status="DELETED"), BadFile),
        (changed(status=None), BadFile),
        (changed(more=1), BadFile),
        (changed(encryption={"type": "JWE", "scope": "$"}), NotAllowed),
        (changed(integrity=[{"scope": "$", "alg": "SHA256", "hash": "x"}]), NotAllowed),
        (changed(biometricData=[FINGER | {"template": "AAAA"}]), NotAllowed),
        (changed(biometricData=[FINGER | {"imageRef": "http://x.test/"}]), NotAllowed),
        (changed(biometricData=[FINGER | {"width": "10"}]), BadFile),
        (changed(biometricData=[FINGER | {"compression": None}]), BadFile),
        (changed(biometricData=[FINGER] * 201), BadFile),
        (changed(clientData="x" * 300_000), BadFile),
    ],
)
def test_what_is_refused(request_: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        osia.rest(osia.encounter(packed(request_)))


def test_filters() -> None:
    face = {"biometricType": "FACE", "image": IMAGE}
    body = {"filter": {"biometricType": ["FINGER"]}, "biometricData": [FINGER, face]}
    assert [s.modality for s in osia.probe(packed(body), verify=False).samples] == [Modality.FINGER]
    with pytest.raises(NotAllowed):
        osia.probe(packed(body | {"filter": {"dateOfBirthMin": "1980-01-01"}}), verify=False)
    with pytest.raises(NotAllowed):
        osia.probe(packed(body | {"filter": {"biometricType": ["IRIS"]}}), verify=False)
    with pytest.raises(BadFile):
        osia.probe(packed(body | {"filter": {"biometricType": "FACE"}}), verify=False)
    with pytest.raises(BadFile):
        osia.probe(packed(body), verify=True)  # no filter belongs there


def test_every_word_for_a_ridge_position_that_the_hub_searches_comes_back() -> None:
    kinds = {}
    for word in SUBTYPES:
        kind = osia.kind_of(BiometricData(biometricType="FINGER", biometricSubType=word))
        if kind is not None:
            kinds[word] = kind
            assert osia.subtype(*kind) == word
    assert len(kinds) == 31  # ten fingers, three slaps, seventeen palms, and UNKNOWN
    latent = BiometricData(biometricType="FINGER", biometricSubType="UNKNOWN", impressionType="LATENT_PHOTO")
    assert osia.kind_of(latent) == (Modality.MARK, Position.UNKNOWN)
    assert osia.kind_of(BiometricData(biometricType="IRIS")) is None


def test_pixels_without_a_header() -> None:
    raw = FINGER | {"image": base64.b64encode(bytes(range(6))).decode(), "compression": "NONE", "width": 3, "height": 2}
    [sample] = osia.samples([BiometricData(**raw)])
    assert decode(sample.data).pixels.tolist() == [[0, 1, 2], [3, 4, 5]]
    for wrong in ({"width": 4}, {"bitdepth": 16}, {"height": 0}, {"image": "?"}):
        with pytest.raises(BadFile):
            osia.samples([BiometricData(**(raw | wrong))])


json_ = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from([*ENCOUNTER, "filter", "integrity", "encryption"]), json_), st.booleans())
def test_any_json_is_taken_or_refused(parts: dict[str, Any], verify: bool) -> None:
    data = packed(ENCOUNTER | parts)
    for read in (lambda: osia.rest(osia.encounter(data)), lambda: osia.probe(data, verify=verify)):
        try:
            read()
        except (BadInput, NotAllowed) as error:
            assert len(error.message) < 300


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.integers(0, 400).map(lambda n: b"[" * n + packed(ENCOUNTER)[n:]))
def test_any_bytes_are_refused(data: bytes) -> None:
    for read in (osia.encounter, osia.criteria, osia.check_pair):
        with contextlib.suppress(BadInput, NotAllowed):
            read(data)
