"""What a stranger takes away: the bundle of an entry, of a lot's journey, of a site's day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Response

from backend.api.deps import UseServices
from backend.api.problems import ApiProblem, openapi_responses
from backend.api.schemas import DeviceText, LotText, Seq
from backend.domain.bundle import write_bundle
from backend.domain.bundle_set import AboutDay, AboutLot, write_set
from backend.domain.layout import Kind
from backend.store.bundles import NotRecordedYet, find_evidence, find_segments, find_segments_of_day
from backend.store.reading import Reader
from backend.usecases.prove_entry import ChainAway, NotOnChain, prove_entry
from backend.usecases.prove_set import (
    LotStep,
    TooManySegments,
    has_site,
    prove_set,
    runs_of_lot,
    times_of,
)

router = APIRouter(tags=["bundles"])
DateText = Annotated[str, Path(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


@router.get(
    "/entries/{device}/{seq}/bundle",
    responses=openapi_responses("unknown-entry", "not-recorded-yet", "malformed-request", "not-ready"),
)
def show_bundle(device: DeviceText, seq: Seq, services: UseServices) -> Response:
    """Return the evidence bundle of one entry, as canonical JSON."""

    def make() -> bytes:
        with services.database.transaction(writes=False) as connection:
            evidence = find_evidence(connection, device=device, seq=seq)
        if evidence is None:
            raise ApiProblem("unknown-entry", f"No entry {seq} of device {device}.")
        return write_bundle(prove_entry(evidence, services.proofs, services.network))

    return _file(f"{device}-{seq}.json", make)


@router.get(
    "/lots/{lot}/bundle",
    responses=openapi_responses("unknown-lot", "not-recorded-yet", "too-large", "malformed-request", "not-ready"),
)
def show_lot_bundle(lot: LotText, services: UseServices) -> Response:
    """Return a lot's whole journey with all that proves it, as canonical JSON."""

    def make() -> bytes:
        with services.database.transaction(writes=False) as connection:
            journey = Reader(connection).find_journey(lot)
            if journey is None:
                raise ApiProblem("unknown-lot", f"No lot {lot}.")
            steps = [
                LotStep(
                    step.entry.device,
                    step.entry.seq,
                    step.lifts is not None or step.entry.kind in (Kind.LOAD, Kind.LIFT),
                    step.entry.seq if step.to_seq is None else step.to_seq,
                )
                for step in journey.steps
            ]
            segments = find_segments(connection, runs_of_lot(steps))
        about = AboutLot(int(lot, 16))
        return write_set(prove_set(about, segments, services.proofs, services.network))

    return _file(f"lot-{lot}.json", make)


@router.get(
    "/sites/{site}/days/{date}/bundle",
    responses=openapi_responses("not-recorded-yet", "too-large", "malformed-request", "not-ready", "not-found"),
)
def show_day_bundle(site: DeviceText, date: DateText, services: UseServices) -> Response:
    """Return what was taken, worked and closed at a site in a day, with all that proves it."""

    def make() -> bytes:
        from_time, to_time = _times(date)
        with services.database.transaction(writes=False) as connection:
            segments = find_segments_of_day(
                connection,
                from_time=from_time,
                to_time=to_time,
                has=lambda words: has_site(words, int(site, 16)),
            )
        if not segments:
            raise ApiProblem("not-found", f"Nothing is recorded of site {site} on {date}.")
        about = AboutDay(int(site, 16), date)
        return write_set(prove_set(about, segments, services.proofs, services.network))

    return _file(f"site-{site}-{date}.json", make)


def _times(date: str) -> tuple[int, int]:
    try:
        return times_of(date)
    except ValueError as error:
        raise ApiProblem("not-found", f"{date} is no day.") from error


def _file(name: str, make: Callable[[], bytes]) -> Response:
    try:
        content = make()
    except (NotRecordedYet, NotOnChain) as error:
        raise ApiProblem("not-recorded-yet", str(error), retry_after_seconds=2) from error
    except ChainAway as error:
        raise ApiProblem("not-ready", str(error), retry_after_seconds=5) from error
    except TooManySegments as error:
        raise ApiProblem("too-large", str(error)) from error
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/json", headers=headers)
