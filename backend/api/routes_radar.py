"""What looks wrong in the books, with what says so, and the public thresholds."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from backend.api.deps import UseServices
from backend.api.problems import openapi_responses
from backend.api.schemas import DeviceText
from backend.api.shaping import maybe_instant, plain
from backend.domain.radar.findings import FindingKind
from backend.store.findings import FindingReading
from backend.store.reading import Reader
from backend.usecases.finding_views import FindingFilter, FindingView

router = APIRouter(tags=["radar"])


@router.get("/radar", responses=openapi_responses("malformed-request"))
def list_findings(
    services: UseServices,
    kind: FindingKind | None = None,
    site: DeviceText | None = None,
    confidence: Annotated[int, Query(ge=0, le=1000, description="the least, in thousandths")] = 0,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Return what looks wrong, newest first; a finding says what does not fit, and accuses nobody.

    What another finding explains is among its `consequences`, and is counted nowhere else.
    """
    wanted = FindingFilter(None if kind is None else kind.value, site, confidence)
    with services.database.transaction(writes=False) as connection:
        reading = FindingReading(Reader(connection))
        return {
            "looked_at": maybe_instant(reading.looked_at()),
            "count": reading.count(wanted),
            "findings": [_shape(found) for found in reading.page(wanted, offset=offset, limit=limit)],
        }


@router.get("/rules/radar")
def show_thresholds(services: UseServices) -> dict[str, Any]:
    """Return all versions of the thresholds, with their texts and sources."""
    return {"rules": [plain(rule) for rule in services.thresholds]}


def _shape(found: FindingView) -> dict[str, Any]:
    return {
        "id": found.finding_id,
        "kind": found.kind,
        "variant": found.variant,
        "at": maybe_instant(found.at),
        "confidence_permille": found.confidence_permille,
        "site": None if found.site is None else found.site.site,
        "subjects": dict(found.subjects),
        "evidence": [{"device": entry.device, "seq": entry.seq} for entry in found.evidence],
        "numbers": dict(found.numbers),
        "threshold": {"id": found.rule_id, "version": found.rule_version},
        "consequences": [_shape(other) for other in found.consequences],
    }
