"""What the custody rules read and write: lots, journals' ends, and steps that wait.

Each is a packed slot in the contract. Source: docs/spec/entries.md, "Custody rules".
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import NamedTuple

from backend.domain.journal import Network
from backend.domain.types import Outcome, Refusal


class LotStatus(IntEnum):
    """Where a lot is in its life; 0, no such lot, is not kept.

    Leaving: its holder has steps on it that wait. Promised: it is to come out of a step that waits.
    """

    HELD = 1
    GIVEN = 2
    MERGED = 3
    CLOSED = 4
    LEAVING = 5
    PROMISED = 6


class DeviceFlag(IntFlag):
    """What else the ledger knows of a device.

    Pinned: a witness has shown a head that the journal has yet to reach. Announced: a gap is to be closed.
    """

    REVOKED = 1
    FORKED = 2
    PASSKEY = 4
    PINNED = 8
    MOVED = 16
    ANNOUNCED = 32


class Root(NamedTuple):
    """An organisation's root registrar, as ActorRegistry names it, and the organisation's standing."""

    device: int
    key_hash: int
    epoch: int
    is_suspended: bool = False
    is_regulator: bool = False


class Device(NamedTuple):
    """What the ledger knows of a device; `next_seq` counts from 1."""

    key_hash: int
    next_seq: int
    not_after: int
    role: int
    flags: int
    epoch: int
    head: bytes

    @property
    def is_revoked(self) -> bool:
        """A registrar has revoked it."""
        return bool(self.flags & DeviceFlag.REVOKED)

    def with_flag(self, flag: DeviceFlag) -> Device:
        """Return the device with a flag set."""
        return self._replace(flags=self.flags | flag)

    def without_flag(self, flag: DeviceFlag) -> Device:
        """Return the device with a flag cleared."""
        return self._replace(flags=self.flags & ~flag)


class Pin(NamedTuple):
    """A head that the device has sealed further on than its journal is recorded, cut to 27 bytes."""

    seq: int
    head27: bytes


class Seen(NamedTuple):
    """The last seq of a device under review that still counts, and the last that a registrar has brought.

    What is handed in counts up to `seq`, what is brought only beyond both: so no entry counts twice.
    """

    seq: int
    brought: int = 0


class Gap(NamedTuple):
    """An announced gap: from `opens_at` on the journal may go on after `to_seq` with this head."""

    to_seq: int
    opens_at: int
    head: bytes


class Origin(NamedTuple):
    """The first 8 bytes of keccak256 of the web origin that a passkey belongs to."""

    digest: int


class Moved(NamedTuple):
    """The ledger in which a closed journal goes on."""

    ledger: int


class Desk(NamedTuple):
    """A device's working place.

    The serial of its current lot (0: none), how many of its steps wait, and a scale's last ticket.
    """

    lot_serial: int = 0
    open_deferrals: int = 0
    last_ticket: int = 0


class Lot(NamedTuple):
    """A load of one stream in one holder's hands.

    `shut`: it takes no more loads, lifts and merges. `mixture`: bit 1 << stream for each other stream in it.
    """

    holder: int
    grams: int
    lifts: int
    stream: int
    status: int
    pendings: int
    last_seq: int
    shut: bool
    mixture: int = 0

    def is_held_by(self, device: int) -> bool:
        """In this device's hands and free to leave them."""
        return self.holder == device and self.status == LotStatus.HELD

    def is_given_by(self, device: int) -> bool:
        """Offered by this device, and not taken yet."""
        return self.holder == device and self.status == LotStatus.GIVEN

    def is_open_to(self, device: int) -> bool:
        """Held, and nothing but loading was ever done with it."""
        return self.is_held_by(device) and not self.shut


class Give(NamedTuple):
    """The offer under which a given lot travels; `head13` is the giver's head after it, cut to 13 bytes."""

    to: int
    seq: int
    grams: int
    head13: bytes


class Step(NamedTuple):
    """An entry that does something to a lot, as it is kept while it waits. Unused fields are zero."""

    kind: int
    seq: int
    to: int = 0
    head13: bytes = bytes(13)
    give_seq: int = 0
    giver: int = 0
    grams: int = 0
    stream: int = 0
    into_serial: int = 0
    outputs: int = 0
    loss: int = 0
    is_gain: bool = False
    fate: int = 0
    principal: int = 0
    mandate_seq: int = 0
    site: int = 0
    occurred_at: int = 0


class Expected(NamedTuple):
    """Whose take or refusal waits for a give."""

    device: int


class Mandate(NamedTuple):
    """What a principal lets another device or organisation take for it; `left` is in grams."""

    to: int
    left: int
    until: int
    depth: int
    streams: int
    is_revoked: bool
    site: int
    parent: int
    parent_seq: int


class Totals(NamedTuple):
    """Grams that entered and left custody."""

    lifted: int = 0
    gained: int = 0
    out: int = 0
    lost: int = 0


GiveKey = tuple[int, int, int, int]
"""(giver, give_seq, organisation of the receiver, lot)"""
QueueKey = tuple[int, int]
"""(lot, device)"""
Queue = tuple[Step, ...]


@dataclass
class State:
    """Everything the rules read and write. The maps may be backed by a database."""

    network: Network
    roots: MutableMapping[int, Root] = field(default_factory=dict)
    named_roots: MutableMapping[int, bool] = field(default_factory=dict)
    devices: MutableMapping[int, Device] = field(default_factory=dict)
    pins: MutableMapping[int, Pin] = field(default_factory=dict)
    seen: MutableMapping[int, Seen] = field(default_factory=dict)
    gaps: MutableMapping[int, Gap] = field(default_factory=dict)
    origins: MutableMapping[int, Origin] = field(default_factory=dict)
    moves: MutableMapping[int, Moved] = field(default_factory=dict)
    desks: MutableMapping[int, Desk] = field(default_factory=dict)
    lots: MutableMapping[int, Lot] = field(default_factory=dict)
    gives: MutableMapping[int, Give] = field(default_factory=dict)
    queues: MutableMapping[QueueKey, Queue] = field(default_factory=dict)
    expected: MutableMapping[GiveKey, Expected] = field(default_factory=dict)
    mandates: MutableMapping[tuple[int, int], Mandate] = field(default_factory=dict)
    releases: MutableMapping[tuple[int, int, int, int], bool] = field(default_factory=dict)
    totals: MutableMapping[int, Totals] = field(default_factory=dict)
    day_totals: MutableMapping[tuple[int, int, int], Totals] = field(default_factory=dict)
    attested: MutableMapping[bytes, bool] = field(default_factory=dict)
    predecessor: State | None = None
    """The ledger before this one, from which journals and lots move here."""


class Answer(NamedTuple):
    """What the ledger says of one entry: an outcome, and what is wrong with it, if it says."""

    outcome: Outcome
    flaw: int = 0

    @property
    def byte(self) -> int:
        """The outcome in the low four bits, the flaw in the high four."""
        return self.outcome | self.flaw << 4


class Settled(NamedTuple):
    """A step that had waited got its outcome (a byte with its flaw)."""

    device: int
    seq: int
    lot: int
    outcome: int


class Transcription(NamedTuple):
    """Entries that a registrar recorded for another device, and what they did, one byte each."""

    device: int
    first_seq: int
    outcomes: bytes


@dataclass(frozen=True)
class Recorded:
    """A segment that the ledger keeps: one outcome byte an entry, and the steps it set free."""

    outcomes: bytes
    head: bytes
    settled: tuple[Settled, ...]
    transcribed: tuple[Transcription, ...] = ()
    closed_gap: tuple[int, int] | None = None


@dataclass(frozen=True)
class Refused:
    """A segment or a witness of which nothing is kept; `forked_at`: the seq at which it shows a fork."""

    reason: Refusal
    forked_at: int | None = None
