"""The stories of tests/vectors/custody.json, as segments, as the fold's state, and as the chain's events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from backend.domain.custody import record_segment
from backend.domain.custody_state import Root, State
from backend.domain.devices import Witness, prove_fork, record_witness
from backend.domain.journal import Network, Segment
from backend.domain.keccak import keccak256
from backend.domain.seal import SealProof
from backend.domain.steps import settle
from backend.usecases.ledger_events import (
    EntriesTranscribed,
    Extend,
    ForkShown,
    GapClosed,
    Header,
    LedgerEvent,
    LogPlace,
    OrganisationCreated,
    RegulatorSet,
    SegmentRecorded,
    SegmentRefused,
    StepSettled,
    WitnessShown,
)

VECTORS = Path(__file__).parent / "vectors"
NETWORK = Network(31337, bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3"))
NOON = 1_772_337_600  # 2026-03-01 12:00 in Shanghai
FINALITY_DEPTH = 2


def read_vectors(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((VECTORS / name).read_text())
    return content


def segment_of(data: dict[str, Any]) -> Segment:
    return Segment(
        int(data["device"], 16),
        data["first_seq"],
        bytes.fromhex(data["words"]),
        *(int(data["key"][k], 16) for k in "xy"),
        *(int(data["seal"][k], 16) for k in "rs"),
        bytes.fromhex(data["assertion"]),
    )


def settled_of(step: dict[str, Any]) -> list[tuple[int, int, int, int]]:
    return [(int(s["device"], 16), s["seq"], int(s["lot"], 16), s["outcome"]) for s in step["settled"]]


@dataclass(frozen=True)
class Story:
    """A run of the custody rules, with the answers that all three languages must give."""

    name: str
    roots: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    final: dict[str, Any]

    def fresh_state(self) -> State:
        state = State(NETWORK)
        for root in self.roots:
            device, key = int(root["device"], 16), int(root["key_hash"], 16)
            state.roots[int(root["organisation"], 16)] = Root(
                device, key, root["epoch"], False, root["is_regulator"]
            )
            state.named_roots[device] = True
        return state


@lru_cache
def stories() -> tuple[Story, ...]:
    return tuple(
        Story(s["name"], s["roots"], s["steps"], s["final"]) for s in read_vectors("custody.json")["stories"]
    )


def story_named(name: str) -> Story:
    return next(story for story in stories() if story.name == name)


@dataclass(frozen=True)
class Blocks:
    """Blocks of a chain with their events, to be handed over in batches of any size."""

    blocks: tuple[tuple[Header, tuple[LedgerEvent, ...]], ...]

    def batches(self, size: int, *, after: int = -1) -> Iterator[Extend]:
        """Yield what a watcher would: so many blocks at a time, final when two blocks are on top."""
        new = [block for block in self.blocks if block[0].number > after]
        for start in range(0, len(new), size):
            some = new[start : start + size]
            events = tuple(event for _, listed in some for event in listed)
            final = max(some[-1][0].number - FINALITY_DEPTH, 0)
            yield Extend(tuple(header for header, _ in some), events, final)

    @property
    def events(self) -> list[LedgerEvent]:
        return [event for _, listed in self.blocks for event in listed]

    @property
    def times(self) -> dict[int, int]:
        return {header.number: header.timestamp for header, _ in self.blocks}

    @property
    def head(self) -> int:
        return self.blocks[-1][0].number


class BlockWriter:
    """Puts events into linked blocks; events of one call are one transaction."""

    def __init__(self, salt: bytes = b"", *, first: int = 1, parent: bytes = bytes(32)) -> None:
        self._salt, self._number = salt, first - 1
        self._parent = parent
        self.blocks: list[tuple[Header, tuple[LedgerEvent, ...]]] = []

    def block(self, time: int, *transactions: list[Any]) -> None:
        """Add a block. A transaction is a list of functions from a place to an event."""
        self._number += 1
        block_hash = keccak256(self._salt + self._number.to_bytes(8, "big"))
        events: list[LedgerEvent] = []
        for index, transaction in enumerate(transactions):
            tx_hash = keccak256(block_hash + bytes([index]))
            for make in transaction:
                events.append(make(LogPlace(self._number, block_hash, tx_hash, len(events))))
        self.blocks.append((Header(self._number, block_hash, self._parent, time), tuple(events)))
        self._parent = block_hash

    def done(self) -> Blocks:
        return Blocks(tuple(self.blocks))


def recorded(segment: Segment, head: bytes, outcomes: bytes) -> Any:
    s = segment
    return lambda place: SegmentRecorded(
        place, s.device, s.first_seq, head, s.x, s.y, s.r, s.s, s.words, outcomes, s.assertion
    )


def settled(device: int, seq: int, lot: int, outcome: int) -> Any:
    return lambda place: StepSettled(place, device, seq, lot, outcome)


def gap_closed(device: int, from_seq: int, to_seq: int) -> Any:
    return lambda place: GapClosed(place, device, from_seq, to_seq)


def transcribed(device: int, first_seq: int, outcomes: bytes) -> Any:
    return lambda place: EntriesTranscribed(place, device, first_seq, outcomes)


def created(root: dict[str, Any]) -> Any:
    organisation, device = int(root["organisation"], 16), int(root["device"], 16)
    return lambda place: OrganisationCreated(place, organisation, device, int(root["key_hash"], 16))


def regulator(root: dict[str, Any]) -> Any:
    return lambda place: RegulatorSet(place, int(root["organisation"], 16), True)


def shown(witness: Witness) -> Any:
    return lambda place: WitnessShown(place, witness)


def forked(device: int, seq: int) -> Any:
    return lambda place: ForkShown(place, device, seq, bytes(32))


def witness_of(step: dict[str, Any]) -> Witness:
    w = step["witness"]
    numbers = (int(w["key"]["x"], 16), int(w["key"]["y"], 16), int(w["seal"]["r"], 16), int(w["seal"]["s"], 16))
    before, words = bytes.fromhex(w["before"]), bytes.fromhex(w["words"])
    return Witness(int(w["device"], 16), w["seq"], before, words, *numbers)


def heads_of(step: dict[str, Any]) -> list[SealProof]:
    """The two heads that a step shows to be sealed for one seq."""
    x, y = (int(step["key"][k], 16) for k in "xy")
    return [
        SealProof(step["seq"], bytes.fromhex(h["head"]), x, y, int(h["r"], 16), int(h["s"], 16))
        for h in step["heads"]
    ]


def refused(device: int, seq: int, reason: int) -> Any:
    return lambda place: SegmentRefused(place, device, seq, reason)


def blocks_of(story: Story, *, salt: bytes = b"") -> Blocks:
    """Return the story as the chain tells it: organisations first, then a block a step."""
    writer = BlockWriter(salt)
    writer.block(NOON - 100, [created(root) for root in story.roots])
    writer.block(NOON - 90, [regulator(root) for root in story.roots if root["is_regulator"]])
    for step in story.steps:
        writer.block(step["block_time"], _transaction(step))
    return writer.done()


def _transaction(step: dict[str, Any]) -> list[Any]:
    if "settle" in step:
        return [settled(*s) for s in settled_of(step)]
    if "prove_fork" in step:
        return [forked(int(step["prove_fork"], 16), step["seq"])] if step["is_shown"] else []
    if "witness" in step:
        witness = witness_of(step)
        if "refused" not in step:
            return [shown(witness)]
        return _refusal(witness.device, witness.seq, step)
    segment = segment_of(step["record"])
    if "refused" in step:
        return _refusal(segment.device, segment.first_seq, step)
    told = recorded(segment, bytes.fromhex(step["head"]), bytes.fromhex(step["outcomes"]))
    # The contract tells what a segment did besides before it tells of the segment.
    gaps = [] if step["closed_gap"] is None else [gap_closed(segment.device, *step["closed_gap"])]
    brought = [transcribed(int(d, 16), seq, bytes.fromhex(o)) for d, seq, o in step["transcribed"]]
    return [*gaps, *brought, *(settled(*s) for s in settled_of(step)), told]


def _refusal(device: int, seq: int, step: dict[str, Any]) -> list[Any]:
    marks = [] if step["forked_at"] is None else [forked(device, step["forked_at"])]
    return [*marks, refused(device, seq, step["refused"])]


def replay(state: State, step: dict[str, Any]) -> Any:
    """Do to a state what a step tells, and return the answer."""
    if "settle" in step:
        lot, device = int(step["settle"], 16), int(step["device"], 16)
        return settle(state, lot, device, block_time=step["block_time"], max_steps=step["max_steps"])
    if "witness" in step:
        return record_witness(state, witness_of(step))
    if "prove_fork" in step:
        return prove_fork(state, int(step["prove_fork"], 16), *heads_of(step))
    return record_segment(state, segment_of(step["record"]), block_time=step["block_time"])
