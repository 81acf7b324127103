"""What the books say: entries, bins and lots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter, Query

from backend.api.deps import Services, UseServices
from backend.api.problems import ApiProblem, openapi_responses
from backend.api.schemas import (
    AfterText,
    BinText,
    DeviceText,
    EntryShape,
    LotText,
    OrganisationText,
    Seq,
)
from backend.api.shaping import entry_shape, instant, plain
from backend.store.reading import Reader

router = APIRouter(tags=["books"])


@contextmanager
def _reader(services: Services) -> Iterator[Reader]:
    with services.database.transaction(writes=False) as connection:
        yield Reader(connection)


@router.get("/entries/{device}/{seq}", responses=openapi_responses("unknown-entry", "malformed-request"))
def show_entry(device: DeviceText, seq: Seq, services: UseServices) -> EntryShape:
    """Return one entry and how far it got."""
    with _reader(services) as reader:
        view = reader.find_entry(device, seq)
    if view is None:
        raise ApiProblem("unknown-entry", f"No entry {seq} of device {device}.")
    return entry_shape(view)


@router.get("/bins/{number}", responses=openapi_responses("unknown-bin", "malformed-request"))
def show_bin(number: BinText, services: UseServices) -> dict[str, Any]:
    """Return a bin and where it stands."""
    with _reader(services) as reader:
        view = reader.find_bin(number)
    if view is None:
        raise ApiProblem("unknown-bin", f"No bin {number}.")
    return dict(plain(view))


@router.get("/bins/{number}/trace", responses=openapi_responses("unknown-bin", "malformed-request"))
def trace_bin(number: BinText, services: UseServices, limit: int = Query(30, ge=1, le=200)) -> dict[str, Any]:
    """Return a bin's newest lifts, and what became of each."""
    with _reader(services) as reader:
        view = reader.find_bin_trace(number, limit=limit)
    if view is None:
        raise ApiProblem("unknown-bin", f"No bin {number}.")
    return dict(plain(view))


@router.get("/lots", responses=openapi_responses("malformed-request"))
def list_lots(
    services: UseServices, given_to: OrganisationText | None = None, limit: int = Query(50, ge=1, le=500)
) -> dict[str, Any]:
    """Return the lots on their way to an organisation, or the newest lots."""
    with _reader(services) as reader:
        if given_to is None:
            return {"lots": plain(reader.newest_lots(limit))}
        lots = reader.incoming_lots(given_to)
    return {
        "lots": [
            {
                "lot": lot.lot,
                "stream": lot.stream,
                "grams": lot.grams,
                "lifts": lot.lifts,
                "mixture": lot.mixture,
                "giver": lot.giver,
                "give_seq": lot.give_seq,
                "give_head": lot.give_head,
                "given_at": instant(lot.given_at),
                "from": {
                    "organisation": lot.giver_organisation.organisation,
                    "name": plain(lot.giver_organisation.name),
                },
            }
            for lot in lots
        ]
    }


@router.get("/lots/{lot}", responses=openapi_responses("unknown-lot", "malformed-request"))
def show_lot(lot: LotText, services: UseServices) -> dict[str, Any]:
    """Return a lot as it stands now."""
    with _reader(services) as reader:
        view = reader.find_lot(lot)
    if view is None:
        raise ApiProblem("unknown-lot", f"No lot {lot}.")
    return dict(plain(view))


@router.get("/lots/{lot}/trace", responses=openapi_responses("unknown-lot", "malformed-request"))
def trace_lot(lot: LotText, services: UseServices) -> dict[str, Any]:
    """Return a lot's journey both ways."""
    with _reader(services) as reader:
        view = reader.find_journey(lot)
    if view is None:
        raise ApiProblem("unknown-lot", f"No lot {lot}.")
    return dict(plain(view))


@router.get("/totals")
def show_totals(services: UseServices) -> dict[str, Any]:
    """Return, per stream, lifted + gained = held + out + lost, and how far the books are."""
    with _reader(services) as reader:
        return {
            "totals": plain(reader.totals(services.books.reading_state())),
            "following": plain(reader.following()),
        }


@router.get("/books/lots", responses=openapi_responses("malformed-request"))
def page_lots(
    services: UseServices, after: AfterText = "", limit: int = Query(1000, ge=1, le=5000)
) -> dict[str, Any]:
    """Return all lots, a page at a time, for auditors to compare with the chain."""
    with _reader(services) as reader:
        rows = reader.lot_lines(after=after, limit=limit)
    lines = [[r.lot, r.holder, r.grams, r.lifts, r.stream, r.status] for r in rows]
    return {"lots": lines, "next": lines[-1][0] if len(lines) == limit else None}


@router.get("/books/devices", responses=openapi_responses("malformed-request"))
def page_devices(
    services: UseServices, after: AfterText = "", limit: int = Query(1000, ge=1, le=5000)
) -> dict[str, Any]:
    """Return all journals' ends, a page at a time, for auditors to compare with the chain."""
    with _reader(services) as reader:
        state = services.books.reading_state()
        lines, next_after = reader.device_lines(state, after=after, limit=limit)
    return {"devices": lines, "next": next_after}


@router.get("/books/journals", responses=openapi_responses("malformed-request"))
def page_journals(
    services: UseServices, after: AfterText = "", limit: int = Query(200, ge=1, le=1000)
) -> dict[str, Any]:
    """Return a digest of each device's recorded entries and outcomes, a page at a time, for auditors."""
    with _reader(services) as reader:
        lines, next_after = reader.journal_lines(after=after, limit=limit)
    return {"journals": lines, "next": next_after}


@router.get("/books/bins", responses=openapi_responses("malformed-request"))
def page_bins(services: UseServices, after: AfterText = "") -> dict[str, Any]:
    """Return how many lifts are found of each bin, a page at a time, for auditors to compare with the chain."""
    with _reader(services) as reader:
        lines, next_after = reader.bin_lines(after=int(after, 16) if after else -1)
    return {"bins": lines, "next": next_after}
