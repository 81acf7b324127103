"""What pages and programs are shown: plain values, ids as hex text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Name:
    """A name in Chinese and in English."""

    zh: str
    en: str


@dataclass(frozen=True)
class OrganisationView:
    """An organisation as people know it."""

    organisation: str
    name: Name
    part: str


@dataclass(frozen=True)
class SiteView:
    """A site as people know it."""

    site: str
    kind: int
    organisation: str
    name: Name
    parent: str | None
    lat: float | None
    lng: float | None
    facts: str


@dataclass(frozen=True)
class EntryView:
    """One entry: what it says, and how far it got.

    `blocks_to_final` is how many more blocks must become final until its own is: 0 where it is.
    """

    device: str
    seq: int
    kind: int
    kind_name: str
    fields: Mapping[str, int]
    organisation: OrganisationView
    occurred_at: int
    received_at: int | None
    recorded_at: int | None
    state: str
    outcome: int | None
    flaw: int
    tx_hash: str | None
    block_number: int | None
    block_hash: str | None
    blocks_to_final: int | None
    segment_first_seq: int
    segment_last_seq: int


@dataclass(frozen=True)
class LiftView:
    """One bin emptied, with the lot it went into."""

    entry: EntryView
    bin: str
    lot: str | None
    stream: int
    grade: int
    basis: int
    grams: int
    flags: tuple[str, ...]


@dataclass(frozen=True)
class MandateView:
    """What a principal lets others take: `left` in grams, `until` in Unix seconds, bit 1 << stream for each."""

    principal: str
    seq: int
    to: str
    left: int
    until: int
    depth: int
    streams: int
    site: str
    is_revoked: bool
    parent: str
    parent_seq: int


@dataclass(frozen=True)
class LotView:
    """A lot as it stands now. `mixture` has bit 1 << stream for each other stream in it."""

    lot: str
    stream: int
    status: int
    holder: str
    holder_organisation: OrganisationView
    grams: int
    lifts: int
    given_to_organisation: OrganisationView | None
    mixture: int


@dataclass(frozen=True)
class JourneyStep:
    """One step of a lot's journey. Standing for all lifts of a lot, `lifts` is how many, the last at `to_seq`."""

    entry: EntryView
    lot: str
    into_lot: str | None
    grams: int | None
    counterpart: OrganisationView | None
    lifts: int | None = None
    to_seq: int | None = None


@dataclass(frozen=True)
class Journey:
    """A lot with all it came from and all it became, oldest step first."""

    lot: LotView
    came_from: tuple[str, ...]
    became: tuple[str, ...]
    steps: tuple[JourneyStep, ...]
    ends: tuple[JourneyStep, ...]


@dataclass(frozen=True)
class BinView:
    """A bin, where it stands, and what was lifted from it."""

    number: str
    serial_digest: str
    stream: int
    site: SiteView | None
    point: Name | None
    placed_from: int
    is_on_chain: bool


@dataclass(frozen=True)
class BinTrace:
    """A bin's lifts, newest first, each with the places its lot has been through."""

    bin: BinView
    lifts: tuple[LiftView, ...]
    journeys: Mapping[str, Journey]


@dataclass(frozen=True)
class IncomingLot:
    """A lot on its way to an organisation. `mixture` has bit 1 << stream for each other stream in it."""

    lot: str
    stream: int
    grams: int
    lifts: int
    giver: str
    give_seq: int
    give_head: str
    given_at: int
    giver_organisation: OrganisationView
    mixture: int


@dataclass(frozen=True)
class StreamTotals:
    """Grams of one stream: lifted + gained = held + out + lost."""

    stream: int
    lifted: int
    gained: int
    held: int
    out: int
    lost: int


@dataclass(frozen=True)
class StreetRow:
    """A bin in its street, with its newest lift."""

    bin: BinView
    point_code: str
    lifts: int
    last_lift: LiftView | None


@dataclass(frozen=True)
class Following:
    """How far the books are, and what still waits."""

    block_number: int | None
    block_time: int | None
    queued: int
    disagreements: int
    lifts: int
    segments: int


@dataclass(frozen=True)
class DeviceView:
    """An enrolled device; the public sees its organisation and role, never who carries it."""

    device: str
    organisation: OrganisationView
    role: int
    not_after: int
    is_revoked: bool
    is_on_ledger: bool
    recorded_seq: int


@dataclass(frozen=True)
class StreetSummary:
    """A site that has bins, and how many."""

    site: SiteView
    points: int
    bins: int


@dataclass(frozen=True)
class VerificationStep:
    """One numbered check. `ok` is None when it could not be made, for want of an RPC for instance."""

    number: int
    title_zh: str
    title_en: str
    ok: bool | None
    detail: str


@dataclass(frozen=True)
class VerificationReport:
    """What a verifier says of one entry.

    `verdict` is `VALID`, `CONSISTENT, BLOCK NOT CHECKED` or begins with `INVALID`.
    """

    verdict: str
    steps: tuple[VerificationStep, ...]
