"""Mandates as the ledger keeps them: who may still take how much for whom."""

from __future__ import annotations

from sqlalchemy import Connection

from backend.domain.custody_state import Mandate
from backend.domain.mandates import MAX_MANDATE_LEVELS
from backend.domain.types import device_text, organisation_of
from backend.store.slots import BookState
from backend.usecases.views import MandateView


def mandates_to(connection: Connection, state: BookState, organisation: int) -> list[MandateView]:
    """Return the mandates that name an organisation or a device of it, and those that they were passed on from."""
    state.attach(connection)
    try:
        state.mandates.read_all()  # type: ignore[attr-defined]
        known: dict[tuple[int, int], Mandate] = dict(state.mandates.items())
    finally:
        state.attach(None)
    wanted = {key for key, mandate in known.items() if organisation_of(mandate.to) == organisation}
    for _ in range(MAX_MANDATE_LEVELS - 1):
        parents = ((known[key].parent, known[key].parent_seq) for key in wanted)
        wanted |= {parent for parent in parents if parent in known}
    return [_view(key, known[key]) for key in sorted(wanted)]


def _view(key: tuple[int, int], mandate: Mandate) -> MandateView:
    return MandateView(
        principal=device_text(key[0]),
        seq=key[1],
        to=device_text(mandate.to),
        left=mandate.left,
        until=mandate.until,
        depth=mandate.depth,
        streams=mandate.streams,
        site=device_text(mandate.site),
        is_revoked=mandate.is_revoked,
        parent=device_text(mandate.parent),
        parent_seq=mandate.parent_seq,
    )
