"""Counts of lifts beside the fold: as if each lift were looked at, once, whatever the chain does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from backend.domain.journal import split_entries
from backend.domain.layout import Kind
from backend.domain.lifts import bin_of, stream_of
from backend.domain.types import Outcome
from backend.jobs.tally import Tally
from backend.store.lift_tallies import BINS, DEVICES, NO_SITE, TallyStore, unpacked
from backend.store.session import Database
from backend.store.tables import HeardTally, LedgerSegment, LiftTally, PlacedBin, table_of
from bench import weeks

LIFTS, HEARD, SEGMENTS, PLACED = (table_of(t) for t in (LiftTally, HeardTally, LedgerSegment, PlacedBin))
DAYS = 2


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('tally') / 'books.db'}")
    weeks.Weeks(made, streets=2).write(DAYS)
    yield made
    made.close()


def rows(database: Database, table: Any, *where: Any) -> list[Any]:
    with database.transaction(writes=False) as connection:
        return list(connection.execute(select(table).where(*where)).all())


def by_hand(database: Database) -> Counter[tuple[str, int]]:
    """Count applied lifts by (street, stream), one by one."""
    sites = {row.number: row.site for row in rows(database, PLACED)}
    counts: Counter[tuple[str, int]] = Counter()
    for row in rows(database, SEGMENTS):
        for entry, byte in zip(split_entries(row.words), row.outcomes, strict=True):
            if entry[0] == Kind.LIFT and byte & 0xF == Outcome.APPLIED:
                counts[sites.get(bin_of(entry), NO_SITE), stream_of(entry)] += 1
    return counts


class TestTheTally:
    def test_is_what_counting_one_by_one_gives(self, database: Database) -> None:
        assert Tally(database).run_once() > 0
        found: Counter[tuple[str, int]] = Counter()
        for row in rows(database, LIFTS, LIFTS.c.period == "2026-03"):
            found[row.site, row.stream] += row.lifts
        assert found == by_hand(database)
        assert found.total() == DAYS * 2 * weeks.LIFTS_A_STREET

    def test_has_days_that_add_up_to_their_month(self, database: Database) -> None:
        Tally(database).run_once()
        month = rows(database, LIFTS, LIFTS.c.period == "2026-03")
        days = [row for row in rows(database, LIFTS) if len(row.period) == 10]
        for name in ("lifts", "grams", "clean", "badly_mixed", "timely", "delay_seconds"):
            assert sum(getattr(row, name) for row in days) == sum(getattr(row, name) for row in month) > 0

    def test_names_each_bin_and_device_once(self, database: Database) -> None:
        Tally(database).run_once()
        for street in range(2):
            (row,) = rows(
                database, HEARD, HEARD.c.period == "2026-03", HEARD.c.kind == BINS,
                HEARD.c.owner == f"{weeks.street(street):016x}",
            )  # fmt: skip
            assert unpacked(row.packed) == sorted(number for number, _, _ in weeks.bins_of(street))
        (crew,) = rows(database, HEARD, HEARD.c.period == "2026-03-01", HEARD.c.kind == DEVICES)
        assert crew.heard == 2 * len(weeks.STREAMS)

    def test_counts_nothing_twice(self, database: Database) -> None:
        Tally(database).run_once()
        before = rows(database, LIFTS)
        assert Tally(database).run_once() == 0
        assert rows(database, LIFTS) == before


class TestWhatWasCounted:
    def test_is_counted_again_when_its_block_is_no_more(self, database: Database) -> None:
        Tally(database).run_once()
        before = rows(database, LIFTS)
        with database.transaction() as connection:
            segment_id, _, placed_block = TallyStore(connection).counted_to()
            TallyStore(connection).keep_pass(segment_id - 1, "another block", placed_block)
        assert Tally(database).run_once() > 1
        assert rows(database, LIFTS) == before

    def test_is_counted_again_when_a_bin_is_placed_late(self, database: Database) -> None:
        Tally(database).run_once()
        number = weeks.bins_of(0)[0][0]
        (placed,) = rows(database, PLACED, PLACED.c.number == number)
        with database.transaction() as connection:
            connection.execute(PLACED.delete().where(PLACED.c.number == number))
            TallyStore(connection).forget()
        Tally(database).run_once()
        assert rows(database, HEARD, HEARD.c.kind == BINS, HEARD.c.owner == NO_SITE)
        late = {**placed._asdict(), "block_number": placed.block_number + 1}
        with database.transaction() as connection:
            connection.execute(PLACED.insert(), [late])
        assert Tally(database).run_once() > 0
        assert not rows(database, HEARD, HEARD.c.kind == BINS, HEARD.c.owner == NO_SITE)
