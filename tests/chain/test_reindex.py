"""The books are rebuilt from a real chain while people read them, and are the same."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from chain_support import City, wait_until_quiet, write_lifts
from typer.testing import CliRunner

from backend.chain.watcher import Watcher
from backend.cli.app import build_app
from backend.jobs.follow import Follower
from backend.jobs.reindex import ChainAway, reindex
from backend.store.books import BooksStore
from backend.store.reading import Reader
from backend.store.rebuilding import books_digest
from backend.store.session import Database

LIFTS = 600


@pytest.fixture(scope="module")
def served(city: City, tmp_path_factory: pytest.TempPathFactory) -> Database:
    (crew,) = city.crews(71)
    write_lifts(crew, LIFTS)
    for segment in crew.cut_all():
        city.record(segment)
    folder = tmp_path_factory.mktemp("served")
    city.deployment.save(folder / "deployment.json")
    database = Database(f"sqlite:///{folder / 'huanlian.db'}")
    database.migrate()
    follow(city, database)
    return database


def follow(city: City, database: Database) -> None:
    """Fold all that is on the chain; nobody follows it afterwards, so it must have come to rest."""
    wait_until_quiet(city.rpc)
    Follower(Watcher(city.rpc, city.deployment), BooksStore(database, city.network)).catch_up()


def digest(database: Database) -> str:
    with database.transaction(writes=False) as connection:
        return books_digest(connection)


class TestReindex:
    def test_gives_the_same_books_while_they_are_read(self, city: City, served: Database) -> None:
        before, seen, is_done = digest(served), set[int](), threading.Event()
        progress: list[tuple[int, int]] = []

        def read() -> None:
            while not is_done.is_set():
                with served.transaction(writes=False) as connection:
                    seen.add(Reader(connection).following().lifts)

        reading = threading.Thread(target=read)
        reading.start()
        watcher = Watcher(city.rpc, city.deployment)
        try:
            found = reindex(served, city.network, watcher, on_progress=lambda *at: progress.append(at))
        finally:
            is_done.set()
            reading.join()
        assert found.digest == before == digest(served)
        assert len(seen) == 1
        assert progress == sorted(progress)
        assert progress[-1][0] == progress[-1][1]

    def test_goes_on_from_the_rebuilt_books(self, city: City, served: Database) -> None:
        (crew,) = city.crews(72)
        write_lifts(crew, 3)
        city.record(crew.cut())
        follow(city, served)
        before = digest(served)
        assert reindex(served, city.network, Watcher(city.rpc, city.deployment)).digest == before

    def test_changes_nothing_while_the_chain_is_away(self, city: City, served: Database) -> None:
        from backend.chain.client import Rpc

        before = digest(served)
        with Rpc("http://127.0.0.1:9") as nobody, pytest.raises(ChainAway):
            reindex(served, city.network, Watcher(nobody, city.deployment))
        assert digest(served) == before

    def test_is_a_command(self, city: City, served: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = Path(str(served.url.database)).parent
        monkeypatch.setenv("HUANLIAN_DATA_DIR", str(folder))
        url = city.rpc._endpoints[0].url
        done = CliRunner().invoke(build_app(), ["reindex", "--data-dir", str(folder), "--rpc", url])
        assert done.exit_code == 0, done.output
        assert digest(served) in done.output
