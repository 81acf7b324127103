"""A phone asks for its next key under the seal of the one it has; only a registrar's seal makes it a device."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import Connection

from backend.api.deps import UseServices
from backend.api.problems import ApiProblem, openapi_responses
from backend.api.routes_devices import certificate_of
from backend.api.schemas import (
    DeviceText,
    OrganisationText,
    PublicKey,
    RenewalAsked,
    RenewalShape,
    SealShape,
    WaitingRenewal,
    WaitingRenewals,
)
from backend.api.shaping import instant
from backend.api.strict_body import StrictRoute
from backend.domain.seal import is_public_key
from backend.domain.types import device_text
from backend.store.intake import IntakeStore
from backend.store.renewals import RenewalStore
from backend.usecases.renewals import Asked, Renewal, ask_renewal

router = APIRouter(tags=["renewals"], route_class=StrictRoute)

_SHOWN_MAX = 100


@router.put(
    "/devices/{device}/renewal",
    responses=openapi_responses(
        "unknown-device",
        "wrong-key",
        "bad-seal",
        "revoked-device",
        "not-renewable",
        "renewal-too-early",
        "renewal-differs",
        "malformed-request",
        "invalid-json",
    ),
)
def ask(device: DeviceText, asked: RenewalAsked, services: UseServices) -> RenewalShape:
    """Offer a phone's next key; the same key may be offered again, which tells how far its renewal is."""
    x, y = int(asked.new_key.x, 16), int(asked.new_key.y, 16)
    if not is_public_key(x, y):
        error = {"pointer": "/new_key/x", "code": "not-on-curve", "message": "(x, y) is not a point of P-256"}
        raise ApiProblem("malformed-request", "The new key is not a point of P-256.", errors=[error])
    key = (int(asked.key.x, 16), int(asked.key.y, 16))
    if key == (x, y):
        error = {"pointer": "/new_key", "code": "same-key", "message": "the next key is another one"}
        raise ApiProblem("malformed-request", "The new key is the one that it replaces.", errors=[error])
    r, s = int(asked.seal.r, 16), int(asked.seal.s, 16)
    renewal = Renewal(int(device, 16), x, y, r, s, services.now())
    with services.database.transaction() as connection:
        kept = ask_renewal(
            renewal,
            key,
            network=services.network,
            devices=IntakeStore(connection),
            renewals=RenewalStore(connection),
        )
        return _shape(connection, kept)


@router.get("/renewals", responses=openapi_responses("malformed-request"))
def list_waiting(organisation: OrganisationText, services: UseServices) -> WaitingRenewals:
    """Return the requests of an organisation that no registrar has answered, at most 100, the oldest first."""
    with services.database.transaction(writes=False) as connection:
        waiting = RenewalStore(connection).waiting(int(organisation, 16), _SHOWN_MAX)
        return WaitingRenewals(renewals=[_waiting(connection, renewal) for renewal in waiting])


def _shape(connection: Connection, kept: Asked) -> RenewalShape:
    renewed = None if kept.renewed is None else device_text(kept.renewed)
    return RenewalShape(
        device=device_text(kept.renewal.device),
        state="waiting" if renewed is None else "approved",
        asked_at=instant(kept.renewal.asked_at),
        renewed=renewed,
        certificate=None if renewed is None else certificate_of(connection, renewed),
    )


def _waiting(connection: Connection, renewal: Renewal) -> WaitingRenewal:
    device = device_text(renewal.device)
    known = IntakeStore(connection).find_device(renewal.device)
    return WaitingRenewal(
        device=device,
        new_key=PublicKey(x=f"{renewal.x:064x}", y=f"{renewal.y:064x}"),
        seal=SealShape(r=f"{renewal.r:064x}", s=f"{renewal.s:064x}"),
        asked_at=instant(renewal.asked_at),
        revoked=known is not None and known.is_revoked,
        certificate=certificate_of(connection, device),
    )
