"""What holds of every state, whatever was written: found without knowing a single rule of judging."""

from __future__ import annotations

from collections import Counter

from backend.domain.custody_state import DeviceFlag, LotStatus, State, Totals
from backend.domain.layout import Kind
from backend.domain.steps import MAX_LOT_GRAMS, MAX_OPEN_DEFERRALS, MAX_QUEUE, promised_lots
from backend.domain.types import organisation_of

_IN_CUSTODY = (LotStatus.HELD, LotStatus.LEAVING, LotStatus.GIVEN)


def broken_invariants(state: State) -> list[str]:
    """Return a line for each thing that does not hold; none, one hopes."""
    return [*_conservation(state), *_queues(state), *_lots(state), *_devices(state)]


def _conservation(state: State) -> list[str]:
    """lifted + gained = held + out + lost, for each stream and modulo 2^64; days add up to the streams."""
    held: Counter[int] = Counter()
    for lot in state.lots.values():
        if lot.status in _IN_CUSTODY:
            held[lot.stream] += lot.grams
    found = []
    for stream in range(1, 5):
        total = state.totals.get(stream, Totals())
        days = [t for (_, _, of), t in state.day_totals.items() if of == stream]
        left, right = total.lifted + total.gained, held[stream] + total.out + total.lost
        if (left - right) % (1 << 64):
            found.append(f"stream {stream}: {left} came in, {right} is held or gone")
        sums = [sum(side) for side in zip(*days, strict=True)] or list(total)
        if any((day - whole) % (1 << 64) for day, whole in zip(sums, total, strict=True)):
            found.append(f"stream {stream}: the days do not add up to the total")
    return found


def _queues(state: State) -> list[str]:
    """Open deferrals, expectations, promises and pendings are exactly what the queues say."""
    deferrals: Counter[int] = Counter()
    pendings: Counter[int] = Counter()
    expected, promised, found = {}, set(), []
    for (lot, device), queue in state.queues.items():
        deferrals[device] += len(queue)
        if not 0 < len(queue) <= MAX_QUEUE or [s.seq for s in queue] != sorted({s.seq for s in queue}):
            found.append(f"queue {lot:024x}:{device:016x} is empty, too long or out of order")
        for step in queue:
            promised |= set(promised_lots(device, step))
            if step.kind == Kind.MERGE:
                pendings[device << 32 | step.into_serial] += 1
            if step.kind in (Kind.TAKE, Kind.REFUSE):
                expected[step.giver, step.give_seq, int(organisation_of(device)), lot] = device
    for device in {*deferrals, *state.desks}:
        desk = state.desks.get(device)
        if deferrals[device] != (desk.open_deferrals if desk else 0) or deferrals[device] > MAX_OPEN_DEFERRALS:
            found.append(f"device {device:016x}: {deferrals[device]} steps wait, the desk says {desk}")
    if expected != {key: e.device for key, e in state.expected.items()}:
        found.append("somebody is expected who does not wait, or waits unexpected")
    if promised != {k for k, lot in state.lots.items() if lot.status == LotStatus.PROMISED}:
        found.append("a lot is promised by no step, or a promised lot is something else")
    found += [
        f"lot {k:024x}: {pendings[k]} merges wait, it says {lot.pendings}"
        for k, lot in state.lots.items()
        if lot.pendings != pendings[k]
    ]
    return found


def _lots(state: State) -> list[str]:
    """Leaving is what has steps of its holder waiting; given is what has a give; nothing is gone and heavy."""
    found = []
    for k, lot in state.lots.items():
        is_waiting = (k, lot.holder) in state.queues
        if lot.status in (LotStatus.HELD, LotStatus.LEAVING) and (lot.status == LotStatus.LEAVING) != is_waiting:
            found.append(f"lot {k:024x} is {lot.status!r}, its holder's queue says {is_waiting}")
        if (lot.status == LotStatus.GIVEN) != (k in state.gives):
            found.append(f"lot {k:024x} is {lot.status!r}, and its give is {state.gives.get(k)}")
        if lot.status == LotStatus.GIVEN and not lot.shut:
            found.append(f"lot {k:024x} is given and not shut")
        if lot.status in (LotStatus.MERGED, LotStatus.CLOSED) and (lot.grams or lot.pendings):
            found.append(f"lot {k:024x} is gone and has {lot.grams} g")
        if not 0 <= lot.grams <= MAX_LOT_GRAMS:
            found.append(f"lot {k:024x} has {lot.grams} g")
    return found


def _devices(state: State) -> list[str]:
    """Every flag has what it flags beside it."""
    found = []
    for k, device in state.devices.items():
        beside = (
            (DeviceFlag.PINNED, k in state.pins and state.pins[k].seq >= device.next_seq),
            (DeviceFlag.REVOKED, k in state.seen),
            (DeviceFlag.FORKED, k in state.seen),
            (DeviceFlag.PASSKEY, k in state.origins),
            (DeviceFlag.MOVED, k in state.moves and k in state.seen),
            (DeviceFlag.ANNOUNCED, k in state.gaps),
        )
        found += [
            f"device {k:016x} is {flag!r} with nothing beside it"
            for flag, is_there in beside
            if device.flags & flag and not is_there
        ]
    return found
