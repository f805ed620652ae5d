"""Tables beside `tables.Hit`: for how long a country holds captures, and what its examiners said of its hits."""

from __future__ import annotations

import uuid

from sqlalchemy import ForeignKey, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from limen.records.tables import Table


class HoldTerm(Table):
    """For how many hours a country holds what its hits' verification needs, and how many examiners it takes."""

    __tablename__ = "hold_terms"

    country: Mapped[str] = mapped_column(ForeignKey("countries.code", ondelete="CASCADE"), primary_key=True)
    hours: Mapped[int] = mapped_column(SmallInteger)
    examiners: Mapped[int] = mapped_column(SmallInteger, default=1)


class HitVerdict(Table):
    """What one examiner said of one hit (`limen.hits.verify.Outcome`)."""

    __tablename__ = "hit_verdicts"

    hit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("hits.id", ondelete="CASCADE"), primary_key=True)
    officer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("officers.id", ondelete="CASCADE"), primary_key=True)
    outcome: Mapped[str] = mapped_column(String(16))
    at: Mapped[int]
