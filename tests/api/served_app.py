"""Serves the API over an existing database on a free loopback port: `served_app.py DATABASE_URL`."""

from __future__ import annotations

import socket
import sys

import uvicorn
from custody_stories import FINALITY_DEPTH, NETWORK, NOON
from small_city import DEPLOYMENT

import backend.main  # noqa: F401  (with all that the real server has in memory)
from backend.api.app import create_api
from backend.api.deps import Services
from backend.store.books import BooksStore
from backend.store.session import Database


def main() -> None:
    database = Database(sys.argv[1])
    services = Services(
        database=database,
        books=BooksStore(database, NETWORK),
        network=NETWORK,
        deployment=DEPLOYMENT,
        finality=FINALITY_DEPTH,
        public_base_url="https://huanlian.example",
        chain_is_reachable=lambda: True,
        now=lambda: NOON,
    )
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    print(f"port {listening.getsockname()[1]}", flush=True)
    app = create_api(services, max_body_bytes=2 * 1024 * 1024)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listening])


if __name__ == "__main__":
    main()
