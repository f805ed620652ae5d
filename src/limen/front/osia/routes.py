"""All operations of OSIA's biometrics interface, as one router."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import APIRouter, FastAPI

from limen.front.osia.answers import OsiaRoute
from limen.front.osia.callbacks import Deliverer
from limen.front.osia.galleries import router as galleries
from limen.front.osia.persons import router as persons
from limen.front.osia.searching import router as searching
from limen.front.osia.tasks import Tasks


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Inside the application's own, which has made the front's parts."""
    app.state.osia = Tasks(Deliverer(app.state.parts.vault))
    try:
        yield
    finally:
        await app.state.osia.close()


BELOW = "/osia/"  # what is not there is also said as OSIA says it
router = APIRouter(prefix=f"{BELOW}v1", route_class=OsiaRoute, include_in_schema=False, lifespan=_lifespan)
router.include_router(persons)
router.include_router(searching)
router.include_router(galleries)
