"""Steps on lots: carried out now, or kept in the order of their journal until they can be.

A device's steps on a lot wait in one queue, and only its front is ever judged; so what a step does is the
same whenever the entries it builds on arrive. Source: docs/spec/entries.md, "Custody rules".
"""

from __future__ import annotations

from collections.abc import Callable

from backend.domain.booking import book
from backend.domain.custody_state import (
    Answer,
    Desk,
    Expected,
    Give,
    GiveKey,
    Lot,
    LotStatus,
    Settled,
    State,
    Step,
)
from backend.domain.layout import Kind
from backend.domain.mandates import Authority, find_authority, is_named, use_up
from backend.domain.mixing import bit_of, may_be_taken_as
from backend.domain.moving import bring_over
from backend.domain.types import Fate, Flaw, Outcome, opener_of, organisation_of

MAX_LOT_GRAMS = (1 << 48) - 1
SERIAL_MASK = 0xFFFFFFFF
MAX_OPEN_DEFERRALS = 256
MAX_QUEUE = 16

APPLIED = Answer(Outcome.APPLIED)
CONFLICT = Answer(Outcome.CONFLICT)
INVALID = Answer(Outcome.INVALID)
DEFERRED = Answer(Outcome.DEFERRED)
LATE = Answer(Outcome.LATE)


def new_lot(holder: int, stream: int) -> Lot:
    """Return a lot that was just opened: open to loads, lifts and merges."""
    return Lot(holder, 0, 0, stream, LotStatus.HELD, 0, 0, False)


def attempt(state: State, device: int, lot_id: int, step: Step, block_time: int) -> tuple[Answer, list[Settled]]:
    """Judge a step on a lot, or let it wait behind the device's earlier ones; return what else it set free.

    1. A lot comes over from the ledger before with its holder's first step. 2. From that step on it is shut.
    3. Behind a queue a step waits. 4. Otherwise it is judged, and waits when the lot may still come.
    """
    # 1.
    bring_over(state, device, lot_id, block_time)
    # 2.
    lot = state.lots.get(lot_id)
    if lot is not None and lot.holder == device and not lot.shut:
        state.lots[lot_id] = lot._replace(shut=True)
    queue = state.queues.get((lot_id, device), ())
    # 3. and 4.
    answer = None if queue else _judge(state, device, lot_id, step, block_time)
    if answer is None:
        answer = _wait(state, device, lot_id, step)
        if answer.outcome != Outcome.DEFERRED:
            _break_promises(state, device, step)
        return answer, []
    _end_promises(state, device, step, answer)
    return answer, _settle_after(state, lot_id, step, answer, block_time)


def withdraw_waiting(state: State, device: int, lot_id: int, seq: int) -> list[Settled] | None:
    """Give up a step of this device that still waits, but for one that only changes to whom the lot is given.

    None: there is none with that seq.
    """
    queue = state.queues.get((lot_id, device), ())
    for place, step in enumerate(queue):
        if step.seq == seq and step.kind not in (Kind.GIVE, Kind.WITHDRAW, Kind.REDIRECT):
            _leave_queue(state, device, lot_id, place)
            if step.kind in (Kind.TAKE, Kind.REFUSE):
                del state.expected[_expected_key(device, lot_id, step)]
            _end_promises(state, device, step, CONFLICT)
            return [Settled(device, seq, lot_id, CONFLICT.byte)]
    return None


def settle_front(state: State, lot_id: int, device: int, block_time: int) -> list[Settled]:
    """Judge the first step that a device has waiting on a lot; nothing when it must wait on."""
    queue = state.queues.get((lot_id, device), ())
    if not queue:
        return []
    step = queue[0]
    answer = _judge(state, device, lot_id, step, block_time)
    if answer is None:
        return []
    if step.kind in (Kind.TAKE, Kind.REFUSE):
        del state.expected[_expected_key(device, lot_id, step)]
    _leave_queue(state, device, lot_id, 0)
    _end_promises(state, device, step, answer)
    return [Settled(device, step.seq, lot_id, answer.byte)]


def settle(state: State, lot_id: int, device: int, *, block_time: int, max_steps: int) -> list[Settled]:
    """Judge up to `max_steps` steps that a device has waiting on a lot; anyone may ask the ledger to."""
    settled: list[Settled] = []
    for _ in range(max_steps):
        done = settle_front(state, lot_id, device, block_time)
        if not done:
            break
        settled += done
    return settled


def is_ready(state: State, lot_id: int, device: int) -> bool:
    """Say whether a settle step of this queue would do something."""
    queue = state.queues.get((lot_id, device), ())
    return bool(queue) and _READY[Kind(queue[0].kind)](state, device, lot_id, queue[0])


# --- queues ----------------------------------------------------------------------------------------------


def _expected_key(device: int, lot_id: int, step: Step) -> GiveKey:
    return (step.giver, step.give_seq, int(organisation_of(device)), lot_id)


def _wait(state: State, device: int, lot_id: int, step: Step) -> Answer:
    queue = state.queues.get((lot_id, device), ())
    desk = state.desks.get(device) or Desk()
    is_expecting = step.kind in (Kind.TAKE, Kind.REFUSE)
    if is_expecting and _expected_key(device, lot_id, step) in state.expected:
        return CONFLICT
    if desk.open_deferrals >= MAX_OPEN_DEFERRALS or len(queue) >= MAX_QUEUE:
        return LATE
    if is_expecting:
        state.expected[_expected_key(device, lot_id, step)] = Expected(device)
    state.queues[lot_id, device] = (*queue, step)
    state.desks[device] = desk._replace(open_deferrals=desk.open_deferrals + 1)
    lot = state.lots.get(lot_id)
    if lot is not None and lot.is_held_by(device):
        state.lots[lot_id] = lot._replace(status=LotStatus.LEAVING)
    return DEFERRED


def _leave_queue(state: State, device: int, lot_id: int, place: int) -> None:
    queue = state.queues[lot_id, device]
    rest = queue[:place] + queue[place + 1 :]
    if rest:
        state.queues[lot_id, device] = rest
    else:
        del state.queues[lot_id, device]
    desk = state.desks[device]
    state.desks[device] = desk._replace(open_deferrals=desk.open_deferrals - 1)
    _hold(state, lot_id, device)


def _hold(state: State, lot_id: int, device: int) -> None:
    """A lot in a device's hands is leaving while steps of that device wait on it, held otherwise."""
    lot = state.lots.get(lot_id)
    if lot is not None and lot.holder == device and lot.status in (LotStatus.HELD, LotStatus.LEAVING):
        waits = (lot_id, device) in state.queues
        state.lots[lot_id] = lot._replace(status=LotStatus.LEAVING if waits else LotStatus.HELD)


def _settle_after(state: State, lot_id: int, step: Step, answer: Answer, block_time: int) -> list[Settled]:
    """Try the one step that an entry most likely set free: its counterpart's."""
    if answer.outcome != Outcome.APPLIED:
        return []
    lot = state.lots[lot_id]
    if lot.status == LotStatus.GIVEN:
        give = state.gives[lot_id]
        key = (lot.holder, give.seq, int(organisation_of(give.to)), lot_id)
        waiting = state.expected.get(key)
        return [] if waiting is None else settle_front(state, lot_id, waiting.device, block_time)
    if step.kind in (Kind.TAKE, Kind.REFUSE) and lot.holder == step.giver:
        return settle_front(state, lot_id, step.giver, block_time)
    return []


# --- lots that are to come out of a step -----------------------------------------------------------------


def promised_lots(device: int, step: Step) -> range:
    """Return the lots that a split, a transformation or a take in part is to bring forth."""
    first = device << 32 | step.into_serial
    if step.kind == Kind.TRANSFORM:
        return range(first, first + step.outputs)
    is_making = step.kind == Kind.SPLIT or (step.kind == Kind.TAKE and step.into_serial != 0)
    return range(first, first + is_making)


def _end_promises(state: State, device: int, step: Step, answer: Answer) -> None:
    if answer.outcome != Outcome.APPLIED:
        _break_promises(state, device, step)
        return
    for lot_id in promised_lots(device, step):
        _fulfil(state, device, lot_id)
    if step.kind == Kind.MERGE:
        _end_pending(state, device, step)


def _break_promises(state: State, device: int, step: Step) -> None:
    """What was to come out of a step stays in the device's hands, empty."""
    for lot_id in promised_lots(device, step):
        state.lots[lot_id] = state.lots[lot_id]._replace(grams=0)
        _fulfil(state, device, lot_id)
    if step.kind == Kind.MERGE:
        _end_pending(state, device, step)


def _fulfil(state: State, device: int, lot_id: int) -> None:
    state.lots[lot_id] = state.lots[lot_id]._replace(status=LotStatus.HELD)
    _hold(state, lot_id, device)


def _end_pending(state: State, device: int, step: Step) -> None:
    into_id = device << 32 | step.into_serial
    into = state.lots[into_id]
    state.lots[into_id] = into._replace(pendings=into.pendings - 1)


# --- judging ---------------------------------------------------------------------------------------------


def _judge(state: State, device: int, lot_id: int, step: Step, block_time: int) -> Answer | None:
    """Carry a step out or turn it down; None: it must wait."""
    if not _READY[Kind(step.kind)](state, device, lot_id, step):
        return None
    return _CARRY_OUT[Kind(step.kind)](state, device, lot_id, step, block_time)


def _is_leaving_step_ready(state: State, device: int, lot_id: int, _step: Step) -> bool:
    """A step that needs the lot in hand waits for merges into it, and for a give to be answered."""
    lot = state.lots.get(lot_id)
    if lot is None or lot.holder != device:
        return True
    if lot.status in (LotStatus.GIVEN, LotStatus.PROMISED):
        return False
    return lot.status not in (LotStatus.HELD, LotStatus.LEAVING) or lot.pendings == 0


def _is_undoing_ready(state: State, device: int, lot_id: int, _step: Step) -> bool:
    """A withdrawal or redirection undoes a give that is there already."""
    lot = state.lots.get(lot_id)
    return lot is None or lot.holder != device or lot.status != LotStatus.PROMISED


def _is_answer_ready(state: State, device: int, lot_id: int, step: Step) -> bool:
    """A take or refusal waits for its give, and a take for the mandates it cites."""
    lot = state.lots.get(lot_id)
    if lot is None:
        return opener_of(lot_id) == device
    if lot.status in (LotStatus.MERGED, LotStatus.CLOSED):
        return True
    if lot.holder == device and lot.status != LotStatus.GIVEN:
        return True
    if not _is_answered_by(state, lot_id, lot, step):
        return False
    if step.kind == Kind.REFUSE or step.principal == 0:
        return True
    return find_authority(state, device, step, stream=step.stream or lot.stream) is not None


def _is_answered_by(state: State, lot_id: int, lot: Lot, step: Step) -> bool:
    if lot.status != LotStatus.GIVEN:
        return False
    return (lot.holder, state.gives[lot_id].seq) == (step.giver, step.give_seq)


_READY: dict[Kind, Callable[[State, int, int, Step], bool]] = {
    Kind.GIVE: _is_leaving_step_ready,
    Kind.MERGE: _is_leaving_step_ready,
    Kind.CLOSE: _is_leaving_step_ready,
    Kind.SPLIT: _is_leaving_step_ready,
    Kind.TRANSFORM: _is_leaving_step_ready,
    Kind.WITHDRAW: _is_undoing_ready,
    Kind.REDIRECT: _is_undoing_ready,
    Kind.TAKE: _is_answer_ready,
    Kind.REFUSE: _is_answer_ready,
}


def _lot_in_hand(state: State, device: int, lot_id: int) -> Lot | None:
    lot = state.lots.get(lot_id)
    if lot is None or lot.holder != device or lot.status not in (LotStatus.HELD, LotStatus.LEAVING):
        return None
    return lot


def _give(state: State, device: int, lot_id: int, step: Step, _block_time: int) -> Answer:
    lot = _lot_in_hand(state, device, lot_id)
    if lot is None:
        return CONFLICT
    state.lots[lot_id] = lot._replace(status=LotStatus.GIVEN)
    state.gives[lot_id] = Give(step.to, step.seq, lot.grams, step.head13)
    return APPLIED


def _merge(state: State, device: int, lot_id: int, step: Step, _block_time: int) -> Answer:
    lot = _lot_in_hand(state, device, lot_id)
    if lot is None:
        return CONFLICT
    into_id = device << 32 | step.into_serial
    into = state.lots[into_id]
    if lot.stream != into.stream or into.grams + lot.grams > MAX_LOT_GRAMS:
        return INVALID
    lifts = (into.lifts + lot.lifts) & SERIAL_MASK
    state.lots[into_id] = into._replace(
        grams=into.grams + lot.grams, lifts=lifts, mixture=into.mixture | lot.mixture
    )
    state.lots[lot_id] = lot._replace(status=LotStatus.MERGED, grams=0)
    return APPLIED


def _close(state: State, device: int, lot_id: int, step: Step, block_time: int) -> Answer:
    lot = _lot_in_hand(state, device, lot_id)
    if lot is None:
        return CONFLICT
    state.lots[lot_id] = lot._replace(status=LotStatus.CLOSED, grams=0)
    side = "lost" if step.fate == Fate.LOSS else "out"
    book(state, organisation_of(device), block_time, lot.stream, **{side: lot.grams})
    return APPLIED


def _split(state: State, device: int, lot_id: int, step: Step, _block_time: int) -> Answer:
    lot = _lot_in_hand(state, device, lot_id)
    if lot is None:
        return CONFLICT
    if step.stream != lot.stream or step.grams > lot.grams:
        return INVALID
    state.lots[lot_id] = lot._replace(grams=lot.grams - step.grams)
    _bring_forth(state, device, step, lot.stream, lot.mixture)
    return APPLIED


def _transform(state: State, device: int, lot_id: int, step: Step, block_time: int) -> Answer:
    lot = _lot_in_hand(state, device, lot_id)
    if lot is None:
        return CONFLICT
    change = step.loss if step.is_gain else -step.loss
    if lot.grams + change != step.grams:
        return INVALID
    state.lots[lot_id] = lot._replace(status=LotStatus.CLOSED, grams=0)
    _bring_forth(state, device, step, lot.stream, lot.mixture)
    if step.loss:
        side = "gained" if step.is_gain else "lost"
        book(state, organisation_of(device), block_time, lot.stream, **{side: step.loss})
    return APPLIED


def _bring_forth(state: State, device: int, step: Step, stream: int, mixture: int) -> None:
    """Say what is in the lots that come out; their grams were written when they were promised."""
    for lot_id in promised_lots(device, step):
        state.lots[lot_id] = state.lots[lot_id]._replace(stream=stream, mixture=mixture)


def _withdraw(state: State, device: int, lot_id: int, step: Step, _block_time: int) -> Answer:
    lot = state.lots.get(lot_id)
    if lot is None or not lot.is_given_by(device) or state.gives[lot_id].seq != step.give_seq:
        return CONFLICT
    del state.gives[lot_id]
    state.lots[lot_id] = lot._replace(status=LotStatus.HELD)
    _hold(state, lot_id, device)
    return APPLIED


def _redirect(state: State, device: int, lot_id: int, step: Step, _block_time: int) -> Answer:
    lot = state.lots.get(lot_id)
    if lot is None or not lot.is_given_by(device) or state.gives[lot_id].seq != step.give_seq:
        return CONFLICT
    state.gives[lot_id] = Give(step.to, step.seq, lot.grams, step.head13)
    return APPLIED


def _refuse(state: State, device: int, lot_id: int, step: Step, _block_time: int) -> Answer:
    lot = state.lots.get(lot_id)
    if lot is None or not _is_answered_by(state, lot_id, lot, step):
        return CONFLICT
    give = state.gives[lot_id]
    if not is_named(give.to, device) or give.head13 != step.head13:
        return CONFLICT
    _return_to_giver(state, lot_id, lot)
    return APPLIED


def _take(state: State, device: int, lot_id: int, step: Step, block_time: int) -> Answer:
    """1. the give it cites, 2. to this device or to one that it has a mandate from, 3. as no cleaner stream."""
    # 1.
    lot = state.lots.get(lot_id)
    if lot is None or not _is_answered_by(state, lot_id, lot, step):
        return CONFLICT
    give = state.gives[lot_id]
    if give.head13 != step.head13:
        return CONFLICT
    # 2.
    stream = step.stream or lot.stream
    authority = None
    if step.principal:
        found = find_authority(state, device, step, stream=stream)
        if not isinstance(found, Authority):
            return found or CONFLICT
        authority = found
    if not is_named(give.to, device if authority is None else authority.principal):
        return CONFLICT
    # 3.
    if not may_be_taken_as(stream, stream=lot.stream, mixture=lot.mixture):
        return Answer(Outcome.CONFLICT, Flaw.CLEANER_STREAM)
    if authority is not None:
        use_up(state, authority, step.grams)
    if step.into_serial:
        _take_part(state, device, lot_id, lot, step, stream, block_time)
    else:
        _take_whole(state, device, lot_id, lot, step, stream, block_time)
    return APPLIED


def _take_whole(
    state: State, device: int, lot_id: int, lot: Lot, step: Step, stream: int, block_time: int
) -> None:
    del state.gives[lot_id]
    mixture = lot.mixture if stream == lot.stream else lot.mixture | bit_of(lot.stream)
    state.lots[lot_id] = lot._replace(
        holder=device, grams=step.grams, status=LotStatus.HELD, stream=stream, mixture=mixture, shut=True
    )
    _hold(state, lot_id, device)
    _book_weighing(state, device, block_time, lot.grams, lot.stream, step.grams, stream)


def _take_part(state: State, device: int, lot_id: int, lot: Lot, step: Step, stream: int, block_time: int) -> None:
    moved = min(lot.grams, step.grams)
    mixture = lot.mixture if stream == lot.stream else lot.mixture | bit_of(lot.stream)
    _return_to_giver(state, lot_id, lot._replace(grams=lot.grams - moved))
    _bring_forth(state, device, step, stream, mixture)
    _book_weighing(state, device, block_time, moved, lot.stream, step.grams, stream)


def _return_to_giver(state: State, lot_id: int, lot: Lot) -> None:
    del state.gives[lot_id]
    state.lots[lot_id] = lot._replace(status=LotStatus.HELD)
    _hold(state, lot_id, lot.holder)


def _book_weighing(
    state: State, device: int, block_time: int, before: int, stream_before: int, after: int, stream: int
) -> None:
    """Book what the taker weighed more or less, and under which stream."""
    organisation = organisation_of(device)
    if stream != stream_before:
        book(state, organisation, block_time, stream_before, lost=before)
        book(state, organisation, block_time, stream, gained=after)
    elif after != before:
        side = "gained" if after > before else "lost"
        book(state, organisation, block_time, stream, **{side: abs(after - before)})


_CARRY_OUT: dict[Kind, Callable[[State, int, int, Step, int], Answer]] = {
    Kind.GIVE: _give,
    Kind.MERGE: _merge,
    Kind.CLOSE: _close,
    Kind.SPLIT: _split,
    Kind.TRANSFORM: _transform,
    Kind.WITHDRAW: _withdraw,
    Kind.REDIRECT: _redirect,
    Kind.REFUSE: _refuse,
    Kind.TAKE: _take,
}
