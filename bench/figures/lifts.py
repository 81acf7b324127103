"""Lifts a second: sealed by a software device, mined by the devnet, folded into the books."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from backend.chain.watcher import Watcher
from backend.jobs.follow import Follower
from backend.store.books import BooksStore
from backend.store.session import Database
from bench import city
from bench.figure import Figure, figure_of

LIFTS, TRUCKS, RUNS = 200_000, 40, 3
_SEALED = 25_000


def seal_lifts_per_s() -> Figure:
    """Pack, hash and seal lifts in segments of 250, in plain Python on one core."""
    values = []
    for run in range(RUNS):
        writer = city.truck(run)
        city.open_lot(writer)
        writer.cut()
        began = time.perf_counter()
        for _ in range(_SEALED // city.LIFTS_A_SEGMENT):
            city.lift(writer, city.LIFTS_A_SEGMENT)
            writer.cut()
        values.append(_SEALED / (time.perf_counter() - began))
    return figure_of("seal_lifts_per_s", values, "lifts/s")


def mine_lifts_per_s() -> Figure:
    """Send 200,000 sealed lifts to a fresh devnet in packed transactions, until the last is mined."""
    enrolled, segments = city.round_of_segments(LIFTS, TRUCKS)
    values = []
    for _ in range(RUNS):
        with city.devnet() as chain:
            city.send_all(chain, enrolled)
            began = time.perf_counter()
            city.send_all(chain, segments)
            values.append(LIFTS / (time.perf_counter() - began))
    return figure_of("mine_lifts_per_s", values, "lifts/s")


def index_sqlite_lifts_per_s() -> Figure:
    """Follow a chain of 200,000 lifts into a fresh SQLite database: fetch, decode, fold, store, index."""
    enrolled, segments = city.round_of_segments(LIFTS, TRUCKS)
    values = []
    with city.devnet() as chain, tempfile.TemporaryDirectory(prefix="huanlian-books-") as folder:
        city.send_all(chain, enrolled)
        city.send_all(chain, segments)
        for run in range(RUNS):
            database = Database(f"sqlite:///{Path(folder) / f'{run}.db'}")
            database.migrate()
            books = BooksStore(database, city.network())
            began = time.perf_counter()
            Follower(Watcher(chain.rpc, chain.deployment), books).catch_up()
            values.append(LIFTS / (time.perf_counter() - began))
            with database.transaction(writes=False) as connection:
                found = connection.exec_driver_sql("SELECT COUNT(*) FROM lift").scalar_one()
                wrong = connection.exec_driver_sql("SELECT COUNT(*) FROM disagreement").scalar_one()
            assert (found, wrong) == (LIFTS, 0), (found, wrong)
            database.close()
    return figure_of("index_sqlite_lifts_per_s", values, "lifts/s")
