"""The city's indicators of a day or a month, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from backend.api.body_description import also_csv
from backend.api.deps import UseServices
from backend.api.problems import ApiProblem, openapi_responses
from backend.api.shaping import maybe_instant
from backend.domain.indicators.catalogue import FORMULAS
from backend.domain.indicators.coverage import RANKED_FROM_PPM
from backend.domain.indicators.formula import Formula, Scope
from backend.domain.indicators.league import Entrant, ranked
from backend.domain.periods import read_period
from backend.store.reading import Reader
from backend.store.reading.indicators import IndicatorReader, Measured

router = APIRouter(tags=["indicators"])
PeriodText = Annotated[
    str, Query(pattern=r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$", description="a day or a month in Asia/Shanghai")
]
_COLUMNS = (
    "scope", "key", "indicator", "version", "unit", "numerator", "denominator", "value_ppm",
    "coverage_numerator", "coverage_denominator", "rank",
)  # fmt: skip


@router.get("/indicators", responses=also_csv(openapi_responses("malformed-request")))
def show_indicators(
    services: UseServices,
    period: PeriodText,
    by: Literal["city", "district", "street", "company"] = "city",
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Response:
    """Return every indicator of the city, or of each district, street or company, with its coverage and rank."""
    asked = read_period(period)
    if asked is None:
        found = [{"pointer": "/period", "code": "no-such-period", "message": f"{period} is no day or month."}]
        raise ApiProblem("malformed-request", f"{period} is no day or month.", errors=found)
    scope = Scope(by)
    with services.database.transaction(writes=False) as connection:
        reader = Reader(connection)
        indicators = IndicatorReader(
            reader, asked, rules=services.tolerances.rules, now=reader.present(services.now())
        )
        rows = list(_rows(indicators.table(scope), scope))
        counted_to, following = indicators.counted_to(), reader.following()
    if form == "csv":
        headers = {"Content-Disposition": f'attachment; filename="indicators-{by}-{period}.csv"'}
        return Response(_csv_of(rows), media_type="text/csv; charset=utf-8", headers=headers)
    return JSONResponse(
        {
            "period": period,
            "by": by,
            "known_to": {"block": following.block_number, "at": maybe_instant(following.block_time)},
            "counted_to_segment": counted_to,
            "ranked_from_ppm": RANKED_FROM_PPM,
            "rows": rows,
        }
    )


def _rows(measured: list[Measured], scope: Scope) -> Iterable[dict[str, Any]]:
    for formula in FORMULAS:
        if scope not in formula.scopes:
            continue
        entrants = [Entrant(one.key, one.values[formula], one.coverage) for one in measured]
        for standing in ranked(entrants, formula):
            yield _row(scope, formula, standing.entrant, None if scope is Scope.CITY else standing.rank)


def _row(scope: Scope, formula: Formula, entrant: Entrant, rank: int | None) -> dict[str, Any]:
    values = (
        scope.value, entrant.key, formula.formula_id, formula.version, formula.unit.value,
        entrant.value.numerator, entrant.value.denominator, entrant.value.ppm,
        entrant.coverage.numerator, entrant.coverage.denominator, rank,
    )  # fmt: skip
    return dict(zip(_COLUMNS, values, strict=True))


def _csv_of(rows: list[dict[str, Any]]) -> str:
    """Return the rows as CSV (RFC 4180) with a heading; what is not known is left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    writer.writerows({name: "" if value is None else value for name, value in row.items()} for row in rows)
    return text.getvalue()
