"""Builds the server: database, chain, periodic work, API, pages and the phone app on one address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.responses import RedirectResponse

from backend.api.app import create_api
from backend.api.deps import Services
from backend.chain.client import Rpc
from backend.chain.deploy import Deployment
from backend.chain.relayer import Sender
from backend.chain.watcher import Watcher
from backend.domain.journal import Network
from backend.jobs.follow import Follower
from backend.jobs.relay import Relay
from backend.jobs.schedule import start_schedule
from backend.settings import Settings
from backend.store.books import BooksStore
from backend.store.outbox import Outbox, TransactionStore
from backend.store.session import Database

APP_DIST = Path(__file__).parent.parent / "scanner_app" / "dist"


def network_of(deployment: Deployment) -> Network:
    """Return what heads and seals are bound to."""
    return Network(deployment.chain_id, bytes.fromhex(deployment.custody_ledger.removeprefix("0x")))


def create_app(settings: Settings) -> FastAPI:
    """Return the whole server; its periodic work runs while it is up."""
    deployment = Deployment.load(settings.deployment_file)
    network = network_of(deployment)
    database = Database(settings.database)
    database.migrate()
    rpc = Rpc(settings.rpc_urls.split(","), chain_id=deployment.chain_id)
    books = BooksStore(database, network)
    follower = Follower(Watcher(rpc, deployment), BooksStore(database, network))
    services = Services(
        database=database,
        books=books,
        network=network,
        deployment=deployment,
        finality_depth=settings.finality_depth_blocks,
        public_base_url=settings.public_base_url,
        chain_is_reachable=lambda: follower.is_reachable,
    )
    app = create_api(services, max_body_bytes=settings.max_body_bytes)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        scheduler = start_schedule(
            relay=_relay(settings, rpc, deployment, database, books),
            follower=follower,
            period_ms=settings.poll_period_ms,
        )
        yield
        with suppress(Exception):
            scheduler.shutdown(wait=True)
        database.close()
        rpc.close()

    app.router.lifespan_context = lifespan
    _serve_pages(app)
    return app


def _relay(
    settings: Settings, rpc: Rpc, deployment: Deployment, database: Database, books: BooksStore
) -> Relay | None:
    if not settings.relayer_key:
        return None
    key = bytes.fromhex(settings.relayer_key.removeprefix("0x"))
    sender = Sender(rpc, key, deployment.custody_ledger, store=TransactionStore(database, ""))
    sender.store = TransactionStore(database, sender.address)
    return Relay(sender, Outbox(database), books)


def _serve_pages(app: FastAPI) -> None:
    if APP_DIST.is_dir():

        @app.get("/app", include_in_schema=False)
        def app_root() -> RedirectResponse:
            return RedirectResponse("/app/")

        app.mount("/app", StaticFiles(directory=APP_DIST, html=True), name="app")


def app_from_environment() -> FastAPI:
    """Return the server that the environment describes; what uvicorn calls."""
    return create_app(Settings())
