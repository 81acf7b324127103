"""Who may take lots for whom: mandates, the chain of them, and each way to overstep one.

A mandate is named by (device, seq) of the entry that granted it. Source: docs/spec/entries.md, "Mandates".
"""

from __future__ import annotations

from typing import NamedTuple

from backend.domain.custody_state import Answer, Mandate, State, Step
from backend.domain.mixing import bit_of
from backend.domain.types import Flaw, Outcome, organisation_of

MAX_MANDATE_LEVELS = 4
DEVICE_SERIAL_MASK = (1 << 40) - 1


def is_named(to: int, device: int) -> bool:
    """Say whether `to` (a device, or an organisation: serial 0) means this device."""
    return to == device or (to & DEVICE_SERIAL_MASK == 0 and organisation_of(to) == organisation_of(device))


class Authority(NamedTuple):
    """The mandates that cover a take, lowest first, and the principal at their top."""

    keys: tuple[tuple[int, int], ...]
    principal: int


def find_authority(state: State, taker: int, take: Step, *, stream: int) -> Authority | Answer | None:
    """Return the mandates under which a device may take, or what it oversteps; None while one is not known."""
    keys: list[tuple[int, int]] = []
    key, agent = (take.principal, take.mandate_seq), taker
    while len(keys) < MAX_MANDATE_LEVELS:
        mandate = state.mandates.get(key)
        if mandate is None:
            return None
        flaw = _overstepped(mandate, agent, take, stream)
        if not flaw and mandate.depth < len(keys):
            flaw = Flaw.MANDATE_DEPTH
        if flaw:
            return Answer(Outcome.CONFLICT, flaw)
        keys.append(key)
        if mandate.parent == 0:
            return Authority(tuple(keys), key[0])
        agent, key = key[0], (mandate.parent, mandate.parent_seq)
    return Answer(Outcome.CONFLICT, Flaw.MANDATE_DEPTH)


def _overstepped(mandate: Mandate, agent: int, take: Step, stream: int) -> Flaw:
    if not is_named(mandate.to, agent):
        return Flaw.MANDATE_FOREIGN
    if mandate.is_revoked:
        return Flaw.MANDATE_ENDED
    if take.occurred_at > mandate.until:
        return Flaw.MANDATE_EXPIRED
    if not mandate.streams & bit_of(stream):
        return Flaw.MANDATE_STREAM
    if mandate.site not in (0, take.site):
        return Flaw.MANDATE_SITE
    if take.grams > mandate.left:
        return Flaw.MANDATE_GRAMS
    return Flaw.NONE


def use_up(state: State, authority: Authority, grams: int) -> None:
    """Take grams off every mandate that covered a take."""
    for key in authority.keys:
        mandate = state.mandates[key]
        state.mandates[key] = mandate._replace(left=mandate.left - grams)
