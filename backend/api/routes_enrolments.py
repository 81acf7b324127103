"""A phone offers its key under a one-time code; only a registrar's seal makes it a device."""

from __future__ import annotations

import re
import secrets

from fastapi import APIRouter

from backend.api.deps import Services, UseServices
from backend.api.problems import ApiProblem, openapi_responses
from backend.api.routes_devices import certificate_of
from backend.api.schemas import (
    EnrolmentCode,
    EnrolmentOffer,
    EnrolmentRequest,
    EnrolmentShape,
    OfferedKey,
    PublicKey,
)
from backend.api.shaping import instant
from backend.api.strict_body import StrictRoute
from backend.domain.seal import check_code, is_public_key
from backend.store.enrolments import EnrolmentRecord, EnrolmentStore

router = APIRouter(prefix="/enrolments", tags=["enrolments"], route_class=StrictRoute)

CODE_SECONDS = 600
_CODE = re.compile(r"[A-Za-z0-9_-]{22}")


@router.post("", status_code=201, responses=openapi_responses("malformed-request", "invalid-json"))
def open_code(request: EnrolmentRequest, services: UseServices) -> EnrolmentCode:
    """Make a one-time code for a new device of an organisation."""
    code = secrets.token_urlsafe(16)
    expires_at = services.now() + CODE_SECONDS
    with services.database.transaction() as connection:
        EnrolmentStore(connection).open(
            code=code, organisation=request.organisation, role=request.role, expires_at=expires_at
        )
    return EnrolmentCode(code=code, expires_at=instant(expires_at))


@router.put(
    "/{code}/key",
    responses=openapi_responses("unknown-code", "code-used", "code-expired", "malformed-request", "invalid-json"),
)
def offer_key(code: str, key: OfferedKey, services: UseServices) -> EnrolmentOffer:
    """Offer a new device's public key; the same key may be offered again."""
    x, y = int(key.x, 16), int(key.y, 16)
    if not is_public_key(x, y):
        error = {"pointer": "/x", "code": "not-on-curve", "message": "(x, y) is not a point of P-256"}
        raise ApiProblem("malformed-request", "The key is not a point of P-256.", errors=[error])
    with services.database.transaction() as connection:
        store = EnrolmentStore(connection)
        record = _find(store, code)
        if record.key is not None and (record.key, record.origin) != ((x, y), key.origin):
            raise ApiProblem("code-used", "Another device has used this code.")
        if record.key is None and services.now() > record.expires_at:
            raise ApiProblem("code-expired", f"The code expired at {instant(record.expires_at)}.")
        store.offer_key(code, x, y, key.origin)
        state = _state(_require(store.find(code)), services)
    return EnrolmentOffer(state=state, check=check_code(x, y))


@router.get("/{code}", responses=openapi_responses("unknown-code", "malformed-request"))
def show_code(code: str, services: UseServices) -> EnrolmentShape:
    """Return how far an enrolment is; when approved, with the device id and its certificate."""
    with services.database.transaction(writes=False) as connection:
        record = _find(EnrolmentStore(connection), code)
        certificate = None if record.device is None else certificate_of(connection, record.device)
    key = record.key
    return EnrolmentShape(
        code=code,
        organisation=record.organisation,
        role=record.role,
        state=_state(record, services),
        key=None if key is None else PublicKey(x=f"{key[0]:064x}", y=f"{key[1]:064x}"),
        origin=record.origin,
        check=None if key is None else check_code(*key),
        device=record.device,
        certificate=certificate,
    )


def _find(store: EnrolmentStore, code: str) -> EnrolmentRecord:
    return _require(store.find(code) if _CODE.fullmatch(code) else None)


def _require(record: EnrolmentRecord | None) -> EnrolmentRecord:
    if record is None:
        raise ApiProblem("unknown-code", "No such enrolment code.")
    return record


def _state(record: EnrolmentRecord, services: Services) -> str:
    if record.device is not None:
        return "approved"
    if services.now() > record.expires_at:
        return "expired"
    return "open" if record.key is None else "waiting"
