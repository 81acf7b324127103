"""What the contracts tell in their logs, as values."""

from dataclasses import dataclass

from backend.domain.devices import Witness
from backend.domain.journal import Segment
from backend.domain.types import Refusal


@dataclass(frozen=True, slots=True)
class PlacedBin:
    """A bin that stands on a site from a time on."""

    number: int
    serial_digest: bytes
    stream: int
    from_at: int


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """Where a log is: enough to find it again, and to notice that it has gone."""

    block_number: int
    block_hash: bytes
    tx_hash: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class SegmentRecorded(LedgerEvent):
    """A segment as the ledger recorded it, with one outcome byte an entry."""

    segment: Segment
    head: bytes
    outcomes: bytes


@dataclass(frozen=True, slots=True)
class SegmentRefused(LedgerEvent):
    """A segment of which the ledger stored nothing."""

    device: int
    first_seq: int
    reason: Refusal


@dataclass(frozen=True, slots=True)
class Settled(LedgerEvent):
    """An entry that had waited got its last outcome (a byte with its flaw)."""

    device: int
    seq: int
    lot: int
    outcome: int


@dataclass(frozen=True, slots=True)
class Witnessed(LedgerEvent):
    """Somebody showed a sealed entry of a journal that is not recorded that far."""

    witness: Witness


@dataclass(frozen=True, slots=True)
class Forked(LedgerEvent):
    """A device was shown to have sealed two heads for one seq."""

    device: int
    seq: int
    head: bytes


@dataclass(frozen=True, slots=True)
class GapClosed(LedgerEvent):
    """A journal went on after entries that it has lost."""

    device: int
    from_seq: int
    to_seq: int


@dataclass(frozen=True, slots=True)
class Transcribed(LedgerEvent):
    """A registrar's transcription had effect, with one outcome byte an entry."""

    device: int
    first_seq: int
    outcomes: bytes


@dataclass(frozen=True, slots=True)
class OrganisationCreated(LedgerEvent):
    """The city created an organisation and named its root registrar."""

    organisation: int
    name_digest: bytes
    registrar: int
    key_hash: int


@dataclass(frozen=True, slots=True)
class RegistrarProposed(LedgerEvent):
    """A root registrar is to be replaced."""

    organisation: int
    registrar: int
    key_hash: int
    effective_at: int


@dataclass(frozen=True, slots=True)
class RegistrarReplaced(LedgerEvent):
    """A root registrar was replaced, and a new epoch began."""

    organisation: int
    registrar: int
    key_hash: int
    epoch: int


@dataclass(frozen=True, slots=True)
class RegistrarProposalCancelled(LedgerEvent):
    """An auditor stopped the announcement of another root registrar."""

    organisation: int
    registrar: int


@dataclass(frozen=True, slots=True)
class OrganisationSuspended(LedgerEvent):
    """An organisation's registrars were stopped."""

    organisation: int


@dataclass(frozen=True, slots=True)
class OrganisationResumed(LedgerEvent):
    """A suspended organisation's registrars may act again."""

    organisation: int


@dataclass(frozen=True, slots=True)
class RegulatorSet(LedgerEvent):
    """An organisation became a regulator, or is none any more."""

    organisation: int
    is_regulator: bool


@dataclass(frozen=True, slots=True)
class SiteOpened(LedgerEvent):
    """A site was opened, or described anew."""

    site: int
    site_kind: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class BinsPlaced(LedgerEvent):
    """Bins were placed on a site; `head` is the site's rolling head after them."""

    site: int
    bins: tuple[PlacedBin, ...]
    head: bytes


@dataclass(frozen=True, slots=True)
class LedgerAdded(LedgerEvent):
    """A ledger will be in force from a time on."""

    version: int
    ledger: str
    active_from: int
