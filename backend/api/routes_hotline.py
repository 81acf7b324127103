"""What the 12345 hotline asks of us: to take a complaint that somebody telephoned, and to say where it stands."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path
from sqlalchemy.exc import IntegrityError

from backend.api.deps import Services, UseServices
from backend.api.problems import ApiProblem, openapi_responses
from backend.api.schemas import HotlineComplaint, HotlineFiled, HotlineStanding
from backend.api.shaping import instant
from backend.api.strict_body import StrictRoute
from backend.domain.case_code import code_digest, grouped_code
from backend.domain.complaint_rules import ComplaintKind
from backend.domain.complaints import Stage
from backend.domain.keccak import keccak256
from backend.store.complaints import ComplaintRow, ComplaintStore
from backend.store.reading import Reader
from backend.usecases.complaints import Report, TooManyComplaints, file_complaint

router = APIRouter(prefix="/hotline", tags=["hotline"], route_class=StrictRoute)


def _require_hotline(services: UseServices, authorization: Annotated[str, Header()] = "") -> None:
    key = services.hotline_key
    if not key:
        raise ApiProblem("not-found", "This server takes no calls from a hotline.")
    if not secrets.compare_digest(authorization.encode(), f"Bearer {key}".encode()):
        raise ApiProblem("not-the-hotline", "The key is missing or another one.")


_TAKEN = openapi_responses("not-the-hotline", "not-found", "malformed-request", "invalid-json", "busy")
_SHOWN = openapi_responses("not-the-hotline", "not-found", "unknown-complaint", "malformed-request")
Order = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


@router.put("/complaints/{order}", dependencies=[Depends(_require_hotline)], responses=_TAKEN)
def take_complaint(order: Order, told: HotlineComplaint, services: UseServices) -> HotlineFiled:
    """Take a complaint that the hotline has under a work order; the same order answers the same case."""
    with services.database.transaction(writes=False) as connection:
        found = Reader(connection).find_bin(told.bin)
    if found is None or found.site is None:
        error = {"pointer": "/bin", "code": "unknown-bin", "message": "the directory has no such bin"}
        raise ApiProblem("malformed-request", "There is no such bin.", errors=[error])
    report = Report(
        bin=int(told.bin, 16),
        site=int(found.site.site, 16),
        kind=int(ComplaintKind[told.kind.upper().replace("-", "_")]),
        text=told.text,
    )
    # Only whoever has the key could make the same token again.
    token = keccak256(f"{services.hotline_key} {order}".encode())
    try:
        return _file(services, report, token, order)
    except IntegrityError:  # two calls with one order met
        return _file(services, report, token, order)
    except TooManyComplaints as error:
        raise ApiProblem("busy", str(error), retry_after_seconds=600) from error


@router.get("/complaints/{order}", dependencies=[Depends(_require_hotline)], responses=_SHOWN)
def show_complaint(order: Order, services: UseServices) -> HotlineStanding:
    """Say where the complaint of a work order stands."""
    with services.database.transaction(writes=False) as connection:
        row = ComplaintStore(connection).find_order(order)
    if row is None:
        raise ApiProblem("unknown-complaint", "No complaint has this work order.")
    return _standing(row, services)


def _file(services: Services, report: Report, token: bytes, order: str) -> HotlineFiled:
    with services.database.transaction() as connection:
        store = ComplaintStore(connection)
        known = store.find_order(order)
        code = file_complaint(store, report, services.complaint_rules, token=token, now=services.now())
        case = store.find_case(code_digest(code))
        assert case is not None, "it was just kept"
        if known is not None and int(known.case, 16) != case:
            error = {"pointer": "/text", "code": "order-used", "message": "another complaint has this work order"}
            raise ApiProblem("malformed-request", "The order was told with other contents.", errors=[error])
        if known is None:
            store.note_told(case, statements=1, order=order)
        row = store.find_row(case)
    assert row is not None, "it was just kept"
    return HotlineFiled(case=row.case, code=grouped_code(code), standing=_standing(row, services))


def _standing(row: ComplaintRow, services: Services) -> HotlineStanding:
    return HotlineStanding(
        case=row.case,
        order=row.hotline_order or "",
        stage=Stage(row.stage).name.lower(),
        owner=row.owner,
        reported_at=instant(row.reported_at),
        due_at=None if row.due_at is None else instant(row.due_at),
        closed_at=None if row.closed_at is None else instant(row.closed_at),
        is_overdue=row.is_overdue(services.now()),
    )
