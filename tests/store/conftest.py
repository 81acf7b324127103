from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgres_cluster import postgres_cluster
from sqlalchemy import Engine, create_engine
from sqlmodel import SQLModel

from backend.store.session import Database


@pytest.fixture(scope="session")
def url_of() -> Iterator[Callable[[str], str]]:
    with postgres_cluster() as url_of:
        yield url_of


@pytest.fixture(scope="session")
def postgresql(url_of: Callable[[str], str]) -> Iterator[Engine]:
    """The cluster's own database, to make and drop others from."""
    engine = create_engine(url_of("postgres"), isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def migrated_postgresql(url_of: Callable[[str], str], postgresql: Engine) -> Iterator[Database]:
    """One database for all tests, emptied after each: to make one takes longer than most tests."""
    with postgresql.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE migrated")
    made = Database(url_of("migrated"))
    made.migrate()
    yield made
    made.close()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One file for all tests, emptied after each."""
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'books.db'}")
    made.migrate()
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without a schema: a file, or one of the private cluster."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'books.db'}")
        yield database
        database.close()
        return
    url_of, postgresql = (request.getfixturevalue(name) for name in ("url_of", "postgresql"))
    with postgresql.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE empty")
    database = Database(url_of("empty"))
    yield database
    database.close()
    with postgresql.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE empty WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database at its newest schema, with nothing in it."""
    made: Database = request.getfixturevalue(f"migrated_{request.param}")
    yield made
    with made.transaction() as connection:
        for table in reversed(SQLModel.metadata.sorted_tables):
            connection.execute(table.delete())
