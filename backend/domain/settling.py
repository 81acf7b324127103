"""Carry custody steps out, now or when what they waited for has come: the second half of `custody-1`."""

from __future__ import annotations

from backend.domain.custody_state import (
    EXPECTING,
    Desk,
    Give,
    Lot,
    LotStatus,
    Settled,
    State,
    TakeKey,
    Totals,
    WaitingStep,
    WaitingTake,
)
from backend.domain.layout import Kind
from backend.domain.types import Fate, Outcome, organisation_of

MAX_LOT_GRAMS = (1 << 48) - 1
SERIAL_MASK = 0xFFFFFFFF
DEVICE_SERIAL_MASK = (1 << 40) - 1
_SHANGHAI_SECONDS, _DAY_SECONDS = 8 * 3600, 86_400


def day_of(block_time: int) -> int:
    """Return the number of the Asia/Shanghai day that holds an instant."""
    return (block_time + _SHANGHAI_SECONDS) // _DAY_SECONDS


def settle(state: State, lot: int, *, block_time: int, max_steps: int) -> list[Settled]:
    """Apply up to `max_steps` waiting steps of one lot; anyone may ask the ledger to."""
    settled: list[Settled] = []
    for _ in range(max_steps):
        ready = _next_step(state, lot)
        if ready is None:
            break
        settled += settle_once(state, lot, block_time)
        if isinstance(ready, WaitingStep) and ready.kind == Kind.MERGE:
            lot = state.lots[lot].holder << 32 | ready.into_serial
    return settled


def is_ready(state: State, lot: int) -> bool:
    """Say whether a settle step of this lot would apply something."""
    return _next_step(state, lot) is not None


def is_named(to: int, device: int) -> bool:
    """Say whether a give to `to` (a device, or an organisation: serial 0) may be taken by this device."""
    return to == device or (to & DEVICE_SERIAL_MASK == 0 and organisation_of(to) == organisation_of(device))


def book(state: State, organisation: int, block_time: int, stream: int, **grams: int) -> None:
    """Add grams to the totals of a stream, and of an organisation's day."""
    day_key = (organisation, day_of(block_time), stream)
    state.totals[stream] = _added(state.totals.get(stream), grams)
    state.day_totals[day_key] = _added(state.day_totals.get(day_key), grams)


_TOTAL_MASK = (1 << 64) - 1


def _added(before: Totals | None, grams: dict[str, int]) -> Totals:
    before = before or Totals()
    return before._replace(**{name: getattr(before, name) + more & _TOTAL_MASK for name, more in grams.items()})


def count_deferral(state: State, device: int, change: int) -> None:
    """Count a device's steps that wait."""
    desk = state.desks.get(device) or Desk()
    state.desks[device] = desk._replace(open_deferrals=desk.open_deferrals + change)


def apply_step(state: State, lot_id: int, lot: Lot, step: WaitingStep, block_time: int) -> Outcome:
    """Carry out a holder's give, merge or close of a lot that is free to leave."""
    if step.kind == Kind.GIVE:
        state.lots[lot_id] = lot._replace(status=LotStatus.GIVEN)
        state.gives[lot_id] = Give(step.to, step.seq, lot.grams, step.head13)
        return Outcome.APPLIED
    if step.kind == Kind.MERGE:
        return _apply_merge(state, lot_id, lot, lot.holder << 32 | step.into_serial)
    state.lots[lot_id] = lot._replace(status=LotStatus.CLOSED, grams=0)
    side = "lost" if step.fate == Fate.LOSS else "out"
    book(state, organisation_of(lot.holder), block_time, lot.stream, **{side: lot.grams})
    return Outcome.APPLIED


def apply_take(state: State, lot_id: int, lot: Lot, take: WaitingTake, block_time: int) -> None:
    """Pass a lot to its taker, and book what the taker weighed more or less."""
    state.lots[lot_id] = lot._replace(holder=take.taker, grams=take.grams, status=LotStatus.HELD, taken=True)
    del state.gives[lot_id]
    change = take.grams - lot.grams
    if change:
        side = "gained" if change > 0 else "lost"
        book(state, organisation_of(take.taker), block_time, lot.stream, **{side: abs(change)})


def _apply_merge(state: State, lot_id: int, lot: Lot, into_id: int) -> Outcome:
    into = state.lots[into_id]
    if lot.stream != into.stream or into.grams + lot.grams > MAX_LOT_GRAMS:
        return Outcome.INVALID
    lifts = (into.lifts + lot.lifts) & SERIAL_MASK
    state.lots[into_id] = into._replace(grams=into.grams + lot.grams, lifts=lifts)
    state.lots[lot_id] = lot._replace(status=LotStatus.MERGED, grams=0)
    return Outcome.APPLIED


def _next_step(state: State, lot_id: int) -> WaitingTake | WaitingStep | None:
    """Return the waiting step that this lot is ready for."""
    lot = state.lots.get(lot_id)
    if lot is None:
        return None
    if lot.status == LotStatus.GIVEN:
        return state.waiting_takes.get(_take_key(state, lot_id, lot))
    if lot.status == LotStatus.LEAVING and lot.pendings == 0:
        return state.waiting_steps[lot_id, lot.holder]
    return None


def _take_key(state: State, lot_id: int, lot: Lot) -> TakeKey:
    give = state.gives[lot_id]
    return (lot.holder, give.seq, int(organisation_of(give.to)), lot_id)


def settle_once(state: State, lot_id: int, block_time: int) -> list[Settled]:
    """Apply at most one waiting step of a lot; a take found wrong brings down the step that built on it."""
    ready = _next_step(state, lot_id)
    if ready is None:
        return []
    if isinstance(ready, WaitingTake):
        return _settle_take(state, lot_id, ready, block_time)
    return _settle_step(state, lot_id, ready, block_time)


def _settle_take(state: State, lot_id: int, take: WaitingTake, block_time: int) -> list[Settled]:
    lot, give = state.lots[lot_id], state.gives[lot_id]
    del state.waiting_takes[_take_key(state, lot_id, lot)]
    count_deferral(state, take.taker, -1)
    step_key = (lot_id, take.taker)
    step = state.waiting_steps[step_key]
    if is_named(give.to, take.taker) and give.head13 == take.head13:
        apply_take(state, lot_id, lot, take, block_time)
        if step.kind == EXPECTING:
            del state.waiting_steps[step_key]
        else:
            state.lots[lot_id] = state.lots[lot_id]._replace(status=LotStatus.LEAVING)
        return [Settled(take.taker, take.seq, lot_id, Outcome.APPLIED)]
    del state.waiting_steps[step_key]
    settled = [Settled(take.taker, take.seq, lot_id, Outcome.CONFLICT)]
    if step.kind != EXPECTING:
        count_deferral(state, take.taker, -1)
        settled.append(Settled(take.taker, step.seq, lot_id, Outcome.CONFLICT))
        if step.kind == Kind.MERGE:
            _end_pending(state, take.taker << 32 | step.into_serial)
    return settled


def _settle_step(state: State, lot_id: int, step: WaitingStep, block_time: int) -> list[Settled]:
    lot = state.lots[lot_id]._replace(status=LotStatus.HELD)
    state.lots[lot_id] = lot
    del state.waiting_steps[lot_id, lot.holder]
    count_deferral(state, lot.holder, -1)
    if step.kind == Kind.MERGE:
        _end_pending(state, lot.holder << 32 | step.into_serial)
    outcome = apply_step(state, lot_id, lot, step, block_time)
    return [Settled(lot.holder, step.seq, lot_id, outcome)]


def _end_pending(state: State, lot_id: int) -> None:
    lot = state.lots[lot_id]
    state.lots[lot_id] = lot._replace(pendings=lot.pendings - 1)
