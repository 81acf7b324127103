"""What waits for somebody, by whom it has to be done and until when; and the rules that say so."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from backend.api.body_description import also_csv
from backend.api.deps import UseServices
from backend.api.problems import openapi_responses
from backend.api.schemas import OrganisationText
from backend.api.shaping import maybe_instant, plain
from backend.domain.cases import CaseKind, CaseState
from backend.domain.types import device_text
from backend.store.cases import CaseReading
from backend.store.reading import Reader
from backend.usecases.case_views import CaseFilter, CaseView

router = APIRouter(tags=["cases"])
_CSV_MAX: Final = 100_000
_CSV_AT_ONCE: Final = 500
_SAFE_INTEGER: Final = 1 << 53


@router.get("/cases", responses=also_csv(openapi_responses("malformed-request")))
def list_cases(
    services: UseServices,
    kind: CaseKind | None = None,
    organisation: OrganisationText | None = None,
    state: Literal["open", "overdue", "done", "all"] | None = None,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Response:
    """Return cases, the longest overdue first; without a state those that wait. CSV has all of them."""
    wanted = CaseFilter(
        kind,
        None if organisation is None else int(organisation, 16),
        CaseState(state) if state not in (None, "all") else None,
        is_waiting=state is None,
    )
    with services.database.transaction(writes=False) as connection:
        reader = Reader(connection)
        reading = CaseReading(reader, reader.present(services.now()))
        if form == "csv":
            return _csv(_all(reading, wanted))
        waiting = reading.counts()
        content = {
            "at": maybe_instant(reading.now),
            "count": reading.count(wanted),
            "waiting": sum(found.waiting for found in waiting),
            "overdue": sum(found.overdue for found in waiting),
            "cases": [case_shape(case) for case in reading.page(wanted, offset=offset, limit=limit)],
        }
    return JSONResponse(content)


@router.get("/rules/cases")
def show_rules(services: UseServices) -> dict[str, Any]:
    """Return all versions of the deadlines that no other rule has, with their texts and sources."""
    return {"rules": [plain(rule) for rule in services.case_rules]}


def case_shape(case: CaseView) -> dict[str, Any]:
    """Return a case as JSON; numbers that JavaScript cannot hold are text."""
    owner = case.span.owner
    return {
        "code": case.code,
        "kind": case.kind.value,
        "state": case.state.value,
        "stage": case.span.stage.value,
        "subject": {"kind": case.subject_kind.value, "id": case.subject},
        "owner": {
            "organisation": None if owner is None else owner.organisation,
            "role": case.span.role.name.lower(),
        },
        "opened_at": maybe_instant(case.opened_at),
        "since": maybe_instant(case.span.since),
        "due_at": maybe_instant(case.span.due),
        "parties": [party.organisation for party in case.parties],
        "entries": [{"device": device_text(entry.device), "seq": entry.seq} for entry in case.entries],
        "numbers": {
            name: value if abs(value) < _SAFE_INTEGER else str(value) for name, value in case.numbers.items()
        },
        "rule": None if case.rule_id is None else {"id": case.rule_id, "version": case.rule_version},
    }


def _all(reading: CaseReading, wanted: CaseFilter) -> Iterable[CaseView]:
    for offset in range(0, _CSV_MAX, _CSV_AT_ONCE):
        page = reading.page(wanted, offset=offset, limit=_CSV_AT_ONCE)
        yield from page
        if len(page) < _CSV_AT_ONCE:
            return


def _csv(cases: Iterable[CaseView]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text)
    columns = ("code", "kind", "state", "stage", "owner", "subject", "opened_at", "due_at", "rule", "entries")
    writer.writerow(columns)
    for case in cases:
        shape = case_shape(case)
        rule = shape["rule"]
        row = {
            **shape,
            "owner": shape["owner"]["organisation"] or "",
            "subject": shape["subject"]["id"],
            "rule": "" if rule is None else f"{rule['id']} {rule['version']}",
            "entries": " ".join(f"{entry['device']}/{entry['seq']}" for entry in shape["entries"]),
        }
        writer.writerow([row[column] or "" for column in columns])
    headers = {"Content-Disposition": 'attachment; filename="cases.csv"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)
