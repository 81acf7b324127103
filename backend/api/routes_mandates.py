"""Mandates, for the devices that take lots under them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from backend.api.deps import UseServices
from backend.api.problems import openapi_responses
from backend.api.schemas import OrganisationText
from backend.api.shaping import plain
from backend.store.reading.mandates import mandates_to

router = APIRouter(tags=["mandates"])


@router.get("/mandates", responses=openapi_responses("malformed-request"))
def list_mandates(to: OrganisationText, services: UseServices) -> dict[str, Any]:
    """Return the mandates that an organisation has, revoked ones too, and those that they were passed on from."""
    with services.database.transaction(writes=False) as connection:
        found = mandates_to(connection, services.books.reading_state(), int(to, 16))
    return {"mandates": plain(found)}
