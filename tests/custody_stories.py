"""The stories of tests/vectors/custody.json, as segments, as the fold's state, and as the chain's events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from backend.domain.custody_state import Root, State
from backend.domain.journal import Network, Segment
from backend.domain.keccak import keccak256
from backend.usecases.ledger_events import (
    Extend,
    Header,
    LedgerEvent,
    LogPlace,
    OrganisationCreated,
    SegmentRecorded,
    SegmentRefused,
    StepSettled,
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
            state.roots[int(root["organisation"], 16)] = Root(device, key, root["epoch"])
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

    def __init__(self, salt: bytes = b"", *, first: int = 1) -> None:
        self._salt, self._number = salt, first - 1
        self._parent = bytes(32)
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
    return lambda place: SegmentRecorded(place, s.device, s.first_seq, head, s.x, s.y, s.r, s.s, s.words, outcomes)


def settled(device: int, seq: int, lot: int, outcome: int) -> Any:
    return lambda place: StepSettled(place, device, seq, lot, outcome)


def created(root: dict[str, Any]) -> Any:
    organisation, device = int(root["organisation"], 16), int(root["device"], 16)
    return lambda place: OrganisationCreated(place, organisation, device, int(root["key_hash"], 16))


def refused(segment: Segment, reason: int) -> Any:
    return lambda place: SegmentRefused(place, segment.device, segment.first_seq, reason)


def blocks_of(story: Story, *, salt: bytes = b"") -> Blocks:
    """Return the story as the chain tells it: organisations first, then a block a step."""
    writer = BlockWriter(salt)
    writer.block(NOON - 100, [created(root) for root in story.roots])
    writer.block(NOON - 90)
    for step in story.steps:
        writer.block(step["block_time"], _transaction(step))
    return writer.done()


def _transaction(step: dict[str, Any]) -> list[Any]:
    if "settle" in step:
        return [settled(*s) for s in settled_of(step)]
    segment = segment_of(step["record"])
    if "refused" in step:
        return [refused(segment, step["refused"])]
    told = recorded(segment, bytes.fromhex(step["head"]), bytes.fromhex(step["outcomes"]))
    # The contract tells what a segment set free before it tells of the segment.
    return [*(settled(*s) for s in settled_of(step)), told]
