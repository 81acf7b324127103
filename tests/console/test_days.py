"""Which day a page is of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from console_client import client_of
from fastapi.testclient import TestClient
from migrated_file import new_database

from backend.console.deps import ConsoleDeps
from backend.store.reading import Reader

LATE_ON_THE_FIRST_IN_GREENWICH = 1_772_382_600
"""2026-03-01 16:30 UTC: in Guangzhou it is half past midnight on the second."""
PAGES = ("/balance", "/city", "/city/map", "/city/trends")


@pytest.fixture
def empty(tmp_path: Path, deps: ConsoleDeps) -> Iterator[TestClient]:
    database = new_database(tmp_path)

    @contextmanager
    def read() -> Iterator[Reader]:
        with database.transaction(writes=False) as connection:
            yield Reader(connection)

    yield client_of(replace(deps, read=read, now=lambda: LATE_ON_THE_FIRST_IN_GREENWICH))
    database.close()


@pytest.mark.parametrize("page", PAGES)
def test_is_guangzhous_while_nothing_has_moved(empty: TestClient, page: str) -> None:
    assert 'name="day" value="2026-03-02"' in empty.get(page).text


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("day", ["9999-12-31", "1969-12-31", "2026-02-29", "2026-03", "tomorrow"])
def test_that_no_calendar_of_ours_has_is_not_found(client: TestClient, page: str, day: str) -> None:
    assert client.get(f"{page}?day={day}").status_code == 404
