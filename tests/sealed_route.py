"""A carrier's street with its bins placed under registrars' seals, and the devices that a crew may meet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from custody_stories import NOON
from small_city import CREW, PARK, SITE, STATION, SmallCity

from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.types import Role, device_id, device_text, organisation_text
from backend.domain.writer import JournalWriter
from backend.store.directory import DirectoryStore
from backend.usecases.ledger_events import BinsPlaced, PlacedBinEvent, packed_bins

PLACED_FROM = 1_772_337_600
BINS_IN_A_PLACEMENT = 200
HALL = device_id(STATION, 1)
OTHER_STREET = device_id(CREW, 2)


def digest_of(number: int) -> bytes:
    """Return a serial digest as random as a real one."""
    return keccak256(number.to_bytes(8, "big"))


def bins_of(count: int, first: int = 1) -> list[PlacedBinEvent]:
    numbers = range(first, first + count)
    return [PlacedBinEvent(n, digest_of(n), 1 + n % 4, PLACED_FROM) for n in numbers]


def name_bins(city: SmallCity, bins: list[PlacedBinEvent], site: int = SITE) -> None:
    """Write bins into the directory of names, each at a point of its own with a long name."""
    source = device_text(site)
    points = [
        {
            "code": f"P{b.number}",
            "name_zh": f"越秀区大新街道麓湖小筑第{b.number}栋旁垃圾分类投放点",
            "name_en": f"Yuexiu district, Daxin sub-district, Luhu Cottages, collection point by block {b.number}",
            "address": "", "district": "", "lat": None, "lng": None,
        }
        for b in bins
    ]  # fmt: skip
    with city.database.transaction() as connection:
        directory = DirectoryStore(connection)
        directory.add_points(source, points)
        ids = directory.points(source)
        directory.add_bins(
            [
                {
                    "number": f"{b.number:010x}", "serial": f"{b.number:032x}",
                    "serial_digest": b.serial_digest.hex(), "stream": b.stream, "site": device_text(site),
                    "point_id": ids[f"P{b.number}"], "placed_from": b.placed_from,
                }
                for b in bins
            ]
        )  # fmt: skip


def place_bins(
    city: SmallCity, bins: list[PlacedBinEvent], site: int = SITE, by: JournalWriter | None = None
) -> None:
    """Let a registrar seal where bins stand, and the registry announce it."""
    registrar = by or city.registrars[site >> 40]
    parts = [bins[at : at + BINS_IN_A_PLACEMENT] for at in range(0, len(bins), BINS_IN_A_PLACEMENT)]
    for part in parts:
        digest = int.from_bytes(keccak256(packed_bins(part)), "big")
        registrar.write(Kind.PLACE, site=site, count=len(part), digest=digest, occurred_at=NOON)
    city.record(registrar)
    for part in parts:
        city.block([lambda place, part=part: BinsPlaced(place, site, tuple(part))])  # type: ignore[misc]


def name_sites(city: SmallCity) -> None:
    """Name the carrier's streets and the station's hall."""
    rows: list[dict[str, Any]] = [
        {
            "site": device_text(site), "organisation": organisation_text(site >> 40), "kind": kind,
            "name_zh": zh, "name_en": en,
        }
        for site, kind, zh, en in (
            (SITE, 1, "麓湖街", "Luhu Street"),
            (OTHER_STREET, 1, "越秀街", "Yuexiu Street"),
            (HALL, 2, "转运站", "Transfer Station"),
        )
    ]  # fmt: skip
    with city.database.transaction() as connection:
        DirectoryStore(connection).put_sites(rows)


def open_sites(city: SmallCity) -> None:
    """Let the registrars seal what the street and the hall are."""
    city.registrars[CREW].write(Kind.SITE, site=SITE, site_kind=1, digest=7, occurred_at=NOON)
    city.registrars[STATION].write(Kind.SITE, site=HALL, site_kind=2, digest=8, occurred_at=NOON)
    city.record(city.registrars[CREW], city.registrars[STATION])


def lay_out_route(city: SmallCity, *, bins: int = 1_000, crews: int = 250) -> JournalWriter:
    """A street, a station's gate, a park's gate and a carrier's crews; return the registrar who enrolled them.

    That registrar was itself enrolled by the root, so that a chain has two links.
    """
    name_sites(city)
    open_sites(city)
    desk = city.device(CREW, 900, Role.REGISTRAR)
    city.record(city.registrars[CREW])
    root, city.registrars[CREW] = city.registrars[CREW], desk
    for serial in range(2, 2 + crews):
        city.device(CREW, serial, Role.CREW)
    city.record(desk)
    city.registrars[CREW] = root
    city.device(STATION, 7, Role.GATE)
    city.device(STATION, 8, Role.CREW)
    city.device(PARK, 7, Role.GATE)
    city.record(city.registrars[STATION], city.registrars[PARK])
    placed = bins_of(bins)
    name_bins(city, placed)
    place_bins(city, placed, by=desk)
    return desk


def moved(bin_: PlacedBinEvent, **changes: Any) -> PlacedBinEvent:
    return replace(bin_, **changes)
