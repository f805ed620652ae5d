"""What every operation is asked with: who asks, transaction, call-back, priority, body."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query, Request
from starlette.responses import JSONResponse, Response

from limen.access.policy import Action, may
from limen.errors import BadInput, LimenError
from limen.front.identity import Caller, caller, checked, whole_body
from limen.front.osia import callbacks
from limen.front.osia.answers import Result
from limen.front.osia.tasks import Tasks
from limen.front.parts import Parts
from limen.records import enrolment
from limen.records.encountering import Encounters
from limen.records.index import keyed_hash
from limen.terms import Purpose
from limen.vault.client import VaultClient
from limen.wire.messages import MAX_CAPTURE

MAX_LIST = 64 << 10  # bytes of a small JSON body
PURPOSE_HEADER = "limen-purpose"
JSON = "application/json"

T = TypeVar("T")


class Asked:
    """One request."""

    def __init__(
        self,
        request: Request,
        who: Annotated[Caller, Depends(caller)],
        transaction: Annotated[str, Query(alias="transactionId")],
        callback: str | None = None,
        priority: int = 5,
    ) -> None:
        self.request, self.who = request, who
        self.parts: Parts = request.app.state.parts
        self._transaction, self._priority = transaction, priority
        self.callback = callbacks.checked(callback, self.parts.settings.osia_callbacks) if callback is not None else ""
        self._taken = asyncio.Event()

    @property
    def country(self) -> str:
        """Whose records these are."""
        return self.who.officer.country

    @property
    def asker(self) -> str:
        """Whose task it will be."""
        return str(self.who.searcher)

    def may(self, action: Action, *, purpose: Purpose | None = None) -> None:
        """`NotAllowed` unless the asker may do this with their country's records."""
        device = self.who.device.name if self.who.device else None
        may(
            self.who.officer,
            action,
            purpose=purpose,
            owner=self.country,
            device=self.who.device_state,
            device_name=device,
        )

    def may_write(self) -> None:
        """`NotAllowed` unless the asker may write records for any purpose at all."""
        refused: LimenError | None = None
        for purpose in Purpose:
            try:
                return self.may(Action.WRITE_RECORDS, purpose=purpose)
            except LimenError as error:
                refused = error
        if refused is not None:
            raise refused

    def search_purpose(self) -> str:
        """What a search is for: OSIA has no field for it, so it comes in a header or beside OSIA's parameters."""
        return self.request.headers.get(PURPOSE_HEADER) or self.request.query_params.get("purpose") or ""

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes in, checked against its signature at its end."""
        if self._kind() != JSON:
            raise BadInput(f"The request's Content-Type is not {JSON}.", code="unsupported-media-type")
        async for chunk in checked(self.request, self.who):
            yield chunk

    async def body_if_any(self, most: int = MAX_CAPTURE) -> bytes:
        """The whole body; empty where the standard lets it be left out, and it is."""
        if self._kind():
            return await self.body(most)
        if await whole_body(self.request, self.who, most):
            raise BadInput("The request does not say what its content is.", code="unsupported-media-type")
        return b""

    async def body(self, most: int = MAX_CAPTURE) -> bytes:
        """The whole body."""
        found = bytearray()
        async for chunk in self.chunks():
            found += chunk
            if len(found) > most:
                raise BadInput("The request is too large.", code="too-large")
        return bytes(found)

    def taken(self) -> None:
        """The request is in order, and nothing more of it is needed: an asynchronous one may be answered."""
        self._taken.set()

    async def answered(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Response:
        """Do the work when its turn comes; the answer is its result, or the id of the task that it became."""
        tasks: Tasks = self.request.app.state.osia

        async def in_turn() -> Result:
            async with tasks.gate.turn(self._priority):
                return await work()

        if not self.callback:
            return (await in_turn()).response()
        task = await tasks.begin(self.asker, self._transaction, self.callback, in_turn(), self._taken)
        return JSONResponse({"taskId": task.id}, 202)

    async def with_records(self, work: Callable[[Encounters], T]) -> T:
        """Do something with the country's encounters, in a thread, over a connection of its own to the vault."""
        loop = asyncio.get_running_loop()

        def accepted() -> None:
            loop.call_soon_threadsafe(self._taken.set)

        return await asyncio.to_thread(self._with_records, work, accepted)

    def _with_records(self, work: Callable[[Encounters], T], accepted: Callable[[], None]) -> T:
        settings, database = self.parts.settings, self.parts.database
        with VaultClient.connect(settings) as vault:
            hashes = keyed_hash(database, vault, self.country)
            enrol = functools.partial(enrolment.enrol, settings, accepted=accepted)
            return work(Encounters(database, vault, self.country, hashes, enrol, self._may_write_for))

    def _may_write_for(self, purpose: str) -> None:
        self.may(Action.WRITE_RECORDS, purpose=Purpose(purpose))

    def _kind(self) -> str:
        return self.request.headers.get("content-type", "").partition(";")[0].strip().lower()


Request_ = Annotated[Asked, Depends(Asked)]
