"""What the books make of a lot's entries, and the public rules they judge by."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from backend.api.deps import UseServices
from backend.api.judgement_shape import judgement_shape
from backend.api.problems import ApiProblem, openapi_responses
from backend.api.schemas import LotText
from backend.store.judging import JudgingReader
from backend.store.reading import Reader
from backend.usecases.judge_lot import judge_lot

router = APIRouter(tags=["judgements"])


@router.get("/lots/{lot}/judgements", responses=openapi_responses("unknown-lot", "malformed-request"))
def show_judgements(
    lot: LotText, services: UseServices, as_known_at: Annotated[AwareDatetime | None, Query()] = None
) -> dict[str, Any]:
    """Return what the books make of a lot: now, or as it was known at an instant."""
    with services.database.transaction(writes=False) as connection:
        present = Reader(connection).present(services.now())
        judgement = judge_lot(
            int(lot, 16),
            reader=JudgingReader(connection),
            rules=services.tolerances.rules,
            at=present if as_known_at is None else int(as_known_at.timestamp()),
        )
    if judgement is None:
        raise ApiProblem("unknown-lot", f"No lot {lot}.")
    return judgement_shape(judgement, rules_digest=services.tolerances.digest)


@router.get("/rules/tolerances")
def show_tolerances(services: UseServices) -> dict[str, Any]:
    """Return the published tolerance rules with their texts, and the digest that an anchor holds."""
    return {"digest": services.tolerances.digest.hex(), "document": services.tolerances.document}
