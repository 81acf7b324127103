"""The mass balance of all sites for a day, and the facts behind each of its figures."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from backend.api.balance_shape import csv_of, figures_of, move_shape
from backend.api.body_description import also_csv
from backend.api.deps import Services, UseServices
from backend.api.problems import ApiProblem, openapi_responses
from backend.api.schemas import DeviceText, OrganisationText
from backend.api.shaping import maybe_instant
from backend.domain.mass_balance import VERSION
from backend.domain.mass_flows import Flow
from backend.store.reading import Reader
from backend.store.reading.balance import Asked, BalanceReader

router = APIRouter(tags=["balance"])
DayText = Annotated[
    str,
    Query(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        description="a day in Asia/Shanghai",
        json_schema_extra={"format": "date"},
    ),
]
StreamNumber = Annotated[int, Query(ge=1, le=4)]
FlowName = Literal[
    "lifted", "taken", "unattested", "moved_in", "gained", "given", "moved_out",
    "product", "residue", "energy", "loss", "offered", "within", "missing",
]  # fmt: skip
_EPOCH = datetime.date(1970, 1, 1)


@router.get("/balance", responses=also_csv(openapi_responses("malformed-request")))
def show_balance(
    services: UseServices,
    day: DayText,
    organisation: OrganisationText | None = None,
    site: DeviceText | None = None,
    stream: StreamNumber | None = None,
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Response:
    """Return the rows of a day: opening + in = out + products, residue, energy + loss + closing + error."""
    number = _day_number(day)
    with _reading(services) as (reader, balance):
        rows = balance.table(number, _asked(organisation, site, stream))
        following = reader.following()
    if form == "csv":
        headers = {"Content-Disposition": f'attachment; filename="balance-{day}.csv"'}
        return Response(csv_of(rows), media_type="text/csv; charset=utf-8", headers=headers)
    return JSONResponse(
        {
            "version": VERSION,
            "day": day,
            "known_to": {"block": following.block_number, "at": maybe_instant(following.block_time)},
            "rules_digest": services.tolerances.digest.hex(),
            "rows": [figures_of(row) for row in rows],
        }
    )


@router.get("/balance/facts", responses=openapi_responses("malformed-request"))
def show_facts(
    services: UseServices,
    day: DayText,
    organisation: OrganisationText | None = None,
    site: DeviceText | None = None,
    stream: StreamNumber | None = None,
    flow: FlowName | None = None,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> dict[str, Any]:
    """Return what each entry moved in a day, by its device's clock."""
    asked = _asked(organisation, site, stream)
    chosen = None if flow is None else Flow[flow.upper()]
    number = _day_number(day)
    with _reading(services) as (_, balance):
        moves = balance.moves(number, asked, flow=chosen, offset=offset, limit=limit)
        count = balance.count_moves(number, asked, flow=chosen)
    return {
        "count": count,
        "facts": [{**move_shape(m), "occurred_at": maybe_instant(m.occurred_at)} for m in moves],
    }


@contextmanager
def _reading(services: Services) -> Iterator[tuple[Reader, BalanceReader]]:
    with services.database.transaction(writes=False) as connection:
        reader = Reader(connection)
        yield reader, BalanceReader(connection, services.tolerances.rules)


def _asked(organisation: str | None, site: str | None, stream: int | None) -> Asked:
    return Asked(
        None if organisation is None else int(organisation, 16), None if site is None else int(site, 16), stream
    )


def _day_number(day: str) -> int:
    try:
        return (datetime.date.fromisoformat(day) - _EPOCH).days
    except ValueError as error:
        found = [{"pointer": "/day", "code": "no-such-day", "message": f"{day} is no day."}]
        raise ApiProblem("malformed-request", f"{day} is no day.", errors=found) from error
