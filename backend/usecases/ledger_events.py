"""What the contracts say, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Header:
    """A block of the chain."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where on the chain an event stands."""

    block_number: int
    block_hash: bytes
    tx_hash: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class SegmentRecorded:
    """The ledger kept a segment: one outcome byte an entry."""

    place: LogPlace
    device: int
    first_seq: int
    head: bytes
    x: int
    y: int
    r: int
    s: int
    words: bytes
    outcomes: bytes


@dataclass(frozen=True, slots=True)
class SegmentRefused:
    """The ledger kept nothing of a segment."""

    place: LogPlace
    device: int
    first_seq: int
    reason: int


@dataclass(frozen=True, slots=True)
class StepSettled:
    """A step that had waited got its outcome."""

    place: LogPlace
    device: int
    seq: int
    lot: int
    outcome: int


@dataclass(frozen=True, slots=True)
class OrganisationCreated:
    """The city created an organisation with its root registrar."""

    place: LogPlace
    organisation: int
    registrar: int
    key_hash: int


@dataclass(frozen=True, slots=True)
class RegistrarProposed:
    """The city announced another root registrar; it takes effect 72 hours later."""

    place: LogPlace
    organisation: int
    registrar: int
    key_hash: int


@dataclass(frozen=True, slots=True)
class RegistrarReplaced:
    """An announced root registrar took office; a new epoch began."""

    place: LogPlace
    organisation: int
    registrar: int
    key_hash: int
    epoch: int


@dataclass(frozen=True, slots=True)
class SiteOpened:
    """A site that its organisation's registrar attested."""

    place: LogPlace
    site: int
    site_kind: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class PlacedBinEvent:
    """One bin of a placement."""

    number: int
    serial_digest: bytes
    stream: int
    placed_from: int


@dataclass(frozen=True, slots=True)
class BinsPlaced:
    """Bins that a site's registrar attested."""

    place: LogPlace
    site: int
    bins: tuple[PlacedBinEvent, ...]


LedgerEvent = (
    SegmentRecorded
    | SegmentRefused
    | StepSettled
    | OrganisationCreated
    | RegistrarProposed
    | RegistrarReplaced
    | SiteOpened
    | BinsPlaced
)


@dataclass(frozen=True)
class Extend:
    """New blocks on top of what is known, and all events in them, in order."""

    headers: tuple[Header, ...]
    events: tuple[LedgerEvent, ...]
    finalized_number: int


@dataclass(frozen=True)
class Reorg:
    """The chain replaced blocks after this one."""

    ancestor: int
