"""Open data out of the books is open data out of the chain's events; and what a day is silent about is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from custody_stories import FINALITY_DEPTH, NETWORK, NOON, Story, blocks_of, stories
from migrated_file import new_database
from small_city import BINS, CREW, STATION, SmallCity, write_lifts
from store_support import books_of, fold

from backend.domain.layout import Kind
from backend.domain.open_data import DayTable
from backend.domain.set_facts import date_of
from backend.domain.types import Role, device_text
from backend.store.open_data import OpenData, find_anchors, list_days, read_coverage
from backend.store.reading import Reader
from backend.store.session import Database
from backend.usecases.open_data import DayReader

DAY, DAY_SECONDS = "2026-03-01", 86_400


def table_of(story: Story, date: str) -> DayTable:
    reader = DayReader(date)
    for batch in blocks_of(story).batches(3):
        reader.take(batch.events, {header.number: header.timestamp for header in batch.headers})
    return reader.table


def test_books_and_events_give_the_same_bytes(tmp_path: Path) -> None:
    lifts = 0
    database = new_database(tmp_path)
    for story in stories():
        books = books_of(database)
        books.drop()
        fold(books, blocks_of(story))
        for date in sorted({date_of(at) for at in blocks_of(story).times.values()}):
            with database.transaction(writes=False) as connection:
                served = OpenData(NETWORK).day(Reader(connection), date)
            table = table_of(story, date)
            assert served.csv.content == table.csv(), story.name
            json = table.json(date=date, chain_id=NETWORK.chain_id, ledger=NETWORK.ledger.hex())
            assert served.json.content == json, story.name
            lifts += table.lifts
    assert lifts > 100
    database.close()


@pytest.fixture
def city(database: Database) -> SmallCity:
    return SmallCity(database)


class TestDays:
    def test_are_final_once_a_block_of_a_later_day_is(self, city: SmallCity) -> None:
        truck = city.device(CREW, 7)
        write_lifts(truck, 3)
        city.record(city.registrars[CREW], truck)
        data = OpenData(NETWORK)

        def look() -> tuple[bool, list[tuple[str, bool]]]:
            with city.database.transaction(writes=False) as connection:
                reader = Reader(connection)
                lines = list_days(reader, until_at=city.clock.now + 1)
                return data.day(reader, DAY).is_final, [(line.date, line.is_final) for line in lines]

        assert look() == (False, [(DAY, False)])
        city.clock.now += DAY_SECONDS
        write_lifts(truck, 2, serial=2)
        city.record(truck)
        assert look() == (False, [("2026-03-02", False), (DAY, False)])
        for _ in range(FINALITY_DEPTH):
            city.block()
        assert look() == (True, [("2026-03-02", False), (DAY, True)])

    def test_keep_a_lot_open_over_midnight(self, city: SmallCity) -> None:
        truck = city.device(CREW, 7)
        write_lifts(truck, 3)
        city.record(city.registrars[CREW], truck)
        city.clock.now += DAY_SECONDS
        truck.write(Kind.LIFT, bin=BINS[0], stream=4, grade=1, basis=1, occurred_at=NOON + 9, grams=5)
        city.record(truck)
        with city.database.transaction(writes=False) as connection:
            data = OpenData(NETWORK).day(Reader(connection), "2026-03-02")
        organisation = f"{CREW:06x}"
        assert data.csv.content.decode().splitlines()[1:] == [
            f"{organisation},{BINS[0]:010x},residual,2026-03-01,1,5,1,0,0"
        ]

    def test_that_are_none_are_refused(self, city: SmallCity) -> None:
        with city.database.transaction(writes=False) as connection, pytest.raises(ValueError, match="month"):
            OpenData(NETWORK).day(Reader(connection), "2026-13-01")


class TestCoverage:
    def test_shows_what_was_silent(self, city: SmallCity) -> None:
        city.place_bins()
        truck, silent = city.device(CREW, 7), city.device(CREW, 8)
        gone = city.device(CREW, 9)
        office = city.device(CREW, 10, Role.OFFICE)
        gate = city.device(STATION, 7, Role.GATE)
        city.record(city.registrars[CREW], city.registrars[STATION])
        city.registrars[CREW].write(Kind.REVOKE, device=gone.device, reason=1, occurred_at=NOON)
        write_lifts(truck, 5)
        truck.write(Kind.LIFT, bin=0xBAD, stream=4, grade=1, basis=1, occurred_at=NOON, grams=5)
        city.record(truck, city.registrars[CREW])
        city.clock.now += DAY_SECONDS
        late = city.device(CREW, 11)
        city.record(city.registrars[CREW])
        with city.database.transaction(writes=False) as connection:
            reader = Reader(connection)
            coverage = read_coverage(reader, OpenData(NETWORK).day(reader, DAY))
            next_day = read_coverage(reader, OpenData(NETWORK).day(reader, "2026-03-02"))
        assert coverage.bins == (5, len(BINS))
        assert coverage.bins_unknown == 1
        assert coverage.devices == (1, 3)
        told = [(o.organisation.organisation, o.reported, o.silent) for o in coverage.organisations]
        assert told == [(f"{CREW:06x}", 1, 1), (f"{STATION:06x}", 0, 1)]
        assert next_day.bins == (0, len(BINS))
        assert next_day.devices == (0, 4)
        spoken = repr(coverage)
        for device in (truck, silent, gone, office, gate, late):
            assert device_text(device.device) not in spoken

    def test_counts_a_point_once_whichever_of_its_bins_was_lifted(self, city: SmallCity) -> None:
        city.place_bins()
        with city.database.transaction() as connection:
            for point, source in ((1, "a"), (2, "b")):
                connection.exec_driver_sql(
                    "INSERT INTO collection_point "
                    "(id, source, code, name_zh, name_en, address, district, streams, details) "
                    f"VALUES ({point}, 'test', '{source}', '点', '', '', '', '', '{{}}')"
                )
            for number in BINS:
                connection.exec_driver_sql(
                    f"UPDATE bin_label SET point_id = {1 + (number >= BINS[4])} WHERE number = '{number:010x}'"
                )
        truck = city.device(CREW, 7)
        write_lifts(truck, 3)
        city.record(city.registrars[CREW], truck)
        with city.database.transaction(writes=False) as connection:
            reader = Reader(connection)
            (site,) = read_coverage(reader, OpenData(NETWORK).day(reader, DAY)).sites
        assert (site.points_lifted, site.points, site.bins_lifted) == (1, 2, 3)


class TestAnchors:
    def test_are_those_of_the_day_and_of_this_kind(self, city: SmallCity) -> None:
        office = city.device(CREW, 10, Role.OFFICE)
        city.record(city.registrars[CREW])
        city.clock.now += DAY_SECONDS
        for schema, subject, digest in ((1, 20260301, 0xAB), (2, 20260301, 1), (1, 20260302, 2)):
            office.write(Kind.ANCHOR, schema=schema, subject=subject, digest=digest, occurred_at=NOON)
        city.record(office)
        with city.database.transaction(writes=False) as connection:
            found = find_anchors(Reader(connection), DAY)
        assert [(a.organisation.organisation, a.digest) for a in found] == [(f"{CREW:06x}", f"{0xAB:064x}")]
