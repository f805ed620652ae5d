"""What to do next, in the officer's words. All sentences of the answers stand here and in `limen.reasons`."""

from __future__ import annotations

from limen.hits.view import RecordView
from limen.reasons import Reason
from limen.terms import Answer

COMPARE = "Compare the portrait with the person in front of you."
NOT_PROOF = "This answer is a lead for a human being; no decision against a person may rest on it alone."
FALSE_NAME = "The person gave an identity that is not the record's: keep the document and say so when you call."
STAY_SAFE = "Call a colleague and keep the person with you, as your national law allows."
NO_HIT = "No record that your country may see matches. Go on with the ordinary procedure."
FORGOTTEN = "The capture and all that was computed from it have been deleted."
EXAMINER = "Do not act on this alone: have a trained examiner compare the portraits, or capture more fingers."
AGAIN = "This is not a 'no hit'. Capture again, or handle the person as not yet checked."
WITHHELD = "Its owner shows no more of this record here: call, and you are told what you may know."
UNOPENED = "The record could not be opened just now: call its owner and quote the record's number."


def next_steps(answer: Answer, views: list[RecordView], reasons: list[Reason], of_samples: list[Reason]) -> list[str]:
    """What to do now, in order; never empty.

    Args:
        answer: the answer.
        views: matched records, strongest first.
        reasons: of the whole answer.
        of_samples: reasons that single images have.
    """
    match answer:
        case Answer.HIT:
            return _hit(views[0], reasons)
        case Answer.REFER:
            return [EXAMINER, *_advice(reasons), *([_call(views[0])] if views[0].contact else []), NOT_PROOF]
        case Answer.NO_HIT:
            return [NO_HIT, FORGOTTEN]
        case Answer.CANNOT_TELL:
            return list(dict.fromkeys([AGAIN, *_advice(of_samples), *_advice(reasons), FORGOTTEN]))


def _hit(view: RecordView, reasons: list[Reason]) -> list[str]:
    steps = [COMPARE]
    if view.urgent:
        steps.append(STAY_SAFE)
    if view.instructions:
        steps.append(view.instructions)
    if not view.opened:
        steps.append(UNOPENED)
    if view.withheld:
        steps.append(WITHHELD)
    if Reason.CLAIM_CONTRADICTED in reasons:
        steps.append(FALSE_NAME)
    return [*steps, _call(view), NOT_PROOF]


def _call(view: RecordView) -> str:
    whom = view.contact or f"the National Central Bureau of {view.owner_name}"
    return f"Call {whom} and quote {view.notice_number or view.number}."


def _advice(reasons: list[Reason]) -> list[str]:
    skipped = (Reason.NOT_SEALED, Reason.CLAIM_CONTRADICTED)
    return list(dict.fromkeys(r.advice for r in reasons if r.advice and r not in skipped))
