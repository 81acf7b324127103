"""The directory that a phone carries for its shift: of one route, with the seals to check it by."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query, Response

from backend.api.deps import Services, UseServices
from backend.api.problems import ApiProblem, openapi_responses
from backend.api.schemas import DeviceText, OrganisationText
from backend.api.shaping import instant, plain
from backend.domain.bundle import Certificate
from backend.domain.types import device_text
from backend.store.route_directory import TooManyBins, read_route
from backend.usecases.route_directory import BINS_MAX, EntryKey, RouteDirectory

router = APIRouter(tags=["books"])

FORMAT = "huanlian-directory-1"
STREETS_MAX = 50


@router.get(
    "/directory",
    responses={
        304: {"description": "The directory is the one that `If-None-Match` names."},
        **openapi_responses("route-too-large", "malformed-request"),
    },
)
def show_directory(
    services: UseServices,
    organisation: OrganisationText,
    site: Annotated[list[DeviceText] | None, Query(max_length=STREETS_MAX)] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Return what a phone of an organisation carries: its streets' bins, or those of the streets named."""
    now = services.now()
    try:
        found = _read(services, organisation, site or [], now)
    except TooManyBins as error:
        detail = f"{error.bins} bins stand in the streets named."
        raise ApiProblem("route-too-large", detail, bins=error.bins, bins_max=BINS_MAX) from error
    content = {
        "format": FORMAT,
        "chain_id": services.network.chain_id,
        "ledger": services.network.ledger.hex(),
        "organisation": organisation,
        **_shape(found),
    }
    # The date is not part of the tag: a directory that says the same is the same.
    tag = f'"{hashlib.sha256(orjson.dumps(content)).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if if_none_match is not None and _names(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    body = orjson.dumps({"dated_at": instant(now), **content})
    return Response(body, media_type="application/json", headers=headers)


def _read(services: Services, organisation: str, streets: list[str], now: int) -> RouteDirectory:
    state = services.books.reading_state()
    with services.database.transaction(writes=False) as connection:
        state.attach(connection)

        def seen_of(device: str) -> int | None:
            seen = state.seen.get(int(device, 16))
            return None if seen is None else seen.seq

        try:
            return read_route(connection, organisation=organisation, streets=streets, now=now, seen_of=seen_of)
        finally:
            state.attach(None)


def _names(if_none_match: str, tag: str) -> bool:
    """Say whether the caller has this very answer; a proxy may have weakened the tag."""
    tags = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return tag in tags or "*" in tags


def _shape(found: RouteDirectory) -> dict[str, Any]:
    def sealed(entry: EntryKey | None) -> dict[str, Any]:
        return {"run": None, "seq": None} if entry is None else {"run": found.run_of[entry], "seq": entry[1]}

    return {
        "organisations": [
            {"id": o.organisation, "name": plain(o.name), "part": o.part} for o in found.organisations
        ],
        "sites": [
            {
                "id": s.site,
                "kind": s.kind,
                "organisation": s.organisation,
                "name": plain(s.name),
                "parent": s.parent,
                **sealed(found.opened_by.get(s.site)),
            }
            for s in found.sites
        ],
        "streets": [{"site": site, "bins": bins} for site, bins in found.streets],
        "bins_left_out": found.are_bins_left_out,
        "points": plain(found.points),
        "placements": [
            {"site": p.site, **sealed(p.sealed_by), "bins": p.packed.hex(), "points": list(p.points)}
            for p in found.placements
        ],
        "bins": [
            {
                "number": b.number,
                "serial_digest": b.serial_digest,
                "stream": b.stream,
                "site": b.site,
                "point": b.point,
                "placed_from": b.placed_from,
            }
            for b in found.bins
        ],
        "devices": [
            {"device": d.device, "organisation": d.device[:6], "role": d.role, **sealed(d.enrolled_by)}
            for d in found.devices
        ],
        "roots": [{"device": device, "key_hash": key_hash} for device, key_hash in found.roots],
        "registrars": [
            {"device": r.device, **sealed(r.enrolled_by), "seen_seq": r.seen_seq} for r in found.registrars
        ],
        "runs": [_run_shape(run) for run in found.runs],
    }


def _run_shape(run: Certificate) -> dict[str, Any]:
    segment = run.segment
    return {
        "registrar": device_text(segment.device),
        "first_seq": segment.first_seq,
        "prev_head": run.prev_head.hex(),
        "words": segment.words.hex(),
        "key": {"x": f"{segment.x:064x}", "y": f"{segment.y:064x}"},
        "seal": {"r": f"{segment.r:064x}", "s": f"{segment.s:064x}"},
        "assertion": segment.assertion.hex(),
    }
