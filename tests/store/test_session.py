"""Transactions of one process on one database."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import event

from backend.store.session import Database


class TestWritersOfOneProcess:
    def test_queue_before_sqlite_has_to_say_that_it_is_locked(self, tmp_path: Path) -> None:
        database = Database(f"sqlite:///{tmp_path / 'one.db'}")

        @event.listens_for(database.engine, "connect")
        def _wait_for_nobody(dbapi_connection: object, _record: object) -> None:
            dbapi_connection.execute("PRAGMA busy_timeout=0")  # type: ignore[attr-defined]

        with database.transaction() as connection:
            connection.exec_driver_sql("CREATE TABLE mark (who INTEGER)")
        together = threading.Barrier(8)

        def mark(who: int) -> None:
            together.wait()
            with database.transaction() as connection:
                connection.exec_driver_sql(f"INSERT INTO mark VALUES ({who})")

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(mark, range(8)))
        with database.transaction(writes=False) as connection:
            marks = connection.exec_driver_sql("SELECT who FROM mark ORDER BY who").scalars().all()
        database.close()
        assert list(marks) == list(range(8))

    def test_let_readers_by(self, tmp_path: Path) -> None:
        database = Database(f"sqlite:///{tmp_path / 'one.db'}")
        with database.transaction() as writing:
            writing.exec_driver_sql("CREATE TABLE mark (who INTEGER)")
            with database.transaction(writes=False) as reading:
                assert reading.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one() == 0
        database.close()

    def test_that_fail_let_the_next_one_in(self, tmp_path: Path) -> None:
        database = Database(f"sqlite:///{tmp_path / 'one.db'}")
        try:
            with database.transaction() as connection:
                connection.exec_driver_sql("CREATE TABLE mark (who INTEGER)")
                raise LookupError
        except LookupError:
            pass
        with database.transaction() as connection:
            connection.exec_driver_sql("CREATE TABLE mark (who INTEGER)")
        database.close()
