"""Narrow: what a decision leaves when only some records were asked about (OSIA's galleries and verifications).

The search itself is of everything that the country may see; here an answer only ever gets weaker.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from limen.terms import Answer
from limen.wire.messages import Decision
from limen.wire.parts import Match, pack_matches, unpack_matches

#: Which of these matches were asked about, in their order.
Narrow = Callable[[Sequence[Match]], Awaitable[list[Match]]]

HIT = 2  # `Match.strength`


async def narrowed(decision: Decision, wanted: Narrow) -> Decision:
    """The decision about the wanted records alone."""
    if Answer.from_wire(decision.answer) not in (Answer.HIT, Answer.REFER):
        return decision
    left = await wanted(unpack_matches(decision.tail, decision.count))
    answer = Answer.NO_HIT if not left else Answer.from_wire(decision.answer)
    if answer is Answer.HIT and all(match.strength != HIT for match in left):
        answer = Answer.REFER
    return replace(decision, answer=answer.wire, count=len(left), tail=pack_matches(left))
