"""A day's open data, from the ledger's events alone; and what of a day was not heard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backend.domain.open_data import DayTable, open_lot_after
from backend.domain.set_facts import date_of
from backend.usecases.ledger_events import LedgerEvent, SegmentRecorded
from backend.usecases.prove_set import times_of
from backend.usecases.views import Name, OrganisationView


class DayReader:
    """Adds up the table of one day; give it the events in order, from the first block on."""

    def __init__(self, date: str) -> None:
        self.table = DayTable()
        self.from_at, self.to_at = times_of(date)
        if date_of(self.from_at) != date:
            raise ValueError(f"{date} is not written as a day is, YYYY-MM-DD")
        self._open_lots: dict[int, int | None] = {}

    def take(self, events: Iterable[LedgerEvent], block_times: Mapping[int, int]) -> None:
        """Read more events; those of other days only say into which lot a device was lifting."""
        for event in events:
            if not isinstance(event, SegmentRecorded):
                continue
            lot = self._open_lots.get(event.device)
            if self.from_at <= block_times[event.place.block_number] < self.to_at:
                self.table.add(event.device, event.words, event.outcomes, lot)
            self._open_lots[event.device] = open_lot_after(lot, event.words, event.outcomes)


@dataclass(frozen=True)
class OrganisationCoverage:
    """How many of an organisation's devices recorded something in a day; never which."""

    organisation: OrganisationView
    devices: int
    reported: int

    @property
    def silent(self) -> int:
        """How many recorded nothing."""
        return self.devices - self.reported


@dataclass(frozen=True)
class SiteCoverage:
    """How many of the bins and collection points of a site had a lift recorded in a day."""

    site: str
    name: Name | None
    bins: int
    bins_lifted: int
    points: int
    points_lifted: int


@dataclass(frozen=True)
class Coverage:
    """What of the city a day's data speaks of, and what it is silent about."""

    sites: tuple[SiteCoverage, ...]
    organisations: tuple[OrganisationCoverage, ...]
    bins_unknown: int
    """Bins that were lifted and that no placement on the chain names."""

    @property
    def bins(self) -> tuple[int, int]:
        """(lifted, placed)"""
        return sum(site.bins_lifted for site in self.sites), sum(site.bins for site in self.sites)

    @property
    def points(self) -> tuple[int, int]:
        """(with a lift, all)"""
        return sum(site.points_lifted for site in self.sites), sum(site.points for site in self.sites)

    @property
    def devices(self) -> tuple[int, int]:
        """(reported, enrolled)"""
        return sum(o.reported for o in self.organisations), sum(o.devices for o in self.organisations)


@dataclass(frozen=True)
class DayAnchor:
    """A digest of a day's CSV that an organisation sealed, and that the ledger holds."""

    organisation: OrganisationView
    digest: str
    recorded_at: int
    block_number: int
    tx_hash: str


@dataclass(frozen=True)
class DayFile:
    """One form of a day's data set."""

    name: str
    media_type: str
    content: bytes
    sha256: str


@dataclass(frozen=True)
class DayData:
    """A day's data set. It is final when a block of a later day is, and can then never change."""

    date: str
    from_at: int
    to_at: int
    is_final: bool
    rows: int
    lifts: int
    grams: int
    transcribed: int
    bins: frozenset[str]
    csv: DayFile
    json: DayFile
    parquet: DayFile

    @property
    def files(self) -> tuple[DayFile, ...]:
        """The data set in each of its forms: the CSV is what anchors bind."""
        return self.csv, self.json, self.parquet


@dataclass(frozen=True)
class DayLine:
    """A day on which something was recorded."""

    date: str
    segments: int
    is_final: bool


@dataclass(frozen=True)
class OpenDataDay:
    """All that there is of a day: its files, what they are silent about, and who put a digest on the ledger."""

    data: DayData
    coverage: Coverage
    anchors: tuple[DayAnchor, ...]
