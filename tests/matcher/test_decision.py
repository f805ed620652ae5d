"""Answers from evidence."""

from __future__ import annotations

from limen.matcher.decision import Asked, Policy, decide
from limen.matcher.fusion import Evidence, Finding, fuse
from limen.matcher.tail import FaceTerms, Kind, PrintTerms
from limen.reasons import Reason
from limen.terms import Answer, Modality

POLICY = Policy()
GOOD = (30.0, 5.0)
TERMS = FaceTerms("sface", 70, ((65.0, 1.0),))
PRINT = PrintTerms(35, ((35, 1.0),))


def _record(slot: int, face: float | None = None, *prints: float) -> Evidence:
    by_face = None if face is None else Finding(-1, 1, (Modality.FACE, 0), face)
    return fuse(slot, by_face, [Finding(i, 10 + i, (Modality.FINGER, 2 + i), llr) for i, llr in enumerate(prints)])


def _ask(faces: bool = True, prints: int = 2, expected=GOOD, records: int = 1000, complete: bool = True) -> Asked:
    kinds = (Kind(1.0, TERMS if faces else None, (PRINT,) * prints),)
    return Asked(TERMS if faces else None, prints, expected, records, complete, kinds=kinds)


def test_strong_face_and_fingers_are_a_hit() -> None:
    verdict = decide([_record(0, 15.0, 18.0, 9.0), _record(1, -4.0, -7.0, -7.0)], _ask(), POLICY)
    assert verdict.answer is Answer.HIT
    assert [(record.slot, strength) for record, strength in verdict.matches] == [(0, 2)]


def test_fingers_alone_may_be_a_hit() -> None:
    assert decide([_record(0, None, 14.0, 12.0)], _ask(faces=False), POLICY).answer is Answer.HIT


def test_a_face_alone_is_never_a_hit() -> None:
    verdict = decide([_record(0, 25.0)], _ask(prints=0, records=10), POLICY)
    assert (verdict.answer, verdict.reasons) == (Answer.REFER, {Reason.FACE_LEAD_ONLY})
    assert verdict.matches[0][1] == 1


def test_a_face_alone_is_a_hit_only_where_the_operator_says_so() -> None:
    told = Policy(face_hits=True)
    assert decide([_record(0, 25.0)], _ask(prints=0, records=10), told).answer is Answer.HIT
    assert decide([_record(0, 25.0, -6.0)], _ask(prints=1, records=10), told).answer is Answer.REFER


def test_what_hardly_speaks_for_a_record_is_no_lead_however_small_the_gallery() -> None:
    assert decide([_record(0, 2.0, 0.5)], _ask(prints=1, records=1), POLICY).answer is Answer.NO_HIT


def test_a_face_with_prints_that_say_little_is_no_hit() -> None:
    assert decide([_record(0, 24.0, 2.0)], _ask(prints=1, records=10), POLICY).answer is Answer.REFER


def test_nobody_alike_is_no_hit() -> None:
    verdict = decide([_record(0, -3.0, -6.0)], _ask(), POLICY)
    assert (verdict.answer, verdict.reasons, verdict.matches) == (Answer.NO_HIT, set(), ())


def test_no_hit_is_never_said_of_a_part_of_the_gallery() -> None:
    verdict = decide([], _ask(complete=False), POLICY)
    assert (verdict.answer, verdict.reasons) == (Answer.CANNOT_TELL, {Reason.GALLERY_INCOMPLETE})


def test_a_hit_in_a_part_of_the_gallery_is_a_hit_that_says_so() -> None:
    verdict = decide([_record(0, 15.0, 18.0)], _ask(complete=False), POLICY)
    assert (verdict.answer, verdict.reasons) == (Answer.HIT, {Reason.GALLERY_INCOMPLETE})


def test_a_poor_probe_cannot_rule_anyone_out() -> None:
    verdict = decide([], _ask(expected=(2.0, 4.0)), POLICY)
    assert (verdict.answer, verdict.reasons) == (Answer.CANNOT_TELL, {Reason.PROBE_TOO_POOR})
    assert decide([], _ask(faces=False, prints=0), POLICY).answer is Answer.CANNOT_TELL


def test_a_poor_probe_may_still_hit() -> None:
    assert decide([_record(0, 15.0, 18.0)], _ask(expected=(2.0, 4.0)), POLICY).answer is Answer.HIT


def test_one_person_in_two_countries_records_is_two_matches() -> None:
    verdict = decide([_record(0, 15.0, 12.0), _record(1, 16.0, 14.0)], _ask(), POLICY)
    assert verdict.answer is Answer.HIT
    assert [record.slot for record, _ in verdict.matches] == [1, 0]


def test_several_leads_are_said() -> None:
    verdict = decide([_record(0, 19.0), _record(1, 18.0)], _ask(prints=0), POLICY)
    assert verdict.reasons == {Reason.FACE_LEAD_ONLY, Reason.SEVERAL_CANDIDATES}


def test_face_and_prints_that_contradict_each_other_are_referred() -> None:
    verdict = decide([_record(0, 24.0, -6.0, -6.0)], _ask(), POLICY)
    assert verdict.answer is Answer.REFER
    assert Reason.MODALITIES_DISAGREE in verdict.reasons


def test_a_larger_gallery_asks_for_more() -> None:
    record = [_record(0, None, 15.0)]
    answers = [decide(record, _ask(faces=False, prints=1, records=n), POLICY).answer for n in (10, 10**6, 10**8)]
    assert answers == [Answer.HIT, Answer.REFER, Answer.NO_HIT]
