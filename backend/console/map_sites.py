"""Stations and parks on the city's map, what they took over, and the ways on which grams went between them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from backend.console.language import Words
from backend.console.parks import ParkView
from backend.domain.extent import Position
from backend.domain.mass_balance import Row
from backend.domain.mass_flows import Place
from backend.domain.periods import date_text
from backend.domain.types import SiteKind, device_text, organisation_text
from backend.store.quarter_tallies import QUARTERS
from backend.store.reading.city import Passage
from backend.usecases.views import SiteView

_KINDS: Final = {SiteKind.TRANSFER_STATION: "station", SiteKind.PARK: "park", SiteKind.PLANT: "plant"}
_STEPS: Final = 24
_BOW: Final = 0.14


@dataclass(frozen=True)
class SitePlace:
    """A station or a park. `is_rough`: only the name of its village or town says where it is."""

    kind: str
    key: str
    name: str
    at: Position
    is_rough: bool
    href: str
    grams: int
    red: int
    quarters: Any
    facts: str

    @property
    def tone(self) -> str:
        """How it looks: red where a row of its mass balance is, else plain."""
        return "red" if self.red else "plain"


@dataclass(frozen=True)
class Flow:
    """Grams of one stream that went between two sites in a day, and the curve that shows it."""

    source: str
    target: str
    stream: int
    grams: int
    href: str
    line: Sequence[Position]


@dataclass(frozen=True)
class DayOfSites:
    """What the books say of a day: balance rows, what went where, and receipts by (organisation, site)."""

    day: int
    rows: Sequence[Row]
    passages: Sequence[Passage]
    receipts: Mapping[tuple[str, str], Any]


class Sites:
    """The sites that have a position, and which of them each place of the books belongs to."""

    def __init__(
        self,
        words: Words,
        sites: Sequence[SiteView],
        parks: Sequence[ParkView],
        books: DayOfSites,
    ) -> None:
        self._words, self._day, self._books = words, books.day, books
        self._rough = {
            device_text(park.site) if park.site is not None else f"park:{park.key}": park
            for park in parks
            if park.record is not None and park.record.park.position is not None
        }
        self._known = {site.site: site for site in sites}
        exact = {
            site.site: Position(site.lng, site.lat)
            for site in sites
            if site.lat is not None and site.lng is not None and site.kind in _KINDS
        }
        self._at = {key: _rough_position(park) for key, park in self._rough.items()} | exact
        self._exact = set(exact)
        of_organisation: dict[int, list[str]] = defaultdict(list)
        for key in self._at:
            if key in self._known:
                of_organisation[int(key, 16) >> 40].append(key)
        # What an organisation took where the chain does not say is at its site where it has one only.
        self._only = {number: keys[0] for number, keys in of_organisation.items() if len(keys) == 1}

    def key_of(self, place: Place) -> str | None:
        """Return the site on the map that a place of the books belongs to; None where it is nowhere."""
        if not place.site:
            return self._only.get(place.organisation)
        key = device_text(place.site)
        if key in self._at:
            return key
        parent = self._known[key].parent if key in self._known else None
        return parent if parent in self._at else None

    @cached_property
    def shown(self) -> list[SitePlace]:
        """All of them with their day."""
        red: dict[str | None, int] = defaultdict(int)
        grams: dict[str | None, Counter[Place]] = defaultdict(Counter)
        quarters: dict[str | None, Any] = defaultdict(lambda: np.zeros(QUARTERS, dtype=np.int64))
        for row in self._books.rows:
            red[self.key_of(row.key.place)] += row.is_red
        for passage in self._books.passages:
            key = self.key_of(passage.target)
            # What a park passes on to its own plants came in once.
            if key != self.key_of(passage.source):
                grams[key][passage.target] += passage.grams
        for (organisation, site), counts in self._books.receipts.items():
            key = self.key_of(Place(int(organisation, 16), int(site, 16)))
            quarters[key] = quarters[key] + counts
        return [self._site(key, at, grams[key], red[key], quarters[key]) for key, at in sorted(self._at.items())]

    def _site(self, key: str, at: Position, taken: Counter[Place], red: int, quarters: Any) -> SitePlace:
        park, site, day = self._rough.get(key), self._known.get(key), date_text(self._day)
        kind = "park" if site is None else _KINDS[SiteKind(site.kind)]
        name = site.name if site is not None else park.name if park is not None else None
        if park is not None:
            href = f"/parks/{park.key}?period={day}"
            facts = f"/parks/{park.key}/facts?period={day}"
        else:
            # Of the places that are shown as this site, the one with the most says most of it.
            place = max(taken, key=taken.__getitem__, default=Place(int(key, 16) >> 40, int(key, 16)))
            href, facts = f"/balance/{key}?day={day}", f"/balance/{place_key(place)}?day={day}#facts"
        return SitePlace(
            kind,
            key,
            self._words.name(name),
            at,
            key not in self._exact,
            href,
            taken.total(),
            red,
            quarters,
            facts,
        )

    def flows(self, origins: Mapping[str, tuple[str, Position]]) -> list[Flow]:
        """Return what went between two places of the map, the heaviest first.

        `origins` are streets: each with the key and the position of what it is shown as.
        """
        at = self._at | dict(origins.values())
        sums: dict[tuple[str, str, int], Counter[Place]] = defaultdict(Counter)
        for passage in self._books.passages:
            source, target = self._end(passage.source, origins), self._end(passage.target, origins)
            if source and target and source != target and passage.grams:
                sums[source, target, passage.stream][passage.target] += passage.grams
        found = []
        for (source, target, stream), grams in sorted(sums.items(), key=lambda item: -item[1].total()):
            place = max(grams, key=grams.__getitem__)
            href = f"/balance/{place_key(place)}?day={date_text(self._day)}&stream={stream}#facts"
            line = curve(at[source], at[target], bow=_BOW * (stream - 1.5) / 1.5)
            found.append(Flow(source, target, stream, grams.total(), href, line))
        return found

    def _end(self, place: Place, origins: Mapping[str, tuple[str, Position]]) -> str | None:
        shown = origins.get(device_text(place.site))
        return self.key_of(place) if shown is None else shown[0]


def place_key(place: Place) -> str:
    """Return a place's part of an address of the mass balance."""
    return device_text(place.site) if place.site else organisation_text(place.organisation)


def curve(source: Position, target: Position, *, bow: float) -> list[Position]:
    """Return a way from one to the other that bows to its side by a share of its length."""
    east, north = target.lng - source.lng, target.lat - source.lat
    middle = Position((source.lng + target.lng) / 2 - bow * north, (source.lat + target.lat) / 2 + bow * east)
    line = []
    for step in range(_STEPS + 1):
        t = step / _STEPS
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
        line.append(
            Position(
                a * source.lng + b * middle.lng + c * target.lng, a * source.lat + b * middle.lat + c * target.lat
            )
        )
    return line


def _rough_position(park: ParkView) -> Position:
    position = park.record.park.position if park.record is not None else None
    if position is None:
        raise ValueError(f"{park.key} has no position")
    return Position(position.lng, position.lat)
