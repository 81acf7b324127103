"""A copy of the database is made while it is written to, and gives back everything that was in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from custody_stories import NETWORK
from small_city import CREW, open_city, write_lifts
from sqlalchemy import Engine
from sqlmodel import SQLModel
from typer.testing import CliRunner

from backend.cli.app import build_app
from backend.domain.types import Role
from backend.store.backup import CannotBackUp, back_up, restore
from backend.store.books import BooksStore
from backend.store.session import Database
from backend.store.tables import BinLabel, table_of


def content(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.transaction(writes=False) as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(table.select()).all()), key=repr)
            for table in SQLModel.metadata.sorted_tables
        }


def add_bins(database: Database, first: int, count: int) -> None:
    for number in range(first, first + count):
        row = {
            "number": f"{number:010x}", "serial": f"{number:032x}", "serial_digest": f"{number:064x}",
            "stream": 4, "site": "0" * 16, "point_id": None, "placed_from": 0,
        }  # fmt: skip
        with database.transaction() as connection:
            connection.execute(table_of(BinLabel).insert(), [row])


@pytest.fixture
def another(database: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of the same kind."""
    if database.is_sqlite:
        yield Database(f"sqlite:///{tmp_path / 'another.db'}")
        return
    url_of: Callable[[str], str] = request.getfixturevalue("url_of")
    postgresql: Engine = request.getfixturevalue("postgresql")
    with postgresql.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE another")
    made = Database(url_of("another"))
    yield made
    made.close()
    with postgresql.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE another WITH (FORCE)")


class TestACopy:
    def test_gives_back_all_that_was_there(self, database: Database, another: Database, tmp_path: Path) -> None:
        add_bins(database, 1, 20)
        before = content(database)
        back_up(database, tmp_path / "copy")
        add_bins(database, 100, 5)
        restore(tmp_path / "copy", another)
        assert content(another) == before
        assert another.schema_version() == another.newest_version()

    def test_is_of_one_moment_though_others_write(
        self, database: Database, another: Database, tmp_path: Path
    ) -> None:
        stop = threading.Event()

        def write() -> None:
            number = 1000
            while not stop.is_set():
                add_bins(database, number, 1)
                number += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            back_up(database, tmp_path / "copy")
        finally:
            stop.set()
            writer.join()
        restore(tmp_path / "copy", another)
        numbers = [int(str(row[0]), 16) for row in content(another)["bin_label"]]
        assert numbers == list(range(1000, 1000 + len(numbers)))

    def test_never_replaces_anything(self, database: Database, tmp_path: Path) -> None:
        add_bins(database, 1, 2)
        before = content(database)
        back_up(database, tmp_path / "copy")
        with pytest.raises(CannotBackUp, match="there already"):
            back_up(database, tmp_path / "copy")
        with pytest.raises(CannotBackUp, match="not empty"):
            restore(tmp_path / "copy", database)
        assert content(database) == before

    def test_of_something_else_is_none(self, another: Database, tmp_path: Path) -> None:
        rubbish = tmp_path / "copy"
        rubbish.write_bytes(b"rubbish " * 1000)
        with pytest.raises(CannotBackUp):
            restore(rubbish, another)


class TestTheDrill:
    def test_ends_where_it_would_have_without_the_loss(self, tmp_path: Path) -> None:
        """The database is lost after the copy: the chain has the books, and the truck still has its journal."""
        city = open_city(tmp_path / "lost")
        truck = city.device(CREW, 7, Role.CREW)
        city.record(city.registrars[CREW])
        write_lifts(truck, 5)
        city.record(truck.cut())
        copy = tmp_path / "copy.db"
        environment = {"HUANLIAN_DATABASE_URL": str(city.database.url)}
        done = CliRunner().invoke(build_app(), ["backup", str(copy)], env=environment)
        assert done.exit_code == 0, done.output
        write_lifts(truck, 5, serial=2)
        late = truck.cut()
        city.record(late)
        wanted = content(city.database)
        city.database.close()

        url = f"sqlite:///{tmp_path / 'found.db'}"
        done = CliRunner().invoke(build_app(), ["restore", str(copy)], env={"HUANLIAN_DATABASE_URL": url})
        assert done.exit_code == 0, done.output
        found = Database(url)
        books = BooksStore(found, NETWORK)
        stands_on = books.known_headers()[-1].number
        for batch in city.batches_after(stands_on):
            books.extend(batch)
        assert content(found) == wanted
        found.close()
