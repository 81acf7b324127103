"""The server's own record of its outages, for everybody."""

from __future__ import annotations

from fastapi import APIRouter

from backend.api.deps import Services, UseServices
from backend.api.problems import openapi_responses
from backend.api.routes_operations import OVERDUE_MINUTES
from backend.api.schemas import ContinuityAnswer
from backend.api.shaping import continuity_shape
from backend.store.continuity import read_continuity
from backend.store.reading import Reader
from backend.usecases.continuity import Continuity, Period

router = APIRouter(tags=["operations"])


def continuity_of(services: Services, period: Period) -> Continuity:
    """Return the account of a period up to now."""
    head = services.chain_head()
    with services.database.transaction(writes=False) as connection:
        block = Reader(connection).following().block_number
        return read_continuity(
            connection,
            period,
            now=services.now(),
            stale_seconds=services.stale_seconds,
            overdue_seconds=60 * OVERDUE_MINUTES,
            books_are_level=head is not None and block is not None and block >= head,
        )


@router.get("/continuity", responses=openapi_responses("malformed-request"))
def show_continuity(services: UseServices, period: Period = Period.LAST_30_DAYS) -> ContinuityAnswer:
    """Return every outage of a period, how long what waited took to drain, and whether anything was lost."""
    return continuity_shape(continuity_of(services, period), services.stale_seconds)
