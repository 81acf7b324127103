from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from postgres_cluster import postgres_cluster
from sqlalchemy import create_engine

from backend.store.session import Database

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def url_of() -> Iterator[Callable[[str], str]]:
    with postgres_cluster() as url_of:
        yield url_of


@pytest.fixture(scope="session")
def create_database(url_of: Callable[[str], str]) -> Callable[[str], str]:
    """Make a database of the cluster out of another; return its name."""
    engine = create_engine(url_of("postgres"), isolation_level="AUTOCOMMIT")

    def create(template: str) -> str:
        name = f"books_{next(_NUMBERS)}"
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    return create


@pytest.fixture(scope="session")
def migrated_postgresql(url_of: Callable[[str], str], create_database: Callable[[str], str]) -> str:
    """Return the name of a database to copy from."""
    name = create_database("template0")
    _migrate(url_of(name))
    return name


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "books.db"
    _migrate(f"sqlite:///{path}")
    return path


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without a schema: a file, or one of the private cluster."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'books.db'}"
    else:
        url_of = request.getfixturevalue("url_of")
        url = url_of(request.getfixturevalue("create_database")("template0"))
    database = Database(url)
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database at its newest schema."""
    if request.param == "sqlite":
        path = shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "books.db")
        url = f"sqlite:///{path}"
    else:
        template = request.getfixturevalue("migrated_postgresql")
        url_of = request.getfixturevalue("url_of")
        url = url_of(request.getfixturevalue("create_database")(template))
    made = Database(url)
    yield made
    made.close()
