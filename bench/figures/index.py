"""Chain → books: how fast, in how much memory, over a bare download, and against plain web3.py and Ponder.

One chain of a million lifts serves all figures: 2,000 trucks, 300,000 bins, 250 lifts a segment, random digests.
Every run is a process of its own, with a fresh database and every index that the pages need; what a database
writes is fsynced. A download, a run of ours and a run of the peer follow one another, so that a ratio compares
what one moment of the machine allowed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from bench import city
from bench.figure import Figure, figure_of
from tests.postgres_cluster import postgres_cluster

LIFTS, TRUCKS, RUNS = 1_000_000, 2_000, 3
_MANY = 10
_BLOCKS_A_CALL = 8
_PONDER = "bench.peers.ponder_rows"

Run = dict[str, Any]


@cache
def material() -> city.RunningChain:
    """Return the chain of a million lifts; it runs until the bench ends."""
    return city.running_chain(LIFTS, TRUCKS)


@cache
def larger_material() -> city.RunningChain:
    """Return the chain of ten million lifts."""
    return city.running_chain(_MANY * LIFTS, TRUCKS)


def download_seconds(chain: city.RunningChain) -> float:
    """Fetch all logs that the books are made of, and throw them away."""
    began = time.perf_counter()
    with httpx.Client(timeout=120, trust_env=False) as client:
        head = int(_post(client, chain.url, "eth_blockNumber")["result"], 16)
        for first in range(0, head + 1, _BLOCKS_A_CALL):
            blocks = {"fromBlock": hex(first), "toBlock": hex(min(first + _BLOCKS_A_CALL - 1, head))}
            body = _request("eth_getLogs", {**blocks, "address": chain.deployment.addresses})
            assert client.post(chain.url, json=body).status_code == 200
    return time.perf_counter() - began


def _request(method: str, *params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}


def _post(client: httpx.Client, url: str, method: str) -> Any:
    return client.post(url, json=_request(method)).json()


def index(chain: city.RunningChain, database: str, *, module: str = "bench.indexing") -> Run:
    """Follow the chain into a database by a process of its own; return what it told."""
    told = ["--rpc", chain.url, "--deployment", str(chain.file), "--database", database]
    if module == _PONDER:
        told += ["--lifts", str(chain.lifts)]
    done = subprocess.run([sys.executable, "-m", module, *told], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    run: Run = json.loads(done.stdout.splitlines()[-1])
    assert (run["lifts"], run["disagreements"]) == (chain.lifts, 0), run
    return run


@contextmanager
def fresh_sqlite(*, plain: bool = False) -> Iterator[str]:
    """Yield where a new SQLite database may be made: a URL, or the plain path."""
    with tempfile.TemporaryDirectory(prefix="huanlian-books-") as folder:
        path = Path(folder) / "books.db"
        yield str(path) if plain else f"sqlite:///{path}"


@contextmanager
def fresh_postgres() -> Iterator[str]:
    """Yield the URL of a new PostgreSQL database in a cluster of its own that keeps what it commits."""
    with postgres_cluster(keeps=True) as url_of:
        yield url_of("postgres")


@cache
def runs_on(name: str) -> tuple[list[Run], list[float]]:
    """Return runs of one kind, and the bare download right before each."""
    chain, runs, downloads = material(), list[Run](), list[float]()
    for _ in range(1 if name == "ponder_rows" else RUNS):
        downloads.append(download_seconds(chain))
        if name == "postgres":
            with fresh_postgres() as url:
                runs.append(index(chain, url))
        elif name == "ponder_rows":
            with fresh_postgres() as url:
                runs.append(index(chain, url, module=_PONDER))
        elif name == "sqlite":
            with fresh_sqlite() as url:
                runs.append(index(chain, url))
        else:
            with fresh_sqlite(plain=True) as path:
                runs.append(index(chain, path, module=f"bench.peers.{name}"))
    return runs, downloads


def index_lifts_per_s(name: str) -> Callable[[], Figure]:
    """Return the figure: lifts a second into the books on this database."""

    def measure() -> Figure:
        runs, _ = runs_on(name)
        values = [run["lifts"] / run["seconds"] for run in runs]
        peak_mb = max(run["peak_mb"] for run in runs)
        return figure_of(f"index_{name}_lifts_per_s", values, "lifts/s", peak_mb=round(peak_mb, 1))

    return measure


def index_peak_mb(name: str) -> Callable[[], Figure]:
    """Return the figure: the largest memory of the process that follows."""
    return lambda: figure_of(f"index_{name}_peak_mb", [run["peak_mb"] for run in runs_on(name)[0]], "MB")


def download_lifts_per_s() -> Figure:
    """Lifts a second that a bare download of the logs brings: the limit of any indexer."""
    values = [material().lifts / seconds for name in ("sqlite", "postgres") for seconds in runs_on(name)[1]]
    return figure_of("download_lifts_per_s", values, "lifts/s")


def index_over_download() -> Figure:
    """How many times as long as a bare download right before it the way into SQLite books takes."""
    runs, downloads = runs_on("sqlite")
    ratios = [run["seconds"] / seconds for run, seconds in zip(runs, downloads, strict=True)]
    return figure_of("index_over_download", ratios, "times")


def index_over_best_peer() -> Figure:
    """How many times as fast as the faster of both peers, on the same chain."""
    ratios = (index_over_web3(), index_over_ponder())
    return min(ratios, key=lambda found: found.value).named("index_over_best_peer")


def index_over_web3() -> Figure:
    """How many times as fast as plain web3.py with a row a lift; both SQLite."""
    return _over("index_over_web3", "sqlite", "web3_rows")


def index_over_ponder() -> Figure:
    """How many times as fast as Ponder with a row a lift; both PostgreSQL."""
    return _over("index_over_ponder", "postgres", "ponder_rows")


def _over(name: str, own: str, peer: str) -> Figure:
    ours, theirs = runs_on(own)[0], runs_on(peer)[0]
    ratios = [one["seconds"] / other["seconds"] for one, other in zip(theirs, ours, strict=False)]
    return figure_of(name, ratios, "times", peak_mb=round(max(run["peak_mb"] for run in theirs), 1))


def index_10m_over_1m() -> Figure:
    """Lifts a second at ten million over those at one million, SQLite, each pair in turn."""
    ratios, peak_mb = [], 0.0
    for _ in range(RUNS):
        rates = []
        for chain in (material(), larger_material()):
            with fresh_sqlite() as url:
                run = index(chain, url)
            rates.append(run["lifts"] / run["seconds"])
            peak_mb = max(peak_mb, run["peak_mb"])
        ratios.append(rates[1] / rates[0])
    return figure_of("index_10m_over_1m", ratios, "times", peak_mb=round(peak_mb, 1))
