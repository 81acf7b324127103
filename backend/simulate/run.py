"""Runs a plan against a real server and a real chain: keys, organisations, sites, bins, and then the day.

Every step may be repeated. Keys, numbers and bytes follow from the vault, so a run that was cut off anywhere
goes on where it stopped, and a second run hands in the very same segments.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.chain.client import Rpc
from backend.chain.contract_errors import BinRegistryAlreadyUsed
from backend.chain.deploy import Deployment
from backend.chain.ledger import Ledger
from backend.chain.ledger_calls import encode_create_organisation, encode_open_site, encode_place
from backend.chain.ledger_events import PlacedBin
from backend.chain.registries import encode_set_regulator, standing_of
from backend.chain.transactions import send_and_wait
from backend.demo.city import DemoCity, Organisation, OrganisationKind, Site
from backend.domain.journal import Network
from backend.domain.layout import Kind
from backend.domain.products import Product
from backend.domain.seal import key_hash
from backend.domain.types import (
    Role,
    Scheme,
    SiteKind,
    Stream,
    device_text,
    organisation_text,
    site_id,
)
from backend.domain.writer import JournalWriter
from backend.exchange.plan import PlanRun
from backend.simulate.courier import Courier, ends_of
from backend.simulate.day import Day, DayWriter, Placement, SiteOpening, World
from backend.simulate.vault import Vault
from backend.store.directory import DirectoryStore
from backend.store.session import Database

ROOT = "root registrar"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Field:
    """Everything outside the server that a run needs."""

    city: DemoCity
    vault: Vault
    network: Network
    rpc: Rpc
    deployment: Deployment
    admin_key: bytes
    gas_key: bytes
    courier: Courier
    database: Database
    say: Say


@dataclass(frozen=True)
class Outcome:
    """What a run did."""

    stops: int
    lifts: int
    bins: int
    segments: int
    repeats: int
    warnings: Mapping[str, int]


def midnight_of(path: Path, default: int) -> int:
    """Return the midnight of a plan's day; the first run writes it down, so that later ones agree."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        with fresh.open("w") as file:
            json.dump({"midnight": default}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    return int(json.loads(path.read_text())["midnight"])


def create_organisations(field: Field, organisations: Sequence[Organisation]) -> None:
    """Create organisations on the chain, each with its root registrar, and name them."""
    ledger = Ledger(
        field.rpc,
        custody_ledger=field.deployment.custody_ledger,
        actor_registry=field.deployment.actor_registry,
    )
    for organisation in organisations:
        if ledger.registrar_of(organisation.id).device == 0:
            x, y = field.vault.key(f"{ROOT}/{organisation.id}").public
            send_and_wait(
                field.rpc,
                key=field.admin_key,
                to=field.deployment.actor_registry,
                data=encode_create_organisation(
                    organisation=organisation.id,
                    name_digest=field.vault.digest(f"organisation/{organisation.id}", organisation.name.zh),
                    registrar=field.vault.device(organisation.id, ROOT),
                    key_hash=key_hash(x, y),
                ),
            )
            field.say(f"organisation {organisation.name.zh}")
        _name_regulator(field, organisation)
    with field.database.transaction() as connection:
        DirectoryStore(connection).put_organisations(
            [
                {
                    "organisation": organisation_text(o.id),
                    "name_zh": o.name.zh,
                    "name_en": o.name.en,
                    "part": o.kind.value,
                }
                for o in organisations
            ]
        )


def _name_regulator(field: Field, organisation: Organisation) -> None:
    """Let the city say of its own office that it rules on disputes; once, for it stays so."""
    registry = field.deployment.actor_registry
    if organisation.kind is not OrganisationKind.REGULATOR:
        return
    if not standing_of(field.rpc, registry, organisation.id).is_regulator:
        named = encode_set_regulator(organisation.id, is_regulator=True)
        send_and_wait(field.rpc, key=field.admin_key, to=registry, data=named)


def registrar_for(field: Field, organisation: int, name: str) -> JournalWriter:
    """Return a registrar's device of an organisation, enrolled by its root registrar where it is new."""
    device = field.vault.device(organisation, name)
    key = field.vault.key(f"{name}/{organisation}")
    if field.courier.find(f"/api/v1/devices/{device_text(device)}") is None:
        root = field.vault.device(organisation, ROOT)
        # The city's creation of the organisation has to reach the books first.
        field.courier.wait_recorded({root: 0}, pause_seconds=0.2)
        writer = field.courier.continued(
            JournalWriter(field.network, root, field.vault.key(f"{ROOT}/{organisation}"))
        )
        x, y = key.public
        writer.write(Kind.ENROL, device=device, role=Role.REGISTRAR, scheme=Scheme.RAW, x=x, y=y)
        field.courier.hand_in(writer.cut())
    return JournalWriter(field.network, device, key)


def put_city_sites(field: Field) -> None:
    """Name the city's sites and their facts in the directory."""
    facts = {park.site: park for park in field.city.parks if park.site is not None}
    rows = []
    for site in field.city.sites:
        park = facts.get(site.key)
        listed = [] if park is None else [fact.model_dump() for fact in park.facts]
        rows.append(
            {
                "site": device_text(site.id),
                "organisation": organisation_text(site.organisation),
                "kind": int(site.kind),
                "name_zh": site.name.zh,
                "name_en": site.name.en,
                "parent": None if site.parent is None else device_text(field.city.site(site.parent).id),
                "lat": site.lat,
                "lng": site.lng,
                "facts": json.dumps(listed, ensure_ascii=False),
            }
        )
    with field.database.transaction() as connection:
        DirectoryStore(connection).put_sites(rows)


def put_city_points(field: Field) -> None:
    """Put the demo street's collection points into the directory."""
    street = device_text(field.city.site(field.city.street).id)
    with field.database.transaction() as connection:
        DirectoryStore(connection).add_points(
            "demo",
            [
                {
                    "code": p.code,
                    "site": street,
                    "name_zh": p.name.zh,
                    "name_en": p.name.en,
                    "district": field.city.district,
                    "lat": p.lat,
                    "lng": p.lng,
                    "streams": ",".join(stream.name.lower() for stream in p.streams),
                }
                for p in field.city.points
            ],
        )


def opening_of(site: Site, vault: Vault) -> SiteOpening:
    """Return the opening that a registrar seals for a site of the city."""
    return SiteOpening(site.id, int(site.kind), vault.digest(f"site/{site.id}", site.name.zh))


def run_plan(
    field: Field,
    *,
    name: str,
    source: str,
    runs: Sequence[PlanRun],
    stations: Mapping[str, Mapping[str, Any]],
    midnight: int,
) -> Outcome:
    """Live a plan's day from the first key to the last record on the ledger."""
    city = field.city
    carrier = _first(city, OrganisationKind.CARRIER)
    station_operator = _first(city, OrganisationKind.STATION_OPERATOR)
    is_demo = source == "demo"
    openings = [opening_of(site, field.vault) for site in city.sites] if is_demo else []
    street_of_station = {}
    for station, content in stations.items():
        if is_demo:
            street_of_station[station] = int(city.site(city.street).id)
            continue
        street = site_id(carrier, field.vault.number(f"site/{name}/{station}", 40))
        street_of_station[station] = street
        label = str(content.get("district") or station)
        openings.append(SiteOpening(street, int(SiteKind.STREET), field.vault.digest(f"site/{street}", label)))
        _put_street(field, street, carrier, label)
    world = World(
        network=field.network,
        midnight=midnight,
        carrier_of={run.truck: carrier for run in runs},
        station_organisation=station_operator,
        park_organisation={run.park: city.site(run.park).organisation for run in runs if run.park is not None},
        park_site={run.park: city.site(run.park).id for run in runs if run.park is not None},
        plant_site=plants_of(city),
        street_of_station=street_of_station,
        # A day in which all is right would show a newcomer no red row.
        understated=frozenset({Product.COMPOST}) if is_demo else frozenset(),
    )
    # A registrar of its own for each plan: its journal begins at 1, so that the bytes can be made again.
    registrars: dict[int, JournalWriter] = {
        o.id: registrar_for(field, o.id, f"registrar/{name}")
        for o in city.organisations
        if o.kind != OrganisationKind.REGULATOR
    }
    field.say(f"writing the journals of {len(runs)} runs")
    day = DayWriter(name, world, field.vault).write(runs, openings, registrars)
    _put_bins(field, day, source)
    _hand_in(field, day)
    ends = ends_of([*day.registrars, *day.journals])
    field.say("waiting until the ledger has recorded everything")
    field.courier.wait_recorded(ends)
    publish(field, day.openings, day.placements)
    stops = sum(len(run.stops) for run in runs)
    courier = field.courier
    return Outcome(stops, day.lifts, len(day.bins), courier.handed_in, courier.repeats, courier.warnings)


def plants_of(city: DemoCity) -> dict[tuple[str, Stream], int]:
    """Return, by park and stream, the plant that works it; of several the first."""
    return {
        (site.parent, stream): site.id
        for site in reversed(city.sites)
        if site.parent is not None and site.kind == SiteKind.PLANT
        for stream in site.streams
    }


def _first(city: DemoCity, kind: OrganisationKind) -> int:
    return next(o.id for o in city.organisations if o.kind == kind)


def _put_street(field: Field, street: int, carrier: int, label: str) -> None:
    row = {
        "site": device_text(street),
        "organisation": organisation_text(carrier),
        "kind": int(SiteKind.STREET),
        "name_zh": label,
        "name_en": label,
        "parent": None,
        "lat": None,
        "lng": None,
        "facts": "[]",
    }
    with field.database.transaction() as connection:
        DirectoryStore(connection).put_sites([row])


def _put_bins(field: Field, day: Day, source: str) -> None:
    with field.database.transaction() as connection:
        directory = DirectoryStore(connection)
        points = directory.points(source)
        known = {row.number for row in directory.bins()}
        placed_from = day.placements[0].placed_from if day.placements else 0
        rows = [
            {
                "number": f"{b.number:010x}",
                "serial": b.serial.hex(),
                "serial_digest": b.serial_digest.hex(),
                "stream": b.stream,
                "site": device_text(b.site),
                "point_id": points.get(b.point),
                "placed_from": placed_from,
            }
            for b in day.bins
        ]
        directory.add_bins([row for row in rows if row["number"] not in known])


def _hand_in(field: Field, day: Day) -> None:
    total = len(day.registrars) + len(day.journals)
    for count, segment in enumerate([*day.registrars, *day.journals], 1):
        field.courier.hand_in(segment, day.evidence)
        if count % 50 == 0 or count == total:
            field.say(f"handed in {count} of {total} segments")


def publish(field: Field, openings: Sequence[SiteOpening], placements: Sequence[Placement]) -> None:
    """Show the bin registry what the registrars sealed; anybody may, and each statement works once."""
    registry = field.deployment.bin_registry
    calls = [encode_open_site(site=o.site, site_kind=o.kind, digest=o.digest) for o in openings]
    calls += [
        encode_place(
            site=p.site,
            bins=[PlacedBin(b.number, b.serial_digest, b.stream, p.placed_from) for b in p.bins],
        )
        for p in placements
    ]
    for call in calls:
        with suppress(BinRegistryAlreadyUsed):
            send_and_wait(field.rpc, key=field.gas_key, to=registry, data=call)
    bins = sum(len(placement.bins) for placement in placements)
    field.say(f"{len(openings)} sites opened and {bins} bins placed on the chain")
