"""What the contracts say, as values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backend.domain.devices import Witness
from backend.domain.journal import Segment


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
    assertion: bytes = b""

    @property
    def segment(self) -> Segment:
        """The segment as its device sealed it."""
        return Segment(self.device, self.first_seq, self.words, self.x, self.y, self.r, self.s, self.assertion)


@dataclass(frozen=True, slots=True)
class SegmentRefused:
    """The ledger kept nothing of a segment."""

    place: LogPlace
    device: int
    first_seq: int
    reason: int


@dataclass(frozen=True, slots=True)
class StepSettled:
    """A step that had waited got its outcome (a byte with its flaw)."""

    place: LogPlace
    device: int
    seq: int
    lot: int
    outcome: int


@dataclass(frozen=True, slots=True)
class WitnessShown:
    """Somebody showed a sealed entry of a journal that is not recorded that far."""

    place: LogPlace
    witness: Witness


@dataclass(frozen=True, slots=True)
class ForkShown:
    """A device was shown to have sealed two heads for one seq."""

    place: LogPlace
    device: int
    seq: int
    head: bytes


@dataclass(frozen=True, slots=True)
class GapClosed:
    """A journal went on after entries that it has lost."""

    place: LogPlace
    device: int
    from_seq: int
    to_seq: int


@dataclass(frozen=True, slots=True)
class EntriesTranscribed:
    """What a registrar brought of another device's journal had effect: one outcome byte an entry."""

    place: LogPlace
    device: int
    first_seq: int
    outcomes: bytes


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
class RegistrarProposalCancelled:
    """An auditor stopped the announcement of another root registrar; the device's id stays used up."""

    place: LogPlace
    organisation: int
    registrar: int


@dataclass(frozen=True, slots=True)
class OrganisationSuspended:
    """The city stopped an organisation's registrars."""

    place: LogPlace
    organisation: int


@dataclass(frozen=True, slots=True)
class OrganisationResumed:
    """The city let a suspended organisation's registrars act again."""

    place: LogPlace
    organisation: int


@dataclass(frozen=True, slots=True)
class RegulatorSet:
    """The city said whether an organisation is a regulator."""

    place: LogPlace
    organisation: int
    is_regulator: bool


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
    head: bytes = b""
    """The site's rolling head after them."""


def packed_bins(bins: Iterable[PlacedBinEvent]) -> bytes:
    """Return the bytes that a placement's digest is of.

    Each bin is its number (5 bytes), its serial's digest (32), its stream (1) and from when (5).
    """
    return b"".join(
        b.number.to_bytes(5, "big")
        + b.serial_digest
        + b.stream.to_bytes(1, "big")
        + b.placed_from.to_bytes(5, "big")
        for b in bins
    )


LedgerEvent = (
    SegmentRecorded
    | SegmentRefused
    | StepSettled
    | WitnessShown
    | ForkShown
    | GapClosed
    | EntriesTranscribed
    | OrganisationCreated
    | RegistrarProposed
    | RegistrarReplaced
    | RegistrarProposalCancelled
    | OrganisationSuspended
    | OrganisationResumed
    | RegulatorSet
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
