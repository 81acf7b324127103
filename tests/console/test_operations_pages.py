"""The pages about ourselves: outages, open data, and how final an entry is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from console_city import MORNING, City
from console_client import client_of
from fastapi.testclient import TestClient

from backend.console.deps import ConsoleDeps
from backend.domain.types import device_text
from backend.store.reading import Reader
from backend.usecases.continuity import (
    Account,
    Continuity,
    Period,
    Record,
    Seen,
    Waiting,
    start_of,
    tell_continuity,
)

HOUR, DAY = 3600, 86_400


@pytest.fixture
def told(deps: ConsoleDeps) -> Callable[..., str]:
    """Return the page of a record, in English."""

    def show(record: Record, *, lost: int = 0, query: str = "") -> str:
        def continuity(period: Period) -> Continuity:
            return tell_continuity(
                record,
                waiting=Waiting(0, None, 0),
                account=Account(9 + lost, 9, 0, 0, 0, lost),
                from_at=start_of(period, MORNING),
                now=MORNING,
                stale_seconds=16,
            )

        return client_of(replace(deps, continuity=continuity)).get(f"/continuity?lang=en{query}").text

    return show


def up(*spans: tuple[int, int]) -> list[Seen]:
    return [Seen(MORNING - start, MORNING - end, is_over=False) for start, end in spans]


class TestContinuity:
    def test_shows_each_outage_and_how_long_what_waited_took(self, told: Callable[..., str]) -> None:
        backlog = Seen(MORNING - 3 * HOUR, MORNING - 2 * HOUR + 90, True, 12, 4000)
        record = Record(MORNING - 5 * DAY, up((5 * DAY, 3 * HOUR), (2 * HOUR, 0)), [], [backlog])
        page = told(record)
        assert "1 h 0 min" in page
        assert "drained 1 min 30 s after it ended" in page
        assert "12 segments, the oldest 1 h 6 min" in page
        assert "60.0 min" in page
        assert page.count('class="strip-out"') == 1
        assert page.count('class="strip-unknown"') == 2
        assert ">goes on<" not in page

    def test_counts_only_this_month_when_asked(self, told: Callable[..., str]) -> None:
        record = Record(MORNING - 5 * DAY, up((5 * DAY, DAY + HOUR), (DAY, 0)), [], [])
        # It is 06:00 on March 1st: the outage was in February.
        assert "No outage in this period" in told(record, query="&period=month")
        assert "60.0 min" in told(record)
        assert 'aria-current="true">Last 30 days' in told(record, query="&period=<script>")

    def test_says_that_something_is_lost_or_goes_on(self, told: Callable[..., str]) -> None:
        silent = Seen(MORNING - HOUR, MORNING - 3, is_over=False)
        page = told(Record(MORNING - DAY, up((DAY, 0)), [silent], []), lost=2)
        assert "2 lost" in page
        assert "none lost" not in page
        assert ">goes on<" in page
        assert "60.0 min" in page

    def test_tells_that_there_is_no_record_yet(self, told: Callable[..., str]) -> None:
        page = told(Record(None, [], [], []))
        assert "Nothing has been written down yet" in page
        assert "none lost" not in page


class TestOpenData:
    def test_of_the_newest_day_is_shown_with_its_silence(self, client: TestClient) -> None:
        page = client.get("/open-data?lang=en").text
        # A bin that nobody placed was lifted, and most of those that were placed were not.
        assert "1 more bins were lifted that no placement on the chain names" in page
        silent = [int(count) for count in re.findall(r"<b>(\d+) silent</b>", page)]
        assert len(silent) == 3
        assert silent[1] > 20
        assert "not final" in page

    @pytest.mark.parametrize("day", ["2026-02-30", "today", "<script>", "20260301"])
    def test_of_no_day_is_not_there(self, client: TestClient, day: str) -> None:
        assert client.get("/open-data", params={"day": day}).status_code == 404

    def test_of_a_quiet_day_is_empty(self, client: TestClient) -> None:
        answer = client.get("/open-data?day=2020-01-01&lang=en")
        assert answer.status_code == 200
        assert ">0</dd>" in answer.text


class TestFinality:
    def test_is_shown_with_the_blocks_to_go(self, deps: ConsoleDeps, city: City) -> None:
        class Behind(Reader):
            """Stands on a chain that took longer to make its newest blocks final."""

            def final_to(self) -> int:
                return super().final_to() - 7

        @contextmanager
        def read() -> Iterator[Reader]:
            with deps.read() as reader:
                yield Behind(reader.connection)

        with city.read() as reader:
            query = "SELECT device, last_seq, block_number FROM ledger_segment ORDER BY id DESC LIMIT 1"
            device, newest, block = reader.connection.exec_driver_sql(query).one()
            blocks = block - reader.final_to() + 7
        assert blocks > 0
        client = client_of(replace(deps, read=read))
        assert f"included, blocks to go: {blocks}<" in client.get(f"/verify/{device}/{newest}?lang=en").text
        assert f"已打包，还差 {blocks} 个区块<" in client.get(f"/verify/{device}/{newest}?lang=zh").text
        first = client.get(f"/verify/{device_text(city.devices['truck'].device)}/2?lang=en").text
        assert "blocks to go" not in first
        assert ">finalized<" in first
