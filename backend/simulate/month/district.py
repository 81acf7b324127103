"""A district: streets with points and bins, trucks with crews, two stations, a park. Drawn from a seed.

The district is made up, and so are its places; `size.py` says where its size comes from.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from backend.simulate.month.size import BINS_A_POINT, FOOD, RECYCLABLE, RESIDUAL, Size

OFFICE, STATION, PARK = 21, 22, 23
"""Organisations: the district's office has the streets and the scale at the stations."""
CARRIERS = (31, 32, 33)
CREW_ROLE, GATE_ROLE, SCALE_ROLE = 1, 2, 3
_SITE_SERIAL = 1
"""Of a station or park; the office's sites are its streets, from 1."""
_STREET_METRES = 1600


@dataclass(frozen=True)
class Bin:
    """A bin where it stands; `metres` are (east, north) of the district's south-west corner."""

    number: int
    stream: int
    street: int
    point: int
    metres: tuple[float, float]
    mean_grams: float
    placed_day: int


@dataclass
class Truck:
    """A truck, its crew's phone, and the round that it drives."""

    device: int
    vehicle: int
    organisation: int
    street: int
    stream: int
    tare_grams: int
    has_scale: bool
    scale_step_grams: int
    clock_seconds: float
    has_own_gate: bool

    @property
    def gate_organisation(self) -> int:
        """Whose gate the truck goes to: one carrier has a station of its own."""
        return self.organisation if self.has_own_gate else STATION


@dataclass
class District:
    """All of it."""

    seed: str
    size: Size
    bins: list[Bin] = field(default_factory=list)
    trucks: list[Truck] = field(default_factory=list)
    latitude: float = 23.15
    longitude: float = 113.22

    @property
    def streets(self) -> int:
        """How many streets there are."""
        return self.size.streets

    def site(self, street: int) -> int:
        """Return the id of a street as a site of the district's office."""
        return OFFICE << 40 | (street + 1)

    def place(self, metres: tuple[float, float]) -> tuple[float, float]:
        """Return latitude and longitude in degrees."""
        latitude = self.latitude + metres[1] / 111_000
        return latitude, self.longitude + metres[0] / (111_000 * math.cos(math.radians(self.latitude)))

    def round_of(self, truck: Truck) -> list[Bin]:
        """Return the bins of a truck's round, point by point."""
        mine = [b for b in self.bins if b.street == truck.street and b.stream == truck.stream]
        return sorted(mine, key=lambda b: b.point)


def device(organisation: int, serial: int) -> int:
    """Return the id of an organisation's device."""
    return organisation << 40 | serial


def gate_site(organisation: int) -> int:
    """Return the station or park of an organisation that takes loads."""
    return organisation << 40 | _SITE_SERIAL


def build(seed: str, size: Size) -> District:
    """Return the district of a seed: a truck for each street and stream."""
    rng = random.Random(f"{seed}/district")
    district = District(seed, size)
    across = math.ceil(math.sqrt(size.streets))
    for street in range(size.streets):
        corner = (street % across * _STREET_METRES, street // across * _STREET_METRES)
        _fill_street(district, rng, street, corner)
    for street in range(size.streets):
        for stream in (RESIDUAL, FOOD, RECYCLABLE):
            _add_truck(district, rng, street, stream)
    return district


def _fill_street(district: District, rng: random.Random, street: int, corner: tuple[float, float]) -> None:
    for point in range(district.size.points_a_street):
        # Rows of points, driven up and down.
        row, column = divmod(point, 7)
        column = column if row % 2 == 0 else 6 - column
        east = corner[0] + 100 + column * 220 + rng.uniform(-60, 60)
        north = corner[1] + 100 + row * 220 + rng.uniform(-60, 60)
        for stream, count in BINS_A_POINT:
            for _ in range(count):
                mean = {RESIDUAL: 42_000, FOOD: 70_000, RECYCLABLE: 18_000}[stream] * rng.lognormvariate(0, 0.2)
                # A few bins are put out before the registry knows of them.
                placed_day = rng.randint(1, 4) if rng.random() < 0.003 else -30
                number = rng.randrange(1 << 32, 1 << 40)
                district.bins.append(Bin(number, stream, street, point, (east, north), mean, placed_day))


def _add_truck(district: District, rng: random.Random, street: int, stream: int) -> None:
    serial = 100 + len(district.trucks)
    organisation = rng.choice(CARRIERS)
    district.trucks.append(
        Truck(
            device=device(organisation, serial),
            vehicle=device(organisation, 10_000 + serial),
            organisation=organisation,
            street=street,
            stream=stream,
            tare_grams=rng.randrange(7_000, 9_500) * 1000,
            has_scale=rng.random() < 0.6,
            scale_step_grams=rng.choice((100, 200, 500, 1000)),
            clock_seconds=rng.gauss(0, 8),
            # One carrier runs a station of its own, where the city's scale stands.
            has_own_gate=organisation == CARRIERS[0],
        )
    )
