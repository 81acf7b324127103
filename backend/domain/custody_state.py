"""What the custody rules read and write: lots, journals' ends, and steps that wait.

Each is a packed slot in the contract. Source: docs/spec/entries.md, "Custody rules".
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from backend.domain.journal import Network
from backend.domain.types import Outcome, Refusal


class LotStatus(IntEnum):
    """Where a lot is in its life; 0, no such lot, is not kept.

    Leaving: its holder has given, merged or closed it, and that step waits for merges into the lot.
    """

    HELD = 1
    GIVEN = 2
    MERGED = 3
    CLOSED = 4
    LEAVING = 5


class Root(NamedTuple):
    """An organisation's root registrar, as ActorRegistry names it."""

    device: int
    key_hash: int
    epoch: int


class Device(NamedTuple):
    """What the ledger knows of a device; `next_seq` counts from 1."""

    key_hash: int
    next_seq: int
    not_after: int
    role: int
    is_revoked: bool
    epoch: int
    head: bytes


class Desk(NamedTuple):
    """A device's working place: the serial of its current lot (0: none) and how many of its steps wait."""

    lot_serial: int = 0
    open_deferrals: int = 0


class Lot(NamedTuple):
    """A load of one stream in one holder's hands."""

    holder: int
    grams: int
    lifts: int
    stream: int
    status: int
    pendings: int
    last_seq: int
    taken: bool

    def is_held_by(self, device: int) -> bool:
        """In this device's hands and free to leave them."""
        return self.holder == device and self.status == LotStatus.HELD

    def is_open_to(self, device: int) -> bool:
        """Held, and custody never passed: only such a lot takes loads, lifts and merges."""
        return self.is_held_by(device) and not self.taken


class Give(NamedTuple):
    """The offer under which a given lot travels; `head13` is the giver's head after it, cut to 13 bytes."""

    to: int
    seq: int
    grams: int
    head13: bytes


class WaitingTake(NamedTuple):
    """A take whose give has not come yet."""

    taker: int
    seq: int
    grams: int
    head13: bytes


class WaitingStep(NamedTuple):
    """What a device wants to do with a lot that is not yet its own; kind EXPECTING: only its take waits."""

    kind: int
    seq: int = 0
    to: int = 0
    head13: bytes = b""
    into_serial: int = 0
    fate: int = 0


EXPECTING = 255


class Totals(NamedTuple):
    """Grams that entered and left custody."""

    lifted: int = 0
    gained: int = 0
    out: int = 0
    lost: int = 0


TakeKey = tuple[int, int, int, int]
"""(giver, give_seq, organisation of the taker, lot)"""
StepKey = tuple[int, int]
"""(lot, device)"""


@dataclass
class State:
    """Everything the rules read and write. The maps may be backed by a database."""

    network: Network
    roots: MutableMapping[int, Root] = field(default_factory=dict)
    named_roots: MutableMapping[int, bool] = field(default_factory=dict)
    devices: MutableMapping[int, Device] = field(default_factory=dict)
    desks: MutableMapping[int, Desk] = field(default_factory=dict)
    lots: MutableMapping[int, Lot] = field(default_factory=dict)
    gives: MutableMapping[int, Give] = field(default_factory=dict)
    waiting_takes: MutableMapping[TakeKey, WaitingTake] = field(default_factory=dict)
    waiting_steps: MutableMapping[StepKey, WaitingStep] = field(default_factory=dict)
    totals: MutableMapping[int, Totals] = field(default_factory=dict)
    day_totals: MutableMapping[tuple[int, int, int], Totals] = field(default_factory=dict)
    attested: MutableMapping[bytes, bool] = field(default_factory=dict)


class Settled(NamedTuple):
    """A step that had waited got its outcome."""

    device: int
    seq: int
    lot: int
    outcome: Outcome


@dataclass(frozen=True)
class Recorded:
    """A segment that the ledger keeps: one outcome byte an entry, and the steps it set free."""

    outcomes: bytes
    head: bytes
    settled: tuple[Settled, ...]


@dataclass(frozen=True)
class Refused:
    """A segment of which nothing is kept."""

    reason: Refusal
