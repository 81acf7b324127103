"""A route's directory out of real books, on both databases."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from custody_stories import NOON
from migrated_file import new_database
from sealed_route import OTHER_STREET, bins_of, lay_out_route, name_bins, name_sites, place_bins
from small_city import CREW, SITE, STATION, SmallCity
from sqlalchemy import delete, event

from backend.domain.types import device_id, device_text, organisation_text
from backend.store.route_directory import TooManyBins, read_route
from backend.store.session import Database
from backend.store.tables import AcceptedSegment, table_of
from backend.usecases.route_directory import BINS_MAX, RouteDirectory

LARGE = (
    "bin_label",
    "placed_bin",
    "placement",
    "known_device",
    "accepted_segment",
    "ledger_segment",
    "collection_point",
)
SCAN = re.compile(rf"^SCAN ({'|'.join(LARGE)})\b")


def read(database: Database, *streets: int) -> RouteDirectory:
    with database.transaction(writes=False) as connection:
        return read_route(
            connection,
            organisation=organisation_text(CREW),
            streets=[device_text(street) for street in streets],
            now=NOON,
            seen_of=lambda _: None,
        )


def standing(found: RouteDirectory) -> int:
    return sum(point is not None for each in found.placements for point in each.points)


class TestARoute:
    def test_is_read_with_the_runs_that_hold_all_it_names(self, database: Database) -> None:
        lay_out_route(SmallCity(database), bins=450, crews=30)
        found = read(database)
        assert (standing(found), len(found.bins), found.streets) == (450, 0, [(device_text(SITE), 450)])
        assert len(found.devices) == 32
        assert [name.en.rsplit(" ", 1)[-1] for name in found.points] == [str(n) for n in range(1, 451)]
        named = [
            *(device.enrolled_by for device in found.devices),
            *(placement.sealed_by for placement in found.placements),
            *(registrar.enrolled_by for registrar in found.registrars),
            *found.opened_by.values(),
        ]
        for device, seq in named:
            segment = found.runs[found.run_of[device, seq]].segment
            assert device_text(segment.device) == device
            assert segment.first_seq <= seq

    def test_has_only_the_streets_that_were_asked_for(self, database: Database) -> None:
        city = SmallCity(database)
        name_sites(city)
        for site, bins in ((SITE, bins_of(6)), (OTHER_STREET, bins_of(3, first=50))):
            name_bins(city, bins, site=site)
            place_bins(city, bins, site=site)
        assert [standing(read(database, *streets)) for streets in ((), (SITE,), (OTHER_STREET,))] == [9, 6, 3]

    def test_has_no_placement_of_blocks_that_were_taken_back(self, database: Database) -> None:
        city = SmallCity(database)
        name_bins(city, bins_of(5))
        place_bins(city, bins_of(5))
        assert (standing(read(database)), len(read(database).bins)) == (5, 0)
        city.books.roll_back(city.books.known_headers()[-2].number)
        assert (standing(read(database)), len(read(database).bins)) == (0, 5)

    def test_does_without_what_was_sealed_in_a_segment_that_is_not_kept(self, database: Database) -> None:
        desk = lay_out_route(SmallCity(database), bins=10, crews=3)
        lost = table_of(AcceptedSegment)
        whole = read(database)
        with database.transaction() as connection:
            # The segment that enrolled the desk: with it go all that the desk sealed.
            connection.execute(
                delete(lost).where(lost.c.device == device_text(device_id(CREW, 1)), lost.c.first_seq == 2)
            )
        found = read(database)
        assert any(registrar.device == device_text(desk.device) for registrar in whole.registrars)
        assert (found.registrars, found.placements, len(found.bins)) == ([], [], 10)
        assert {device.device[:6] for device in found.devices} == {organisation_text(STATION)}
        assert found.opened_by

    def test_of_too_many_bins_is_refused(self, database: Database) -> None:
        name_bins(SmallCity(database), bins_of(BINS_MAX + 1))
        assert read(database).are_bins_left_out
        with pytest.raises(TooManyBins):
            read(database, SITE)


def test_no_large_table_is_read_through(tmp_path: Path) -> None:
    """Asked of SQLite, which says beforehand what it would do."""
    database = new_database(tmp_path)
    lay_out_route(SmallCity(database), bins=20, crews=3)
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        read(database)
        read(database, SITE)
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    wanted = [each for each in asked if each[0].startswith("SELECT")]
    assert len(wanted) > 10
    with database.transaction(writes=False) as connection:
        for statement, parameters in wanted:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            assert [row.detail for row in plan if SCAN.match(row.detail)] == [], statement
    database.close()
