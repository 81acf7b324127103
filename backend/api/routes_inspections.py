"""Random inspections: publishing what was sealed, and giving it away so that anybody can draw again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy.exc import IntegrityError

from backend.api.deps import Services, UseServices
from backend.api.inspection_shape import inspection_shape
from backend.api.problems import openapi_responses
from backend.api.schemas import InspectionKept, InspectionStatement
from backend.api.strict_body import StrictRoute
from backend.domain.inspection import Inspection
from backend.domain.inspection_statements import (
    Candidates,
    Opening,
    digest_of,
    inspection_text,
    read_statement,
    statement_subject,
)
from backend.domain.recorded import EntryId
from backend.store.inspections import InspectionStore
from backend.usecases.inspections import Published, UnknownInspection, publish, read_items

router = APIRouter(prefix="/inspections", tags=["inspections"], route_class=StrictRoute)
Code = Annotated[str, Path(pattern=r"^[0-9a-f]{24}$")]
_PUBLISHED = openapi_responses(
    "unreadable-inspection",
    "not-anchored",
    "unknown-inspection",
    "not-a-party",
    "list-differs",
    "malformed-request",
    "invalid-json",
    "too-large",
)
_SHOWN = openapi_responses("unknown-inspection", "malformed-request")


@router.post("", status_code=201, responses=_PUBLISHED)
def publish_statement(told: InspectionStatement, response: Response, services: UseServices) -> InspectionKept:
    """Publish a statement whose digest a device of its organisation sealed; a repeat answers 200."""
    try:
        kept = _publish(services, told)
    except IntegrityError:  # the same statement twice at one time
        kept = _publish(services, told)
    response.status_code = 201 if kept.is_new else 200
    return kept


@router.get("", responses=openapi_responses("malformed-request"))
def list_inspections(
    services: UseServices,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> dict[str, Any]:
    """Return inspections as final blocks tell them, the newest first."""
    with services.database.transaction(writes=False) as connection:
        store = InspectionStore(connection)
        codes = store.list_inspections(limit=limit, offset=offset)
        found = [store.find_inspection(code, block_hash=services.block_hash) for code in codes]
    return {"inspections": [inspection_shape(one) for one in found if one is not None]}


@router.get("/{code}", responses=_SHOWN)
def show_inspection(code: Code, services: UseServices) -> dict[str, Any]:
    """Return an inspection as final blocks tell it."""
    return inspection_shape(find_inspection(services, code))


@router.get("/{code}/record.json", responses=_SHOWN)
def download_record(code: Code, services: UseServices) -> dict[str, Any]:
    """Return all that is published of an inspection: what a stranger needs beside the chain."""
    with services.database.transaction(writes=False) as connection:
        store = InspectionStore(connection)
        documents, lines = store.documents(code), store.lines(code)
    if not documents:
        raise UnknownInspection(inspection=code)
    return {"inspection": code, "documents": [document.decode() for document in documents], "list": lines}


def find_inspection(services: Services, code: str) -> Inspection:
    """Return an inspection as final blocks tell it.

    Raises:
        UnknownInspection: it was not opened, or its opening is not final.
    """
    with services.database.transaction(writes=False) as connection:
        found = InspectionStore(connection).find_inspection(code, block_hash=services.block_hash)
    if found is None:
        raise UnknownInspection(inspection=code)
    return found


def _publish(services: Services, told: InspectionStatement) -> InspectionKept:
    published = Published(told.document.encode(), EntryId(int(told.device, 16), told.seq))
    statement = read_statement(published.document)
    digest = digest_of(published.document)
    items = None
    if isinstance(statement, Opening) and told.listed is not None:
        items = read_items(Candidates(statement.candidates), told.listed)
    with services.database.transaction() as connection:
        is_new = publish(InspectionStore(connection), published, items, now=services.now())
    subject = inspection_text(statement_subject(statement, digest))
    return InspectionKept(inspection=subject, digest=digest.hex(), is_new=is_new)
