"""The directory's rows: what organisations, sites and points are called, and which label is on which bin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backend.demo.city import Name, Organisation, OrganisationKind
from backend.domain.days import DAY_SECONDS
from backend.domain.keccak import keccak256
from backend.domain.types import OrganisationId, SiteKind, bin_text, device_text, organisation_text
from backend.simulate.month.district import CARRIERS, OFFICE, PARK, STATION, District, gate_site
from backend.simulate.month.month import Month
from backend.store.directory import DirectoryStore

_NUMERALS = "一二三四五六七八九"
_DISTRICT = "示范区 Demonstration District"
_METRES_OF = {gate_site(STATION): (2_400.0, -700.0), gate_site(CARRIERS[0]): (-800.0, 1_500.0)}
_PARK_METRES = (6_500.0, 5_200.0)
"""Where the stations and the park stand: made up, as the district is."""


@dataclass(frozen=True)
class NamedSite:
    """A site that a registrar of its organisation opens."""

    id: int
    kind: SiteKind
    name: Name


def organisations() -> list[Organisation]:
    """Return who takes part, the office first."""
    kinds = OrganisationKind
    carriers = [
        (number, kinds.CARRIER, f"示范区环卫{numeral}公司（演示）", f"Demonstration District Carrier {at} (demo)")
        for at, (number, numeral) in enumerate(zip(CARRIERS, _NUMERALS, strict=False), 1)
    ]
    listed = [
        (OFFICE, kinds.REGULATOR, "示范区城市管理局（演示）", "Demonstration District Office (demo)"),
        (STATION, kinds.STATION_OPERATOR, "示范区转运站运营公司（演示）", "Demonstration District Station (demo)"),
        (PARK, kinds.PARK_OPERATOR, "示范循环经济产业园（演示）", "Demonstration Circular Economy Park (demo)"),
        *carriers,
    ]
    return [
        Organisation(id=OrganisationId(number), key=f"month-{number}", kind=kind, name=Name(zh=zh, en=en))
        for number, kind, zh, en in listed
    ]


def sites(district: District) -> list[NamedSite]:
    """Return the streets, the stations and the park."""
    streets = [
        NamedSite(
            district.site(street),
            SiteKind.STREET,
            Name(zh=f"示范街道 {street + 1}", en=f"Demonstration Street {street + 1}"),
        )
        for street in range(district.streets)
    ]
    own = Name(zh="环卫一公司自有转运站（演示）", en="Carrier 1's Own Station (demo)")
    return [
        *streets,
        NamedSite(
            gate_site(STATION), SiteKind.TRANSFER_STATION, Name(zh="示范转运站", en="Demonstration Station")
        ),
        NamedSite(gate_site(CARRIERS[0]), SiteKind.TRANSFER_STATION, own),
        NamedSite(gate_site(PARK), SiteKind.PARK, Name(zh="示范园区", en="Demonstration Park")),
    ]


def write_directory(
    month: Month, store: DirectoryStore, *, source: str, serial_of: Callable[[int], bytes]
) -> None:
    """Write names, points and labels; what is there already stays. `serial_of` tells a bin's 16 secret bytes."""
    district = month.district
    store.put_organisations(
        [
            {
                "organisation": organisation_text(one.id),
                "name_zh": one.name.zh,
                "name_en": one.name.en,
                "part": one.kind.value,
            }
            for one in organisations()
        ]
    )
    store.put_sites([_site_row(site, district) for site in sites(district)])
    places = {(b.street, b.point): b.metres for b in district.bins}
    rows: list[dict[str, Any]] = []
    for (street, point), metres in places.items():
        latitude, longitude = district.place(metres)
        name = {"name_zh": f"{point + 1} 号投放点", "name_en": f"Point {point + 1}"}
        site = device_text(district.site(street))
        place = {"district": _DISTRICT, "lat": latitude, "lng": longitude}
        rows.append({"code": f"{street}-{point}", "site": site, **name, **place})
    store.add_points(source, rows)
    ids = store.points(source)
    known = {row.number for row in store.bins()}
    labels = [
        {
            "number": bin_text(b.number),
            "serial": serial_of(b.number).hex(),
            "serial_digest": keccak256(serial_of(b.number)).hex(),
            "stream": b.stream,
            "site": device_text(district.site(b.street)),
            "point_id": ids[f"{b.street}-{b.point}"],
            "placed_from": month.midnight + b.placed_day * DAY_SECONDS,
        }
        for b in district.bins
    ]
    store.add_bins([row for row in labels if row["number"] not in known])


def _site_row(site: NamedSite, district: District) -> dict[str, Any]:
    metres = _PARK_METRES if site.kind is SiteKind.PARK else _METRES_OF.get(site.id)
    latitude, longitude = (None, None) if metres is None else district.place(metres)
    return {
        "site": device_text(site.id),
        "organisation": organisation_text(OrganisationId(site.id >> 40)),
        "kind": int(site.kind),
        "name_zh": site.name.zh,
        "name_en": site.name.en,
        "parent": None,
        "lat": latitude,
        "lng": longitude,
        "facts": "[]",
    }
