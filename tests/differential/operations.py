"""What can be done to a ledger, as values; what Python answers, and all it keeps, in a form to compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backend.domain.custody import record_segment
from backend.domain.custody_state import GiveKey, QueueKey, Recorded, Refused, Root, Settled, State, Step
from backend.domain.devices import Witness, prove_fork, record_witness
from backend.domain.journal import Network, Segment
from backend.domain.layout import Kind
from backend.domain.seal import SealProof
from backend.domain.steps import settle
from backend.domain.types import device_text, lot_text, organisation_text


@dataclass(frozen=True)
class Record:
    """A sealed segment arrives."""

    block_time: int
    segment: Segment
    ledger: int = 0
    """Its place among the world's ledgers; also of all other operations."""


@dataclass(frozen=True)
class Show:
    """Somebody shows a sealed entry of another journal."""

    block_time: int
    witness: Witness
    ledger: int = 0


@dataclass(frozen=True)
class ProveFork:
    """Somebody shows two heads that a device sealed for one seq."""

    block_time: int
    device: int
    one: SealProof
    other: SealProof
    ledger: int = 0


@dataclass(frozen=True)
class Settle:
    """Somebody asks the ledger to judge what a device has waiting on a lot."""

    block_time: int
    lot: int
    device: int
    max_steps: int
    ledger: int = 0


Operation = Record | Show | ProveFork | Settle
Answer = dict[str, Any]


@dataclass(frozen=True)
class World:
    """Ledgers, each the one to which journals move from the one before, and what they find around them."""

    networks: tuple[Network, ...]
    roots: tuple[tuple[int, Root], ...]
    named_roots: tuple[int, ...]

    def fresh_states(self) -> list[State]:
        """Return the state of each ledger before anything was recorded."""
        states: list[State] = []
        for network in self.networks:
            before = states[-1] if states else None
            named = dict.fromkeys(self.named_roots, True)
            states.append(State(network, roots=dict(self.roots), named_roots=named, predecessor=before))
        return states


def apply(states: Sequence[State], operation: Operation) -> Answer:
    """Carry an operation out on the Python state of its ledger and return the answer."""
    state = states[operation.ledger]
    match operation:
        case Record(block_time, segment, _):
            return _recorded(record_segment(state, segment, block_time=block_time))
        case Show(_, witness, _):
            shown = record_witness(state, witness)
            return _refused(shown) if isinstance(shown, Refused) else {"head": shown.hex()}
        case ProveFork(_, device, one, other, _):
            return {"is_shown": prove_fork(state, device, one, other)}
        case Settle(block_time, lot, device, max_steps, _):
            return {"settled": _settled(settle(state, lot, device, block_time=block_time, max_steps=max_steps))}


@dataclass
class Kept:
    """What Python keeps for one ledger, and keys that were there in between."""

    state: State
    devices: set[int] = field(default_factory=set)
    queues: set[QueueKey] = field(default_factory=set)
    expected: set[GiveKey] = field(default_factory=set)


@dataclass
class Trace:
    """What Python answered to each operation, and all that it kept."""

    answers: list[Answer]
    ledgers: list[Kept]

    def dump(self) -> list[dict[str, Any]]:
        """Return the dump of each ledger."""
        return [dump(kept.state) for kept in self.ledgers]


def run_python(world: World, operations: Iterable[Operation]) -> Trace:
    """Carry operations out from nothing, in Python."""
    states = world.fresh_states()
    roots = {root.device for _, root in world.roots}
    trace = Trace([], [Kept(state, set(roots)) for state in states])
    for operation in operations:
        trace.answers.append(apply(states, operation))
        kept = trace.ledgers[operation.ledger]
        kept.queues |= kept.state.queues.keys()
        kept.expected |= kept.state.expected.keys()
        for each in trace.ledgers:
            each.devices.add(_device_of(operation))
    return trace


def _device_of(operation: Operation) -> int:
    match operation:
        case Record(_, segment, _):
            return segment.device
        case Show(_, witness, _):
            return witness.device
        case ProveFork() | Settle():
            return operation.device


def _recorded(answer: Recorded | Refused) -> Answer:
    if isinstance(answer, Refused):
        return _refused(answer)
    return {
        "outcomes": answer.outcomes.hex(),
        "head": answer.head.hex(),
        "settled": _settled(answer.settled),
        "transcribed": [[device_text(t.device), t.first_seq, t.outcomes.hex()] for t in answer.transcribed],
        "closed_gap": None if answer.closed_gap is None else list(answer.closed_gap),
    }


def _refused(refused: Refused) -> Answer:
    return {"refused": int(refused.reason), "forked_at": refused.forked_at}


def _settled(settled: Iterable[Settled]) -> list[list[Any]]:
    return [[device_text(s.device), s.seq, lot_text(s.lot), s.outcome] for s in settled]


# --- all that is kept --------------------------------------------------------------------------------------


def pack_step(step: Step) -> list[int]:
    """Return a step as the treaty packs it: words a, b and c."""
    return [_pack_a(step), _pack_b(step), step.site << 192 if step.principal else 0]


_GIVE_FIELDS = (("to", 64), ("head13", 104))
_A_FIELDS: dict[int, tuple[tuple[str, int], ...]] = {
    Kind.GIVE: _GIVE_FIELDS,
    Kind.REDIRECT: (*_GIVE_FIELDS, ("give_seq", 40)),
    Kind.WITHDRAW: (("give_seq", 40),),
    Kind.MERGE: (("into_serial", 32),),
    Kind.SPLIT: (("into_serial", 32), ("grams", 48), ("stream", 8)),
    Kind.CLOSE: (("fate", 8),),
    Kind.TRANSFORM: (("into_serial", 32), ("outputs", 8), ("grams", 48), ("loss", 48), ("is_gain", 8)),
    Kind.TAKE: (("giver", 64), ("give_seq", 40), ("grams", 48), ("stream", 8), ("into_serial", 32)),
    Kind.REFUSE: (("giver", 64), ("give_seq", 40)),
}
_B_FIELDS = (("head13", 104), ("principal", 64), ("mandate_seq", 40), ("occurred_at", 40))


def _pack_a(step: Step) -> int:
    return _packed(step, (("kind", 8), ("seq", 40), *_A_FIELDS[step.kind]))


def _pack_b(step: Step) -> int:
    return _packed(step, _B_FIELDS) if step.kind in (Kind.TAKE, Kind.REFUSE) else 0


def _packed(step: Step, fields: Iterable[tuple[str, int]]) -> int:
    """Return the fields side by side from the highest bit down."""
    word, shift = 0, 256
    for name, bits in fields:
        value = getattr(step, name)
        number = int.from_bytes(value, "big") if isinstance(value, bytes) else int(value)
        assert number >> bits == 0, (name, number)
        shift -= bits
        word |= number << shift
    return word


def word_text(word: int) -> str:
    """Return 64 hex digits."""
    return f"{word:064x}"


def total_json(grams: int) -> int | str:
    """A total beyond 2^53 is decimal text, because that is where JavaScript's numbers end."""
    return grams if grams < 1 << 53 else str(grams)


def dump(state: State) -> dict[str, Any]:
    """Return everything that a state keeps as plain JSON values; ids and heads in hex, numbers as they are.

    A desk on which nothing lies, and a total of nothing, is left out: whether it was ever written means nothing.
    """
    return {
        "devices": {
            device_text(k): [
                *(f"{d.key_hash:040x}", d.next_seq, d.not_after, d.role, int(d.flags), d.epoch),
                d.head.hex(),
            ]
            for k, d in state.devices.items()
        },
        "pins": {device_text(k): [p.seq, p.head27.hex()] for k, p in state.pins.items()},
        "seen": {device_text(k): list(s) for k, s in state.seen.items()},
        "gaps": {device_text(k): [g.to_seq, g.opens_at, g.head.hex()] for k, g in state.gaps.items()},
        "origins": {device_text(k): f"{o.digest:016x}" for k, o in state.origins.items()},
        "moves": {device_text(k): f"{m.ledger:040x}" for k, m in state.moves.items()},
        "desks": {
            device_text(k): [d.lot_serial, d.open_deferrals, d.last_ticket]
            for k, d in state.desks.items()
            if any(d)
        },
        "lots": {
            lot_text(k): [
                *(device_text(lot.holder), lot.grams, lot.lifts, lot.stream, int(lot.status), lot.pendings),
                *(lot.last_seq, int(lot.shut), lot.mixture),
            ]
            for k, lot in state.lots.items()
        },
        "gives": {
            lot_text(k): [device_text(g.to), g.seq, g.grams, g.head13.hex()] for k, g in state.gives.items()
        },
        "queues": {
            f"{lot_text(lot)}:{device_text(device)}": [[word_text(word) for word in pack_step(s)] for s in queue]
            for (lot, device), queue in state.queues.items()
        },
        "expected": {
            f"{device_text(giver)}:{seq}:{organisation_text(organisation)}:{lot_text(lot)}": device_text(e.device)
            for (giver, seq, organisation, lot), e in state.expected.items()
        },
        "mandates": {
            f"{device_text(device)}:{seq}": [
                *(device_text(m.to), m.left, m.until, m.depth, m.streams, int(m.is_revoked)),
                *(device_text(m.site), device_text(m.parent), m.parent_seq),
            ]
            for (device, seq), m in state.mandates.items()
        },
        "releases": sorted(
            f"{device_text(device)}:{seq}:{head17:034x}:{organisation_text(organisation)}"
            for device, seq, head17, organisation in state.releases
        ),
        "totals": {str(k): [total_json(grams) for grams in t] for k, t in state.totals.items() if any(t)},
        "day_totals": {
            f"{organisation_text(organisation)}:{day}:{stream}": [total_json(grams) for grams in t]
            for (organisation, day, stream), t in state.day_totals.items()
            if any(t)
        },
        "attested": sorted(k.hex() for k in state.attested),
    }


def state_differences(ones: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each place where the dumps of some ledgers are not the same."""
    pairs = enumerate(zip(ones, others, strict=True))
    return [line for place, (one, other) in pairs for line in differences(one, other, at=f"ledger {place}: ")]


def differences(one: Mapping[str, Any], other: Mapping[str, Any], *, at: str = "") -> list[str]:
    """Return a line for each place where two dumps, or two answers, are not the same."""
    found: list[str] = []
    for key in sorted({*one, *other}):
        place, left, right = f"{at}{key}", one.get(key), other.get(key)
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            found += differences(left, right, at=f"{place}.")
        elif left != right:
            found.append(f"{place}: {left!r} / {right!r}")
    return found
