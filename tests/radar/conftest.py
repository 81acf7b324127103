from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend.exchange.threshold_file import load_thresholds
from backend.jobs.radar import Radar
from backend.store.session import Database
from bench.month.books import write_books
from bench.month.month import Month, make


@pytest.fixture(scope="session")
def month() -> Month:
    return make("tests 4", streets=5, days=6, a_thousand_truck_days=110)


@pytest.fixture(scope="session")
def database(month: Month, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Books of the month that the radar has looked through."""
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('month') / 'books.db'}")
    write_books(month, made)
    Radar(made, load_thresholds(), lambda: month.end).run_once()
    yield made
    made.close()
