"""Open data: a day's lifts as CSV, JSON and Parquet that anybody can compute again from the chain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from fastapi import APIRouter, Response

from backend.api.deps import Services, UseServices
from backend.api.problems import ApiProblem, openapi_responses
from backend.api.routes_bundles import DateText
from backend.api.shaping import instant
from backend.store.open_data import find_anchors, list_days, read_coverage
from backend.store.reading import Reader
from backend.usecases.open_data import Coverage, DayLine, OpenDataDay

router = APIRouter(prefix="/open-data", tags=["open data"])


def days_of(services: Services) -> list[DayLine]:
    """Return the newest days on which something was recorded."""
    with _reader(services) as reader:
        return list_days(reader, until_at=reader.present(services.now()) + 1)


def day_of(services: Services, date: str) -> OpenDataDay:
    """Return all that there is of a day.

    Raises:
        ValueError: it is no date.
    """
    with _reader(services) as reader:
        data = services.open_data.day(reader, date)
        return OpenDataDay(data, read_coverage(reader, data), tuple(find_anchors(reader, date)))


@contextmanager
def _reader(services: Services) -> Iterator[Reader]:
    with services.database.transaction(writes=False) as connection:
        yield Reader(connection)


@router.get("")
def list_open_days(services: UseServices) -> dict[str, Any]:
    """Return the newest days on which something was recorded."""
    days = days_of(services)
    return {"days": [{"date": d.date, "segments": d.segments, "is_final": d.is_final} for d in days]}


@router.get("/{date}", responses=openapi_responses("not-found", "malformed-request"))
def show_open_day(date: DateText, services: UseServices) -> dict[str, Any]:
    """Return a day's files with their digests, what the day is silent about, and the anchors on the ledger."""
    found = _found(services, date)
    data = found.data
    return {
        "date": data.date,
        "time_zone": "Asia/Shanghai",
        "from_at": instant(data.from_at),
        "to_at": instant(data.to_at),
        "is_final": data.is_final,
        "rows": data.rows,
        "lifts": data.lifts,
        "grams": data.grams,
        "transcribed_left_out": data.transcribed,
        "files": [
            {"name": file.name, "media_type": file.media_type, "bytes": len(file.content), "sha256": file.sha256}
            for file in data.files
        ],
        "anchors": [
            {
                "organisation": anchor.organisation.organisation,
                "sha256": anchor.digest,
                "is_this": anchor.digest == data.csv.sha256,
                "recorded_at": instant(anchor.recorded_at),
                "block_number": anchor.block_number,
                "tx_hash": anchor.tx_hash,
            }
            for anchor in found.anchors
        ],
        "coverage": _coverage_shape(found.coverage),
    }


@router.get(
    "/{date}/lifts.{form}",
    response_class=Response,
    responses={
        200: {
            "description": "The file",
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "application/json": {"schema": {"type": "object"}},
                "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
            },
        },
        **openapi_responses("not-found", "malformed-request"),
    },
)
def download_open_day(date: DateText, form: Literal["csv", "json", "parquet"], services: UseServices) -> Response:
    """Return a day's lifts as CSV, as canonical JSON, or as Parquet."""
    data = _found(services, date).data
    file = {"csv": data.csv, "json": data.json, "parquet": data.parquet}[form]
    state = "" if data.is_final else "-not-final"
    headers = {
        "Content-Disposition": f'attachment; filename="huanlian-{date}{state}-{file.name}"',
        "ETag": f'"{file.sha256}"',
        "Cache-Control": "public, max-age=86400" if data.is_final else "no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(file.content, media_type=file.media_type, headers=headers)


def _found(services: Services, date: str) -> OpenDataDay:
    try:
        return day_of(services, date)
    except ValueError as error:
        raise ApiProblem("not-found", f"{date} is no day.") from error


def _coverage_shape(coverage: Coverage) -> dict[str, Any]:
    shares = {"bins": coverage.bins, "points": coverage.points, "devices": coverage.devices}
    return {
        **{name: {"heard": heard, "all": whole} for name, (heard, whole) in shares.items()},
        "bins_unknown": coverage.bins_unknown,
        "sites": [
            {
                "site": site.site,
                "bins": {"heard": site.bins_lifted, "all": site.bins},
                "points": {"heard": site.points_lifted, "all": site.points},
            }
            for site in coverage.sites
        ],
        "organisations": [
            {"organisation": o.organisation.organisation, "devices": {"heard": o.reported, "all": o.devices}}
            for o in coverage.organisations
        ],
    }
