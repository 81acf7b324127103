"""A few days as real journals in real books give the findings that the same days give as facts in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from postgres_cluster import postgres_cluster

from backend.domain.radar.findings import Finding
from backend.exchange.threshold_file import load_thresholds
from backend.jobs.radar import Radar
from backend.simulate.month.month import Month, make
from backend.simulate.month.size import Size
from backend.store.findings import FindingReading
from backend.store.reading import Reader
from backend.store.reading.radar import RadarReading
from backend.store.session import Database
from backend.store.tables import RadarFinding, RadarPass, table_of
from backend.usecases.finding_views import FindingFilter, FindingView
from bench.month import typed
from bench.month.books import write_books
from bench.month.looking import findings_of
from bench.month.scoring import false_accusations, missed, score

EVERYTHING = FindingFilter()


@pytest.fixture(scope="session")
def from_memory(month: Month) -> list[Finding]:
    return findings_of(month)


def kept(database: Database, wanted: FindingFilter = EVERYTHING) -> list[FindingView]:
    with database.transaction(writes=False) as connection:
        return FindingReading(Reader(connection)).page(wanted, offset=0, limit=1000)


class TestMonth:
    def test_has_all_kinds_of_fraud_that_one_day_can_hold(self, month: Month) -> None:
        assert {case.kind for case in month.journals.cases} >= {
            "copied-label", "replayed-scan", "moved-clock", "ghost-bin", "impossible-speed", "mixed-streams",
            "round-weights", "self-handoff", "missing-mass",
        }  # fmt: skip

    def test_is_the_same_for_the_same_seed_and_another_for_another(self, month: Month) -> None:
        again = make("tests 4", Size(5), days=6, a_thousand_truck_days=110)
        assert again.journals.lines == month.journals.lines
        other = make("another", Size(5), days=6, a_thousand_truck_days=110)
        assert other.journals.lines != month.journals.lines

    def test_most_frauds_are_found_and_most_findings_are_true(
        self, month: Month, from_memory: list[Finding]
    ) -> None:
        whole = score(from_memory, month.journals.cases)[-1]
        assert whole.recall >= 0.8, missed(from_memory, month.journals.cases)
        assert whole.precision >= 0.8, false_accusations(from_memory, month.journals.cases)

    def test_what_follows_from_a_finding_names_one_that_accuses(self, from_memory: list[Finding]) -> None:
        accusing = {finding.finding_id for finding in from_memory if finding.follows_from is None}
        causes = {finding.follows_from for finding in from_memory} - {None}
        assert causes
        assert causes <= accusing

    def test_without_frauds_there_is_hardly_a_finding(self) -> None:
        clean = make("clean tests", Size(4), days=4, a_thousand_truck_days=0)
        assert len(findings_of(clean)) <= 1
        assert clean.journals.cases == []


class TestBooks:
    def test_hold_the_facts_that_the_month_has(self, month: Month, database: Database) -> None:
        with database.transaction(writes=False) as connection:
            reading = RadarReading(connection)
            days = reading.recorded_days(0)
            handoffs, tickets = reading.handoffs_and_tickets(days)
            held = reading.held_lots(days)
            lifts = sum(len(reading.lifts(day)) for day in days)
        assert held
        assert sorted(held) == sorted(typed.held_lots(month))
        assert (sorted(handoffs), sorted(tickets)) == (
            sorted(typed.handoffs_of(month)),
            sorted(typed.tickets_of(month)),
        )
        assert lifts == month.lifts

    def test_give_the_same_findings_as_the_facts_in_memory(
        self, database: Database, from_memory: list[Finding]
    ) -> None:
        found = {(f.finding_id, f.confidence_permille, f.at, None) for f in kept(database)}
        found |= {
            (o.finding_id, o.confidence_permille, o.at, f.finding_id)
            for f in kept(database)
            for o in f.consequences
        }
        assert found == {(f.finding_id, f.confidence_permille, f.at, f.follows_from) for f in from_memory}

    def test_come_to_the_same_when_looked_through_as_they_grow(
        self, month: Month, database: Database, tmp_path: Path
    ) -> None:
        growing = Database(f"sqlite:///{tmp_path / 'growing.db'}")
        looks: list[int] = []
        radar = Radar(growing, load_thresholds(), lambda: 0)  # a clock that is behind: the books' own time counts
        write_books(month, growing, meanwhile=lambda: looks.append(radar.run_once()), blocks_at_once=37)
        assert len(looks) > 2 * month.days
        Radar(growing, load_thresholds(), lambda: month.end).run_once()
        assert kept(growing) == kept(database)
        growing.close()

    def test_give_the_same_on_postgresql(self, month: Month, database: Database) -> None:
        with postgres_cluster() as url_of:
            other = Database(url_of("postgres"))
            write_books(month, other)
            Radar(other, load_thresholds(), lambda: month.end).run_once()
            assert kept(other) == kept(database)
            other.close()

    def test_with_nothing_in_them_give_nothing(self, tmp_path: Path) -> None:
        empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
        empty.migrate()
        assert Radar(empty, load_thresholds(), lambda: 0).run_once() == 0
        empty.close()

    def test_are_looked_through_again_when_the_chain_replaced_blocks(
        self, month: Month, database: Database
    ) -> None:
        before = kept(database)
        with database.transaction() as connection:
            passes, findings = table_of(RadarPass), table_of(RadarFinding)
            connection.execute(passes.update().values(block_hash="00" * 32))
            connection.execute(findings.update().values(kind="of another chain"))
        Radar(database, load_thresholds(), lambda: month.end).run_once()
        assert kept(database) == before
