"""What people are shown is what the ledger answered, with every step of the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from custody_stories import NOON
from small_city import BINS, CREW, PARK, STATION, SmallCity, give, write_lifts
from sqlalchemy import select

from backend.domain.layout import Kind
from backend.domain.types import Outcome, Role, bin_text, device_id, device_text, lot_id, lot_text
from backend.domain.writer import JournalWriter
from backend.store.reading import Reader
from backend.store.session import Database
from backend.store.tables import LedgerSegment, table_of
from backend.usecases.audit_records import NO_RECORD, record_digest


class Street:
    """Two trucks' lots merged at a station and weighed at a park; a third lot is on its way."""

    def __init__(self, database: Database) -> None:
        self.city = city = SmallCity(database)
        self.trucks = [city.device(CREW, serial) for serial in (7, 8)]
        self.station = city.device(STATION, 7, Role.GATE)
        self.park = city.device(PARK, 7, Role.GATE)
        city.record(*city.registrars.values())
        city.place_bins()
        self.lots = [write_lifts(truck, 5) for truck in self.trucks]
        self.into = lot_id(self.station.device, 1)
        for truck, lot in zip(self.trucks, self.lots, strict=True):
            given = give(truck, lot, device_id(STATION, 0))
            self.station.write(Kind.TAKE, **given, grams=5000, occurred_at=NOON + 600)
            self.station.write(Kind.MERGE, lot=lot, into=self.into, stream=4, grams=5000, occurred_at=NOON + 700)
        onward = give(self.station, self.into, self.park.device)
        self.park.write(
            Kind.WEIGH, lot=self.into, gross=19_000, tare=10_000, net=9_000, ticket=5, occurred_at=NOON + 800
        )
        self.park.write(Kind.TAKE, **onward, grams=9_000, occurred_at=NOON + 801)
        self.park.write(Kind.CLOSE, lot=self.into, grams=9_000, fate=1, occurred_at=NOON + 900)
        city.record(*self.trucks, self.station, self.park)
        self.third = write_lifts(self.trucks[0], 2, serial=2, stream=3)
        give(self.trucks[0], self.third, device_id(PARK, 0))
        city.record(self.trucks[0])


@pytest.fixture
def street(database: Database) -> Street:
    return Street(database)


@pytest.fixture
def reader(street: Street) -> Iterator[Reader]:
    with street.city.database.transaction(writes=False) as connection:
        yield Reader(connection)


class TestJourneys:
    def test_go_forwards_to_where_the_waste_ended(self, street: Street, reader: Reader) -> None:
        journey = reader.find_journey(lot_text(street.lots[0]))
        assert journey is not None
        assert journey.became == (lot_text(street.into),)
        assert journey.came_from == ()
        assert [step.entry.kind for step in journey.ends] == [Kind.TAKE, Kind.TAKE, Kind.CLOSE]
        assert {step.entry.outcome for step in journey.ends} == {Outcome.APPLIED}
        assert sum(step.lifts or 0 for step in journey.steps) == 5

    def test_go_back_to_every_lift(self, street: Street, reader: Reader) -> None:
        journey = reader.find_journey(lot_text(street.into))
        assert journey is not None
        assert sorted(journey.came_from) == sorted(map(lot_text, street.lots))
        assert sum(step.lifts or 0 for step in journey.steps) == 10
        assert journey.lot.grams == 0
        assert journey.lot.lifts == 10
        times = [step.entry.occurred_at for step in journey.steps]
        assert times == sorted(times)
        lots = [*journey.came_from, lot_text(street.into)]
        assert reader.count_lifts_in_lots(lots) == 10
        pages = [reader.lifts_in_lots(lots, offset=offset, limit=3) for offset in range(0, 12, 3)]
        assert [len(page) for page in pages] == [3, 3, 3, 1]
        assert len({(lift.entry.device, lift.entry.seq) for page in pages for lift in page}) == 10

    def test_of_an_unknown_lot_are_none(self, reader: Reader) -> None:
        assert reader.find_journey("00" * 12) is None
        assert reader.find_lot("00" * 12) is None


class TestBins:
    def test_show_their_lifts_newest_first_with_the_lots_they_went_into(
        self, street: Street, reader: Reader
    ) -> None:
        trace = reader.find_bin_trace(bin_text(BINS[0]))
        assert trace is not None
        assert trace.bin.is_on_chain
        assert [lift.lot for lift in trace.lifts] == [
            lot_text(street.third),
            lot_text(street.lots[1]),
            lot_text(street.lots[0]),
        ]
        assert trace.lifts[0].flags == ("wrong-stream",)
        assert trace.lifts[1].flags == ()
        assert set(trace.journeys) == {lift.lot for lift in trace.lifts}
        assert reader.find_bin_trace("ff" * 5) is None

    def test_are_found_by_their_label(self, reader: Reader) -> None:
        view = reader.find_bin_by_digest(f"{BINS[3]:064x}")
        assert view is not None
        assert view.number == bin_text(BINS[3])


class TestEntries:
    def test_say_how_far_they_got(self, street: Street, reader: Reader) -> None:
        first = reader.find_entry(device_text(street.trucks[0].device), 1)
        newest = reader.find_entry(device_text(street.trucks[0].device), 11)
        assert first is not None
        assert newest is not None
        assert (first.state, first.outcome, first.kind_name) == ("finalized", Outcome.APPLIED, "load")
        assert newest.state == "included"
        assert first.block_number is not None
        assert reader.find_entry(device_text(street.trucks[0].device), 12) is None

    def test_that_wait_have_no_outcome_yet(self, street: Street) -> None:
        from backend.store.intake import IntakeStore
        from backend.usecases.accept_segment import accept_segment

        truck = street.trucks[1]
        truck.write(Kind.SHIFT_END)
        with street.city.database.transaction() as connection:
            accept_segment(
                truck.cut(), intake=IntakeStore(connection), network=truck.network, now=street.city.clock.now
            )
        with street.city.database.transaction(writes=False) as connection:
            entry = Reader(connection).find_entry(device_text(truck.device), truck.next_seq - 1)
            assert entry is not None
            assert (entry.state, entry.outcome, entry.received_at) == ("queued", None, NOON)
            assert Reader(connection).following().queued == 1


class TestTotals:
    def test_are_conserved_per_stream(self, street: Street, reader: Reader) -> None:
        totals = reader.totals(street.city.books.reading_state())
        assert [t.stream for t in totals] == [3, 4]
        for t in totals:
            assert t.lifted + t.gained == t.held + t.out + t.lost
        food, residual = totals
        assert (food.lifted, food.held) == (2001, 2001)
        assert (residual.lifted, residual.out, residual.lost) == (10_020, 9_000, 1_020)

    def test_count_what_there_is(self, street: Street, reader: Reader) -> None:
        following = reader.following()
        assert (following.lifts, following.disagreements, following.queued) == (12, 0, 0)
        assert reader.count_lots() == 4
        assert reader.count_lots(3) == 1
        assert [lot.lot for lot in reader.lots_page(offset=0, limit=1)] == [lot_text(street.third)]
        assert len(reader.lots_page(offset=1, limit=10)) == 3


class TestLotsOnTheirWay:
    def test_carry_what_the_taker_cites(self, street: Street, reader: Reader) -> None:
        (lot,) = reader.incoming_lots("000004")
        assert (lot.lot, lot.stream, lot.grams, lot.lifts) == (lot_text(street.third), 3, 2001, 2)
        assert lot.giver == device_text(street.trucks[0].device)
        assert lot.give_head == street.trucks[0].head.hex()
        assert reader.incoming_lots("000003") == []


class TestForAuditors:
    def test_pages_hold_every_lot_and_journal_once(self, street: Street, reader: Reader) -> None:
        lots: list[str] = []
        while rows := reader.lot_lines(after=lots[-1] if lots else "", limit=3):
            lots += [row.lot for row in rows]
        assert lots == sorted({*map(lot_text, (*street.lots, street.into, street.third))})
        devices, after = [], ""
        while True:
            lines, next_after = reader.device_lines(street.city.books.reading_state(), after=after, limit=2)
            devices += lines
            if next_after is None:
                break
            after = next_after
        heads = {device: head for device, _, head in devices}
        for writer in (*street.trucks, street.station, street.park):
            assert heads[device_text(writer.device)] == writer.head.hex()

    def test_digests_are_those_of_what_the_chain_recorded(self, street: Street, reader: Reader) -> None:
        expected: dict[str, bytes] = {}
        with street.city.database.transaction(writes=False) as connection:
            recorded = connection.execute(select(table_of(LedgerSegment)).order_by("id")).all()
        for row in recorded:
            before = expected.get(row.device, NO_RECORD)
            expected[row.device] = record_digest(before, row.first_seq, bytes(row.words), bytes(row.outcomes))
        lines, after = [], ""
        while True:
            page, next_after = reader.journal_lines(after=after, limit=2)
            lines += page
            if next_after is None:
                break
            after = next_after
        assert lines == [(device, digest.hex()) for device, digest in sorted(expected.items())]

    def test_bins_are_counted_as_their_traces_are(self, street: Street, reader: Reader) -> None:
        lines, next_after = reader.bin_lines(after=-1)
        assert next_after is None
        assert lines
        for number, lifts in lines:
            trace = reader.find_bin_trace(number, limit=200)
            assert trace is not None
            assert len(trace.lifts) == lifts


class TestTheDirectory:
    def test_lists_devices_by_their_organisation(self, street: Street, reader: Reader) -> None:
        listed = reader.devices()
        assert [view.organisation.organisation for view in listed] == sorted(
            view.organisation.organisation for view in listed
        )
        assert all(view.is_on_ledger for view in listed)
        writers: list[JournalWriter] = [*street.trucks, street.station, street.park]
        assert {device_text(writer.device) for writer in writers} <= {view.device for view in listed}
