"""The answer to a search by file, as a file: INT-I's search response (SRE) or error (ERR).

RLS (2.064) is laid out as the annex of Council Decision 2008/616/JHA prints it: kind of search, `I` (identified) or
`N`, which candidate of how many, score. The score is always 0, which there means that none is assigned: Limen gives no
scores away. What a person has to know stands in INF (2.063).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from limen.exchange.an2.records import Field, Record, Transaction
from limen.exchange.an2.writing import Header, person_record, portrait_record, write
from limen.terms import Answer

#: Error codes of the annex's table of transaction error messages.
INSUFFICIENT_QUALITY, OTHER_ERROR = "501", "999"
_NO_SCORE = "0"
_ERROR_TEXTS = {INSUFFICIENT_QUALITY: "INSUFFICIENT FINGERPRINT QUALITY", OTHER_ERROR: "ANY OTHER ERROR"}


def answer(
    request: Transaction,
    outcome: Answer,
    explanation: str,
    *,
    origin: str,
    candidate: Mapping[str, object] | None = None,
    portrait: bytes = b"",
    error: str = INSUFFICIENT_QUALITY,
    at: datetime | None = None,
) -> bytes:
    """The file that answers `request`.

    Args:
        request: the file that was searched with; its control number becomes the reference (1.010).
        outcome: hit, no hit or refer give an SRE; cannot tell gives an ERR.
        explanation: the answer and its reasons in plain words, for INF.
        origin: the hub's agency identifier (1.008).
        candidate: for hit and refer, what the owner lets the searching country see (keys as `person_fields`).
        portrait: JPEG for a Type-10 record, or nothing.
        error: code for ERM where the hub cannot tell.
    """
    cannot = outcome is Answer.CANNOT_TELL
    kind = request.kind or "CPS"
    header = Header(
        kind="ERR" if cannot else "SRE",
        destination=request.type1.text(8),
        origin=origin,
        domain=_domain(request),
        reference=request.type1.text(9),
        at=at or datetime.now(UTC),
    )
    if cannot:
        extra = [Field(74, ((error, "", _ERROR_TEXTS.get(error, "")),))]
    elif outcome is Answer.NO_HIT:
        extra = [Field(64, ((kind,), ("N",)))]
    else:
        extra = [Field(64, ((kind,), ("I",), ("001/001",), (_NO_SCORE,)))]
    records: list[Record] = [person_record(candidate or {}, 0, [*extra, Field(63, ((explanation,),))])]
    if portrait and candidate is not None and not cannot:
        records.append(portrait_record(portrait, 1, origin))
    return write(header, records)


def _domain(request: Transaction) -> tuple[str, str]:
    row = next(iter(request.type1.subfields(13)), ("INT-I", "6.0"))
    return row[0].strip() or "INT-I", row[1].strip() if len(row) > 1 else ""
