"""Whether this process lives, and whether it can do its work."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import text

from backend.api.deps import UseServices
from backend.api.problems import ApiProblem, openapi_responses
from backend.store.reading import Reader

router = APIRouter(tags=["operations"])


@router.get("/health")
def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/ready", responses=openapi_responses("not-ready"))
def ready(services: UseServices) -> dict[str, Any]:
    """Segments can be kept: the database answers, at the schema this code expects.

    A silent chain is reported but does not make the service unready: crews must be able to hand in.
    """
    database = services.database
    try:
        with database.transaction(writes=False) as connection:
            connection.execute(text("SELECT 1"))
            following = Reader(connection).following()
        version, newest = database.schema_version(), database.newest_version()
    except Exception as error:
        raise ApiProblem(
            "not-ready", f"The database does not answer ({type(error).__name__}).", retry_after_seconds=5
        ) from error
    if version != newest:
        raise ApiProblem("not-ready", f"The schema is at {version}, expected {newest}.", retry_after_seconds=5)
    return {
        "status": "ready",
        "chain": "reachable" if services.chain_is_reachable() else "silent",
        "block_number": following.block_number,
        "queued": following.queued,
        "disagreements": following.disagreements,
    }
