"""Devices, and the network they write for."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import Connection

from backend.api.deps import UseServices
from backend.api.problems import ApiProblem, openapi_responses
from backend.api.schemas import Certificate, DeviceShape, DeviceText, DomainShape, NetworkShape, Position
from backend.api.shaping import certificate_shape, instant
from backend.domain.devices import find_device
from backend.domain.journal import first_head
from backend.domain.seal import DOMAIN_NAME, DOMAIN_VERSION
from backend.domain.types import organisation_of, organisation_text
from backend.store.intake import IntakeStore

router = APIRouter(tags=["devices"])


@router.get("/network")
def show_network(services: UseServices) -> NetworkShape:
    """Return where journals are recorded: every head and seal is bound to it."""
    deployment = services.deployment
    return NetworkShape(
        chain_id=deployment.chain_id,
        genesis_hash=deployment.genesis_hash,
        ledger=deployment.custody_ledger,
        actor_registry=deployment.actor_registry,
        bin_registry=deployment.bin_registry,
        ledger_versions=deployment.ledger_versions,
        domain=DomainShape(name=DOMAIN_NAME, version=DOMAIN_VERSION),
        finality=services.finality,
        public_base_url=services.public_base_url,
        nodes=list(services.phone_nodes),
        now=instant(services.now()),
    )


@router.get("/devices/{device}", responses=openapi_responses("malformed-request", absence="unknown-device"))
def show_device(device: DeviceText, services: UseServices) -> DeviceShape:
    """Return a device and how far its journal is, here and on the ledger."""
    number = int(device, 16)
    with services.database.transaction(writes=False) as connection:
        intake = IntakeStore(connection)
        known = intake.find_device(number)
        if known is None:
            detail = f"Device {device} is not enrolled."
            raise ApiProblem("unknown-device", detail, is_absence=True, device=device)
        end = intake.find_end(number)
        state = services.books.reading_state()
        state.attach(connection)
        recorded = find_device(state, number)
        certificate = certificate_of(connection, device)
    start = first_head(services.network, number)
    accepted = end if end is not None else (0, start)
    return DeviceShape(
        device=device,
        organisation=organisation_text(organisation_of(number)),
        role=known.role,
        not_after=known.not_after,
        revoked=known.is_revoked,
        accepted=Position(seq=accepted[0], head=accepted[1].hex()),
        recorded=Position(
            seq=0 if recorded is None else recorded.next_seq - 1,
            head=(start if recorded is None else recorded.head).hex(),
        ),
        certificate=certificate,
    )


def certificate_of(connection: Connection, device: str) -> Certificate | None:
    """Return a device's certificate; a root registrar, named by the city, has none."""
    intake = IntakeStore(connection)
    known = intake.find_device(int(device, 16))
    if known is None or known.registrar is None or known.enrolled_seq is None:
        return None
    covering = intake.find_covering(known.registrar, known.enrolled_seq, known.enrolled_seq)
    return certificate_shape(covering[0], known.enrolled_seq) if covering else None
