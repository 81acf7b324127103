from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend.exchange.threshold_file import load_thresholds
from backend.jobs.radar import Radar
from backend.simulate.month.month import Month, make
from backend.simulate.month.size import Size
from backend.store.session import Database
from bench.month.books import write_books


@pytest.fixture(scope="session")
def month() -> Month:
    return make("tests 4", Size(5), days=6, a_thousand_truck_days=110)


@pytest.fixture(scope="session")
def database(month: Month, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Books of the month that the radar has looked through."""
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('month') / 'books.db'}")
    write_books(month, made)
    Radar(made, load_thresholds(), lambda: month.end).run_once()
    yield made
    made.close()
