"""For operators: measures, and the promises that are not kept yet."""

from __future__ import annotations

from fastapi import APIRouter, Query, Response

from backend.api.deps import UseServices
from backend.api.problems import openapi_responses
from backend.api.schemas import OverdueAnswer, OverdueReceipt
from backend.api.shaping import instant
from backend.domain.types import Refusal
from backend.metrics import CONTENT_TYPE
from backend.store.reading import Reader
from backend.store.waiting import backlog, overdue

router = APIRouter(tags=["operations"])
public = APIRouter(tags=["operations"])
OVERDUE_MINUTES = 10


@router.get("/metrics", include_in_schema=False)
def metrics(services: UseServices) -> Response:
    """Measures in Prometheus' text format."""
    shown, now, head = services.metrics, services.now(), services.chain_head()
    with services.database.transaction(writes=False) as connection:
        reader = Reader(connection)
        following, final_to, waiting = reader.following(), reader.final_to(), backlog(connection)
    block = -1 if following.block_number is None else following.block_number
    shown.books_block.set(block)
    shown.final_block.set(final_to)
    if head is not None:
        shown.chain_block.set(head)
        shown.lag_blocks.set(max(head - block, 0))
    if following.block_time is not None:
        shown.lag_seconds.set(max(now - following.block_time, 0))
    for state, count in waiting.by_state.items():
        shown.outbox.labels(state).set(count)
    oldest = waiting.oldest_received_at
    shown.outbox_age.set(0 if oldest is None else max(now - oldest, 0))
    shown.disagreements.set(following.disagreements)
    return Response(shown.text(), media_type=CONTENT_TYPE)


@public.get("/receipts/overdue", responses=openapi_responses("malformed-request"))
def list_overdue(
    services: UseServices,
    minutes: int = Query(default=OVERDUE_MINUTES, ge=0, le=1_000_000),
    limit: int = Query(default=100, ge=1, le=1000),
) -> OverdueAnswer:
    """Upload receipts that should be on the ledger by now: anyone may hold us to them."""
    with services.database.transaction(writes=False) as connection:
        found = overdue(connection, received_before=services.now() - 60 * minutes, limit=limit)
    return OverdueAnswer(
        minutes=minutes,
        receipts=[
            OverdueReceipt(
                id=item.receipt_id,
                organisation=item.organisation,
                received_at=instant(item.received_at),
                entries=item.entries,
                state=item.state,
                reason=None if item.reason is None else Refusal(item.reason).name.lower().replace("_", "-"),
            )
            for item in found
        ],
    )
