"""The seven circular-economy parks as public sources tell of them, each with the site it has on the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from backend.demo.city import Fact, Park, load_demo_city
from backend.domain.types import SiteId


@dataclass(frozen=True)
class ParkRecord:
    """A park, and its site; None where it has none on the ledger yet."""

    park: Park
    site: SiteId | None


@cache
def load_parks() -> tuple[ParkRecord, ...]:
    """Return the parks in the order of the file."""
    city = load_demo_city()
    return tuple(ParkRecord(park, None if park.site is None else city.site(park.site).id) for park in city.parks)


@cache
def load_decision() -> Fact:
    """Return the city's decision that lays the parks out."""
    return load_demo_city().decision
