"""The demo city: a street, a transfer station, two parks, and who works there.

The street, the station and the organisations are invented and say so in their names; the parks are real and
every fact about them carries its source. Bins get their random numbers and serials when a demo is seeded.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from backend.domain.types import (
    DeviceId,
    OrganisationId,
    SiteId,
    SiteKind,
    Stream,
    device_id,
    site_id,
)

FOLDER: Final = Path(__file__).with_name("data")
PLAN: Final = FOLDER / "morning-plan.jsonl"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Name(_Strict):
    """A name in Chinese and English."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class OrganisationKind(StrEnum):
    """What an organisation of the demo does."""

    REGULATOR = "regulator"
    CARRIER = "carrier"
    STATION_OPERATOR = "station_operator"
    PARK_OPERATOR = "park_operator"


class Organisation(_Strict):
    """Somebody who holds waste, or looks on."""

    id: OrganisationId
    key: str
    kind: OrganisationKind
    name: Name


def _streams(names: object) -> object:
    """Turn stream names of a file into streams."""
    if not isinstance(names, list):
        return names
    unknown = [name for name in names if str(name).upper() not in Stream.__members__]
    if unknown:
        raise ValueError(f"unknown streams: {unknown}")
    return tuple(Stream[name.upper()] for name in names)


class Crew(_Strict):
    """A phone and a vehicle of an organisation, and the streams it collects, one a trip."""

    key: str
    organisation: OrganisationId
    device_serial: int = Field(ge=1)
    vehicle_serial: int = Field(ge=1)
    streams: tuple[Stream, ...] = Field(min_length=1)
    name: Name

    _named_streams = field_validator("streams", mode="before")(_streams)

    @property
    def device(self) -> DeviceId:
        """The crew's device id."""
        return device_id(self.organisation, self.device_serial)

    @property
    def vehicle(self) -> int:
        """The vehicle's pseudonym: organisation and serial."""
        return self.organisation << 40 | self.vehicle_serial


class Site(_Strict):
    """A street, station, park or plant with its fixed serial."""

    key: str
    organisation: OrganisationId
    serial: int = Field(ge=1)
    kind: SiteKind
    name: Name
    streams: tuple[Stream, ...]
    parent: str | None
    park: str | None
    lat: float | None = Field(default=None, ge=-90, le=90)
    lng: float | None = Field(default=None, ge=-180, le=180)

    _named_streams = field_validator("streams", mode="before")(_streams)

    @field_validator("kind", mode="before")
    @classmethod
    def _named_kind(cls, kind: object) -> object:
        return SiteKind.__members__.get(str(kind).upper(), kind)

    @property
    def id(self) -> SiteId:
        """The site's id."""
        return site_id(self.organisation, self.serial)


class CityPoint(_Strict):
    """A collection point and the streams it has a bin for."""

    code: str
    name: Name
    lat: float = Field(ge=-90, le=90)
    lng: float = Field(ge=-180, le=180)
    streams: tuple[Stream, ...] = Field(min_length=1)

    _named_streams = field_validator("streams", mode="before")(_streams)


Reliability = Literal["A", "B", "C"]


class Fact(_Strict):
    """What a source says, in two languages; `None` where its date or reliability is not known."""

    zh: str
    en: str
    source: str = Field(min_length=1)
    source_date: str | None
    reliability: Reliability | None


class ParkStatus(StrEnum):
    """Whether any source names the park."""

    SOURCED = "sourced"
    TO_BE_CONFIRMED = "to_be_confirmed"


class RoughPosition(_Strict):
    """Roughly where the place named lies, in degrees: for a picture, not surveyed."""

    lat: float = Field(ge=-90, le=90)
    lng: float = Field(ge=-180, le=180)


class Capacity(_Strict):
    """What a park's plants can take by design; `fact` is the place in its list of the fact that says so."""

    tonnes_per_day: int = Field(gt=0)
    fact: int = Field(ge=0)


class Park(_Strict):
    """One of the seven parks; `site` is its place in the demo, if it has one."""

    key: str
    name: Name
    district: Name | None
    place: Name | None
    reliability: Reliability | None
    status: ParkStatus
    site: str | None
    position: RoughPosition | None
    capacity: Capacity | None
    facts: tuple[Fact, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_the_fact_of_its_capacity(self) -> Self:
        if self.capacity is not None and self.capacity.fact >= len(self.facts):
            raise ValueError(f"{self.key}: its capacity names a fact that is not there")
        return self

    @model_validator(mode="after")
    def _says_what_is_unconfirmed(self) -> Self:
        is_open = self.status is ParkStatus.TO_BE_CONFIRMED
        if is_open != (self.reliability is None):
            raise ValueError(f"{self.key}: a park is either sourced, with a reliability, or to be confirmed")
        if is_open and not ("待市确认" in self.name.zh and "to be confirmed by the city" in self.name.en):
            raise ValueError(f"{self.key}: its name must say that the city has yet to confirm it")
        return self


class DemoCity(_Strict):
    """Everything that a demo is seeded from."""

    organisations: tuple[Organisation, ...]
    crews: tuple[Crew, ...]
    sites: tuple[Site, ...]
    street: str
    district: str = Field(min_length=1)
    points: tuple[CityPoint, ...]
    parks: tuple[Park, ...]
    decision: Fact

    def site(self, key: str) -> Site:
        """Return a site by its key."""
        return next(site for site in self.sites if site.key == key)

    def organisation(self, key: str) -> Organisation:
        """Return an organisation by its key."""
        return next(organisation for organisation in self.organisations if organisation.key == key)

    def bin_count(self) -> int:
        """Return how many bins stand in the street: one a point and stream."""
        return sum(len(point.streams) for point in self.points)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        organisations = {organisation.id for organisation in self.organisations}
        keys = {site.key for site in self.sites}
        parks = {park.key for park in self.parks}
        _require_once("organisation", (o.id for o in self.organisations))
        _require_once("site", (s.id for s in self.sites))
        _require_once("site key", (s.key for s in self.sites))
        _require_once("device", (c.device for c in self.crews))
        _require_once("point", (p.code for p in self.points))
        _require_once("point name", (p.name.zh for p in self.points))
        _require_known("organisation", (s.organisation for s in self.sites), organisations)
        _require_known("organisation", (c.organisation for c in self.crews), organisations)
        _require_known("parent", (s.parent for s in self.sites if s.parent), keys)
        _require_known("park", (s.park for s in self.sites if s.park), parks)
        _require_known("site", (self.street, *(p.site for p in self.parks if p.site)), keys)
        return self


def load_demo_city(folder: Path = FOLDER) -> DemoCity:
    """Return the demo city.

    Raises:
        pydantic.ValidationError: a file does not have the shape above, or names what is not there.
    """
    organisations, sites, points, parks = (
        _read(folder / f"{name}.json") for name in ("organisations", "sites", "points", "parks")
    )
    return DemoCity.model_validate(
        {
            "organisations": organisations["organisations"],
            "crews": organisations["crews"],
            "sites": sites["sites"],
            "street": points["site"],
            "district": points["district"],
            "points": points["points"],
            "parks": parks["parks"],
            "decision": parks["decision"],
        }
    )


def _read(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise TypeError(f"{path.name} is not a JSON object")
    return content


def _require_once(what: str, values: Iterable[object]) -> None:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise ValueError(f"the same {what} twice: {twice}")


def _require_known(what: str, values: Iterable[object], known: Iterable[object]) -> None:
    unknown = set(values) - set(known)
    if unknown:
        raise ValueError(f"unknown {what}: {sorted(map(str, unknown))}")
