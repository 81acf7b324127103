"""`python -m bench.indexing`: follow a chain into a fresh database, in one process, and tell how it went."""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

from backend.chain.client import Rpc
from backend.chain.deploy import Deployment
from backend.chain.watcher import Watcher
from backend.jobs.follow import Follower
from backend.main import network_of
from backend.store.books import BooksStore
from backend.store.reading import Reader
from backend.store.session import Database


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser()
    for name in ("rpc", "deployment", "database"):
        parser.add_argument(f"--{name}", required=True)
    told = parser.parse_args()
    deployment = Deployment.load(Path(told.deployment))
    database = Database(told.database)
    database.migrate()
    with Rpc(told.rpc) as rpc:
        books = BooksStore(database, network_of(deployment))
        began = time.perf_counter()
        Follower(Watcher(rpc, deployment), books).catch_up()
        seconds = time.perf_counter() - began
    with database.transaction(writes=False) as connection:
        following = Reader(connection).following()
    database.close()
    print(
        json.dumps(
            {
                "seconds": seconds,
                "lifts": following.lifts,
                "disagreements": following.disagreements,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
