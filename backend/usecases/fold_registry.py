"""Fold what the city's registry says of organisations into the state that the custody rules read."""

from __future__ import annotations

from backend.domain.custody_state import Root, State
from backend.usecases.ledger_events import (
    LedgerEvent,
    OrganisationCreated,
    OrganisationResumed,
    OrganisationSuspended,
    RegistrarProposed,
    RegistrarReplaced,
    RegulatorSet,
)


def fold_registry(state: State, event: LedgerEvent) -> None:
    """Change the state by an event of the registry; other events change nothing here."""
    match event:
        case OrganisationCreated():
            state.roots[event.organisation] = Root(event.registrar, event.key_hash, 1)
            state.named_roots[event.registrar] = True
        case RegistrarProposed():
            state.named_roots[event.registrar] = True
        case RegistrarReplaced():
            root = state.roots[event.organisation]
            state.roots[event.organisation] = root._replace(
                device=event.registrar, key_hash=event.key_hash, epoch=event.epoch
            )
        case OrganisationSuspended() | OrganisationResumed():
            is_suspended = isinstance(event, OrganisationSuspended)
            root = state.roots[event.organisation]
            state.roots[event.organisation] = root._replace(is_suspended=is_suspended)
        case RegulatorSet():
            root = state.roots[event.organisation]
            state.roots[event.organisation] = root._replace(is_regulator=event.is_regulator)
        case _:
            pass
