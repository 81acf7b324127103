"""No page reads through a table that grows with the lifts: the database says how it would answer each question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from backend.console.routes import create_console_router
from backend.jobs.tally import Tally
from backend.store.session import Database
from bench import weeks
from bench.figures import pages

GROWS_WITH_LIFTS = (
    "ledger_segment", "accepted_segment", "lift_run", "lot_run", "custody_step", "lot_link", "mass_move",
    "evidence",
)  # fmt: skip
SCAN = re.compile(r"^SCAN (\w+)")
ALIAS = re.compile(rf"\b({'|'.join(GROWS_WITH_LIFTS)})(?: AS)? (\w+)\b")
KNOWN = {
    # The page of our own outages looks every segment of 30 days up in the books: that is what it is for.
    "/continuity",
}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[weeks.Weeks]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('weeks') / 'books.db'}")
    made = weeks.Weeks(database, streets=2)
    made.write(2)
    Tally(database).run_once()
    yield made
    database.close()


def scanned(database: Database, statement: str, parameters: Any) -> list[str]:
    """Return the tables that grow with the lifts and that a statement would read from end to end."""
    with database.transaction(writes=False) as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    names = {alias: table for table, alias in ALIAS.findall(statement)}
    found = [match[1] for row in plan if (match := SCAN.match(row.detail)) is not None]
    return sorted({names.get(name, name) for name in found} & set(GROWS_WITH_LIFTS))


class TestNoPage:
    def test_reads_a_whole_table_of_lifts(self, city: weeks.Weeks, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pages, "DAYS", 2)
        monkeypatch.setattr(pages, "_REQUESTS", 2)
        database, asked = city.database, list[tuple[str, str, Any]]()
        router = create_console_router(pages.console_deps(database))
        app = pages.FastAPI()
        app.include_router(router)
        now: list[str] = []

        def note(
            _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
        ) -> None:
            if not many and statement.lstrip().upper().startswith(("SELECT", "WITH")):
                asked.append((now[-1], statement, parameters))

        wanted = list(pages.addresses(database, city, router))
        event.listen(database.engine, "before_cursor_execute", note)
        try:
            with TestClient(app) as client:
                for pattern, address in wanted:
                    now.append(pattern)
                    assert client.get(address).status_code == 200, address
        finally:
            event.remove(database.engine, "before_cursor_execute", note)
        assert len({pattern for pattern, _ in wanted}) > 20
        assert len(asked) > 100
        slow = {
            (pattern, tuple(tables))
            for pattern, statement, parameters in asked
            if pattern not in KNOWN and (tables := scanned(database, statement, parameters))
        }
        assert slow == set()

    def test_would_go_unnoticed(self, city: weeks.Weeks) -> None:
        """The check itself can fail."""
        assert scanned(city.database, "SELECT count(*) FROM mass_move m WHERE m.grams > ?", (5,)) == ["mass_move"]
        assert scanned(city.database, "SELECT * FROM mass_move WHERE lot = ?", ("",)) == []
