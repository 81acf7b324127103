"""Lifts by the quarter hour: as if each lift were looked at once, in whatever order and portions they came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from sqlalchemy import select

from backend.domain.journal import split_entries
from backend.domain.layout import Kind
from backend.domain.lifts import bin_of, grams_in, lifted_at
from backend.domain.types import Outcome
from backend.jobs.tally import Tally
from backend.store import lift_tallies
from backend.store.lift_tallies import NO_SITE, TallyStore
from backend.store.quarter_tallies import QUARTERS, packed, quarters_of, unpacked
from backend.store.reading.map_places import MapReader
from backend.store.session import Database
from backend.store.tables import LedgerSegment, PlacedBin, QuarterTally, table_of
from bench import weeks

SEGMENTS, PLACED, KEPT = table_of(LedgerSegment), table_of(PlacedBin), table_of(QuarterTally)
DAYS, FIRST_DAY = 2, (weeks.MIDNIGHT + 8 * 3600) // 86_400


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('quarters') / 'books.db'}")
    weeks.Weeks(made, streets=2).write(DAYS)
    Tally(made).run_once()
    yield made
    made.close()


def by_hand(database: Database) -> tuple[Counter[tuple[int, str, int]], Counter[tuple[int, str, int]]]:
    """Count applied lifts, and their grams, by (day, street, quarter), one by one."""
    lifts, grams = Counter[tuple[int, str, int]](), Counter[tuple[int, str, int]]()
    with database.transaction(writes=False) as connection:
        sites = {row.number: row.site for row in connection.execute(select(PLACED))}
        segments = connection.execute(select(SEGMENTS)).all()
    for row in segments:
        for entry, byte in zip(split_entries(row.words), row.outcomes, strict=True):
            if entry[0] == Kind.LIFT and byte & 0xF == Outcome.APPLIED:
                day, seconds = divmod(lifted_at(entry) + 8 * 3600, 86_400)
                key = day, sites.get(bin_of(entry), NO_SITE), seconds // 900
                lifts[key] += 1
                grams[key] += grams_in(entry)
    return lifts, grams


def kept(database: Database) -> tuple[Counter[tuple[int, str, int]], Counter[tuple[int, str, int]]]:
    lifts, grams = Counter[tuple[int, str, int]](), Counter[tuple[int, str, int]]()
    with database.transaction(writes=False) as connection:
        for day in (FIRST_DAY, FIRST_DAY + 1):
            for site, values in MapReader(connection).quarters(day).items():
                for at in range(QUARTERS):
                    lifts[day, site, at], grams[day, site, at] = map(int, values[:, at])
    return +lifts, +grams


class TestQuarters:
    def test_are_what_counting_one_by_one_gives(self, database: Database) -> None:
        assert kept(database) == by_hand(database)
        assert by_hand(database)[0].total() == DAYS * 2 * weeks.LIFTS_A_STREET

    def test_are_the_same_in_small_portions(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        before = kept(database)
        monkeypatch.setattr(lift_tallies, "SEGMENTS_AT_ONCE", 1)
        monkeypatch.setattr(TallyStore.segments_after, "__defaults__", (1,))
        with database.transaction() as connection:
            TallyStore(connection).forget()
        assert not kept(database)[0]
        Tally(database).run_once()
        assert kept(database) == before

    def test_of_some_streets_are_those_streets_only(self, database: Database) -> None:
        site = f"{weeks.street(1):016x}"
        with database.transaction(writes=False) as connection:
            found = MapReader(connection).quarters(FIRST_DAY, [site])
        assert list(found) == [site]

    def test_keep_grams_that_floating_point_would_round(self) -> None:
        heavy = (1 << 53) + 1
        values = quarters_of(
            day_seconds=np.array([900, 901]), place=np.array([0, 0]), count=1, grams=np.array([heavy, 2])
        )
        assert values[0, :, 1].tolist() == [2, heavy + 2]
        assert (unpacked([packed(values[0])])[0] == values[0]).all()


class TestStreets:
    def test_reach_as_far_as_their_points(self, database: Database) -> None:
        with database.transaction(writes=False) as connection:
            reader = MapReader(connection)
            streets = reader.streets()
            for street in streets:
                points = [point.at for point in reader.points(street.site) if point.at]
                assert street.points == len(points) == weeks.POINTS
                assert street.extent is not None
                assert street.extent.west == min(at.lng for at in points)
                assert street.extent.difference_most == pytest.approx(max(at.lng - at.lat for at in points))
        assert len(streets) == 2

    def test_know_what_a_day_says_of_them(self, database: Database) -> None:
        with database.transaction(writes=False) as connection:
            days = MapReader(connection).days_of_streets(FIRST_DAY, now=weeks.MIDNIGHT)
            receipts = MapReader(connection).receipts(FIRST_DAY)
        assert len(days) == 2
        for day in days.values():
            assert day.bins == day.heard == day.lifts == weeks.LIFTS_A_STREET
            assert day.grams > 0
        assert sum(int(counts.sum()) for counts in receipts.values()) == 2 * len(weeks.STREAMS) + len(
            weeks.STREAMS
        )
