"""Why image bytes are refused, in the words of `limen.reasons`."""

from __future__ import annotations

from limen.errors import BadImage
from limen.reasons import Reason


def refused(reason: Reason, detail: str = "") -> BadImage:
    """The error whose `code` is the reason's slug. `detail` says where (sizes, segment names), never content."""
    message = f"{reason.text} ({detail})" if detail else reason.text
    return BadImage(message, advice=reason.advice, code=reason.slug)
