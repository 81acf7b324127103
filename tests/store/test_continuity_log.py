"""The record of outages on both databases; time is what the test says it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from custody_stories import NOON
from small_city import CREW, SmallCity, write_lifts
from sqlalchemy import delete, insert, update

from backend.domain.types import Role
from backend.domain.writer import JournalWriter
from backend.store.continuity import ContinuityLog, read_account, read_continuity, stale_after
from backend.store.intake import IntakeStore
from backend.store.session import Database
from backend.store.tables import AcceptedSegment, LedgerSegment, OutgoingTransaction, table_of
from backend.usecases.accept_segment import accept_segment
from backend.usecases.continuity import Account, Continuity, OutageKind, Period

STALE, TOO_LONG = stale_after(5), 60
_ACCEPTED, _LEDGER, _TXS = (table_of(t) for t in (AcceptedSegment, LedgerSegment, OutgoingTransaction))


@pytest.fixture
def log(database: Database) -> ContinuityLog:
    return ContinuityLog(database, stale_seconds=STALE)


def told(database: Database, now: int, period: Period = Period.LAST_30_DAYS) -> Continuity:
    with database.transaction(writes=False) as connection:
        return read_continuity(
            connection, period, now=now, stale_seconds=STALE, overdue_seconds=600, books_are_level=True
        )


def live(log: ContinuityLog, *times: int) -> None:
    span_id = None
    for now in times:
        span_id = log.server_lives(span_id, now)


def outages(found: Continuity) -> list[tuple[OutageKind, int, int, bool]]:
    return [(o.kind, o.from_at - NOON, o.to_at - NOON, o.is_running) for o in found.outages]


class TestServer:
    def test_that_lives_has_no_outage_until_now(self, database: Database, log: ContinuityLog) -> None:
        live(log, *range(NOON, NOON + 60, 5))
        found = told(database, NOON + 55 + STALE)
        assert (found.outages, found.server_seconds) == ((), 0)
        assert found.observed_seconds == 55 + STALE

    def test_is_down_from_its_last_sign_to_the_next_start(self, database: Database, log: ContinuityLog) -> None:
        live(log, NOON, NOON + 5)
        live(log, NOON + 305, NOON + 310)
        found = told(database, NOON + 311)
        assert outages(found) == [(OutageKind.SERVER, 5, 305, False)]
        assert (found.server_seconds, found.either_seconds) == (300, 300)

    def test_was_down_however_soon_it_is_back(self, database: Database, log: ContinuityLog) -> None:
        live(log, NOON, NOON + 5)
        live(log, NOON + 8)
        assert outages(told(database, NOON + 8)) == [(OutageKind.SERVER, 5, 8, False)]

    def test_is_down_still_when_its_last_sign_is_old(self, database: Database, log: ContinuityLog) -> None:
        live(log, NOON, NOON + 5)
        assert outages(told(database, NOON + 6 + STALE)) == [(OutageKind.SERVER, 5, 6 + STALE, True)]

    def test_is_down_as_soon_as_it_ended_in_good_order(self, database: Database, log: ContinuityLog) -> None:
        span_id = log.server_lives(None, NOON)
        log.server_ends(span_id, NOON + 3)
        assert outages(told(database, NOON + 4)) == [(OutageKind.SERVER, 3, 4, True)]

    def test_that_stood_still_was_down_meanwhile(self, database: Database, log: ContinuityLog) -> None:
        live(log, NOON, NOON + 1 + STALE, NOON + 5 + STALE)
        assert outages(told(database, NOON + 6 + STALE)) == [(OutageKind.SERVER, 0, 1 + STALE, False)]

    def test_is_up_while_one_of_two_replicas_is(self, database: Database, log: ContinuityLog) -> None:
        live(log, *range(NOON, NOON + 100, 5))
        live(log, *range(NOON + 90, NOON + 200, 5))
        live(log, *range(NOON + 300, NOON + 310, 5))
        assert outages(told(database, NOON + 310)) == [(OutageKind.SERVER, 195, 300, False)]

    def test_loses_nothing_when_its_clock_is_set_back(self, database: Database, log: ContinuityLog) -> None:
        live(log, NOON, NOON + 10, NOON + 4, NOON + 12)
        assert told(database, NOON + 13).outages == ()

    def test_is_not_judged_for_the_time_before_the_record(self, database: Database, log: ContinuityLog) -> None:
        empty = told(database, NOON)
        assert (empty.since, empty.outages, empty.observed_seconds) == (None, (), 0)
        live(log, NOON)
        assert told(database, NOON + 1).since == NOON


class TestPeriod:
    def test_cuts_an_outage_that_began_before_it(self, database: Database, log: ContinuityLog) -> None:
        live(log, NOON - 40 * 86_400)
        live(log, NOON, NOON + 5)
        found = told(database, NOON + 5)
        assert found.server_seconds == 30 * 86_400 - 5
        month = told(database, NOON + 5, Period.THIS_MONTH)
        assert month.server_seconds == NOON - month.from_at
        # NOON is one of March 1st in Shanghai, where the month began at midnight.
        assert month.from_at % 86_400 == 16 * 3600


class TestChain:
    def test_is_silent_from_the_first_look_to_the_next_answer(
        self, database: Database, log: ContinuityLog
    ) -> None:
        live(log, *range(NOON, NOON + 60, 5))
        for now, is_silent in ((0, False), (5, True), (10, True), (15, True), (20, False), (25, False)):
            log.chain(is_silent=is_silent, now=NOON + now)
        found = told(database, NOON + 60)
        assert outages(found) == [(OutageKind.CHAIN, 5, 20, False)]
        assert (found.chain_seconds, found.server_seconds, found.either_seconds) == (15, 0, 15)

    def test_is_silent_still(self, database: Database, log: ContinuityLog) -> None:
        live(log, NOON, NOON + 5, NOON + 10)
        log.chain(is_silent=True, now=NOON + 5)
        assert outages(told(database, NOON + 12)) == [(OutageKind.CHAIN, 5, 12, True)]

    def test_is_not_called_silent_while_nobody_looked(self, database: Database, log: ContinuityLog) -> None:
        live(log, *range(NOON, NOON + 200, 5))
        log.chain(is_silent=True, now=NOON + 5)
        log.chain(is_silent=True, now=NOON + 100)
        log.chain(is_silent=False, now=NOON + 105)
        spans = [(5, 5), (100, 105)]
        assert outages(told(database, NOON + 200)) == [(OutageKind.CHAIN, *spans[1], False)]

    def test_and_server_share_the_seconds_that_both_missed(self, database: Database, log: ContinuityLog) -> None:
        live(log, NOON, NOON + 5)
        log.chain(is_silent=True, now=NOON)
        log.chain(is_silent=True, now=NOON + 15)
        live(log, NOON + 25)
        found = told(database, NOON + 40)
        assert (found.server_seconds, found.chain_seconds, found.either_seconds) == (20, 15, 25)


@pytest.fixture
def city(database: Database) -> SmallCity:
    return SmallCity(database)


@pytest.fixture
def truck(city: SmallCity) -> JournalWriter:
    writer = city.device(CREW, 7, Role.CREW)
    city.record(city.registrars[CREW])
    return writer


def hand_in(city: SmallCity, writer: JournalWriter, *, at: int) -> None:
    write_lifts(writer, 2, serial=writer.next_seq)
    with city.database.transaction() as connection:
        intake = IntakeStore(connection)
        accept_segment(writer.cut(), intake=intake, network=city.books.network, now=at)


def mark(city: SmallCity, state: str, *, reason: int | None = None) -> None:
    with city.database.transaction() as connection:
        statement = update(_ACCEPTED).where(_ACCEPTED.c.state == "queued")
        connection.execute(statement.values(state=state, reason=reason))


class TestBacklog:
    def test_begins_when_the_oldest_came_and_ends_when_nothing_waits(
        self, city: SmallCity, log: ContinuityLog, truck: JournalWriter
    ) -> None:
        hand_in(city, truck, at=NOON)
        live(log, NOON, NOON + 400)
        log.backlog(after_seconds=TOO_LONG, now=NOON + TOO_LONG)
        assert told(city.database, NOON + TOO_LONG).backlogs == ()
        log.backlog(after_seconds=TOO_LONG, now=NOON + TOO_LONG + 5)
        hand_in(city, truck, at=NOON + 66)
        log.backlog(after_seconds=TOO_LONG, now=NOON + 70)
        (span,) = told(city.database, NOON + 72).backlogs
        assert (span.from_at, span.to_at, span.is_running) == (NOON, NOON + 72, True)
        assert (span.segments_max, span.age_max_seconds) == (2, 70)
        mark(city, "recorded")
        log.backlog(after_seconds=TOO_LONG, now=NOON + 75)
        (span,) = told(city.database, NOON + 76).backlogs
        assert (span.from_at, span.to_at, span.is_running) == (NOON, NOON + 75, False)
        assert (span.segments_max, span.age_max_seconds) == (2, 70)

    def test_is_one_through_a_restart_while_the_same_waits(
        self, city: SmallCity, log: ContinuityLog, truck: JournalWriter
    ) -> None:
        hand_in(city, truck, at=NOON)
        live(log, *range(NOON, NOON + 75, 5))
        log.backlog(after_seconds=TOO_LONG, now=NOON + 70)
        live(log, NOON + 1000, NOON + 1005)
        log.backlog(after_seconds=TOO_LONG, now=NOON + 1000)
        mark(city, "recorded")
        log.backlog(after_seconds=TOO_LONG, now=NOON + 1010)
        found = told(city.database, NOON + 1011)
        assert [(b.from_at - NOON, b.to_at - NOON) for b in found.backlogs] == [(0, 1010)]
        down = found.outages[-1]
        assert (down.from_at - NOON, down.to_at - NOON) == (70, 1000)
        assert (down.drained_at, down.drain_seconds) == (NOON + 1010, 10)

    def test_is_another_when_the_first_drained_unseen(
        self, city: SmallCity, log: ContinuityLog, truck: JournalWriter
    ) -> None:
        hand_in(city, truck, at=NOON)
        log.backlog(after_seconds=TOO_LONG, now=NOON + 70)
        mark(city, "recorded")
        hand_in(city, truck, at=NOON + 200)
        log.backlog(after_seconds=TOO_LONG, now=NOON + 300)
        found = told(city.database, NOON + 301)
        assert [(b.from_at - NOON, b.to_at - NOON) for b in found.backlogs] == [(200, 301), (0, 70)]

    def test_is_felt_as_long_as_it_drains(self, city: SmallCity, log: ContinuityLog, truck: JournalWriter) -> None:
        hand_in(city, truck, at=NOON)
        live(log, *range(NOON, NOON + 200, 5))
        for now in range(5, 85, 5):
            log.chain(is_silent=now < 80, now=NOON + now)
            log.backlog(after_seconds=TOO_LONG, now=NOON + now)
        (silence,) = told(city.database, NOON + 85).outages
        assert (silence.kind, silence.is_draining, silence.drain_seconds) == (OutageKind.CHAIN, True, None)
        (waiting,) = [told(city.database, NOON + 700).waiting]
        assert (waiting.segments, waiting.oldest_received_at, waiting.overdue) == (1, NOON, 1)


class TestAccount:
    def test_looks_every_segment_up_in_the_ledger(self, city: SmallCity, truck: JournalWriter) -> None:
        city.clock.now = NOON
        write_lifts(truck, 5)
        city.record(truck)
        hand_in(city, truck, at=NOON + 5)
        mark(city, "refused", reason=4)
        hand_in(city, truck, at=NOON + 6)
        with city.database.transaction(writes=False) as connection:
            found = read_account(connection, from_at=NOON, books_are_level=True)
        assert replace(found, accepted=0, on_ledger=0) == Account(0, 0, waiting=1, refused=1, in_block=0, lost=0)
        # The books kept the registrar's and the truck's first, though others had brought them.
        assert (found.accepted, found.on_ledger) == (4, 2)

    def test_calls_lost_what_is_called_recorded_and_is_not(self, city: SmallCity, truck: JournalWriter) -> None:
        write_lifts(truck, 5)
        city.record(truck)
        with city.database.transaction() as connection:
            ours = _LEDGER.c.device == f"{truck.device:016x}"
            connection.execute(delete(_LEDGER).where(ours))
            found = read_account(connection, from_at=0, books_are_level=True)
            behind = read_account(connection, from_at=0, books_are_level=False)
        assert (found.lost, found.in_block) == (1, 0)
        assert (behind.lost, behind.in_block) == (0, 1)

    def test_calls_lost_what_has_another_head_on_the_ledger(self, city: SmallCity, truck: JournalWriter) -> None:
        write_lifts(truck, 5)
        city.record(truck)
        with city.database.transaction() as connection:
            ours = _LEDGER.c.device == f"{truck.device:016x}"
            connection.execute(update(_LEDGER).where(ours).values(head=b"\x01" * 32))
            assert read_account(connection, from_at=0, books_are_level=True).lost == 1

    def test_calls_lost_what_was_refused_without_a_reason(self, city: SmallCity, truck: JournalWriter) -> None:
        hand_in(city, truck, at=NOON)
        mark(city, "refused")
        with city.database.transaction(writes=False) as connection:
            assert read_account(connection, from_at=0, books_are_level=True).lost == 1

    def test_waits_for_the_books_to_read_a_block_that_the_relayer_saw(
        self, city: SmallCity, truck: JournalWriter
    ) -> None:
        hand_in(city, truck, at=NOON)
        mark(city, "recorded")
        with city.database.transaction() as connection:
            newest = connection.execute(_ACCEPTED.select().order_by(_ACCEPTED.c.id.desc()).limit(1)).one()
            connection.execute(
                insert(_TXS).values(
                    sender="00" * 20,
                    nonce=1,
                    raw=b"",
                    tx_hash="11",
                    segment_ids=f"[{newest.id}]",
                    state="included",
                )
            )
            found = read_account(connection, from_at=0, books_are_level=True)
            connection.execute(update(_TXS).values(state="finalized"))
            later = read_account(connection, from_at=0, books_are_level=True)
        assert (found.in_block, found.lost) == (1, 0)
        assert (later.in_block, later.lost) == (0, 1)
