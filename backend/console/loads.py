"""What the parks took in, held against what their plants can take by design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.console.parks import ParkView
from backend.domain.periods import Period
from backend.store.reading.parks import ParkReader

_TONNE_GRAMS = 1_000_000


@dataclass(frozen=True)
class Load:
    """A park's receipts of some days; `capacity_grams` of as many days, None where no source names any."""

    park: ParkView
    grams: int
    capacity_grams: int | None
    period: str

    @property
    def share(self) -> float | None:
        """What part of its capacity that is."""
        return None if not self.capacity_grams else self.grams / self.capacity_grams

    @property
    def facts(self) -> str:
        """Where the receipts are listed."""
        return f"/parks/{self.park.key}/facts?period={self.period}"

    @property
    def source(self) -> str:
        """Where the source of the capacity is told."""
        return f"/parks/{self.park.key}?period={self.period}#sources"


def loads_of(reader: ParkReader, parks: Sequence[ParkView], period: Period, *, newest_day: int) -> list[Load]:
    """Return the load of each park that has a site; days of a month that are yet to come count for nothing."""
    days = max(1, min(period.last_day, newest_day) - period.first_day + 1)
    loads = []
    for park in parks:
        if park.site is None:
            continue
        grams = sum(line.grams for line in reader.inward(reader.places_of(park.site), period))
        capacity = None if park.record is None else park.record.park.capacity
        most = None if capacity is None else capacity.tonnes_per_day * _TONNE_GRAMS * days
        loads.append(Load(park, grams, most, period.text))
    return loads
