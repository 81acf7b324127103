"""A district: streets with points and bins, trucks with crews, two stations, a park. Drawn from a seed.

Sizes follow what is public of Guangzhou: a street has 44 collection points; trucks bring about 4 t to a station.
The district is made up, and so are its places.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

RECYCLABLE, FOOD, RESIDUAL = 1, 3, 4
CITY, STATION, PARK = 1, 2, 3
CARRIERS = (11, 12, 13)
CREW_ROLE, GATE_ROLE, SCALE_ROLE = 1, 2, 3
POINTS_A_STREET = 44
_STREET_METRES = 1600
_BINS_A_POINT = ((RESIDUAL, 3), (FOOD, 2), (RECYCLABLE, 1))


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
    streets: int
    bins: list[Bin] = field(default_factory=list)
    trucks: list[Truck] = field(default_factory=list)
    latitude: float = 23.15
    longitude: float = 113.22

    def site(self, street: int) -> int:
        """Return the id of a street as a site of the city."""
        return CITY << 40 | (street + 1)

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


def build(seed: str, *, streets: int) -> District:
    """Return the district of a seed: a truck a street and stream, and a second one for residual waste."""
    rng = random.Random(f"{seed}/district")
    district = District(seed, streets)
    across = math.ceil(math.sqrt(streets))
    for street in range(streets):
        corner = (street % across * _STREET_METRES, street // across * _STREET_METRES)
        _fill_street(district, rng, street, corner)
    for street in range(streets):
        for stream in (RESIDUAL, FOOD, RECYCLABLE):
            _add_truck(district, rng, street, stream)
    return district


def _fill_street(district: District, rng: random.Random, street: int, corner: tuple[float, float]) -> None:
    for point in range(POINTS_A_STREET):
        # Rows of points, driven up and down.
        row, column = divmod(point, 7)
        column = column if row % 2 == 0 else 6 - column
        east = corner[0] + 100 + column * 220 + rng.uniform(-60, 60)
        north = corner[1] + 100 + row * 220 + rng.uniform(-60, 60)
        for stream, count in _BINS_A_POINT:
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
