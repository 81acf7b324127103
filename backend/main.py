"""Builds the server: database, chain, periodic work, API, pages and the phone app on one address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from backend.api.app import create_api
from backend.api.deps import Services
from backend.chain.client import Rpc, RpcUnavailable
from backend.chain.deploy import Deployment, require_deployment
from backend.chain.relayer import Sender
from backend.chain.watcher import Watcher
from backend.console.deps import ConsoleDeps
from backend.console.routes import create_console_router, error_page, wants_page
from backend.domain.journal import Network
from backend.jobs.follow import Follower
from backend.jobs.relay import Relay
from backend.jobs.schedule import start_schedule
from backend.jobs.witness import RpcWitness
from backend.logs import configure_logs
from backend.settings import Settings
from backend.store.books import BooksStore
from backend.store.bundles import NotRecordedYet, make_bundle
from backend.store.outbox import Outbox, TransactionStore
from backend.store.reading import Reader
from backend.store.session import Database
from backend.usecases.trust import trust_of
from backend.usecases.verify_bundle import verify_bundle
from backend.usecases.views import VerificationReport, VerificationStep

APP_DIST = Path(__file__).parent.parent / "scanner_app" / "dist"


def network_of(deployment: Deployment) -> Network:
    """Return what heads and seals are bound to."""
    return Network(deployment.chain_id, bytes.fromhex(deployment.custody_ledger.removeprefix("0x")))


def require_same_chain(rpc: Rpc, deployment: Deployment) -> None:
    """Refuse to follow another chain than the one deployed to; a node that is away is waited for later."""
    with suppress(RpcUnavailable):
        require_deployment(rpc, deployment)


def create_app(settings: Settings) -> FastAPI:
    """Return the whole server; its periodic work runs while it is up."""
    deployment = Deployment.load(settings.deployment_file)
    network = network_of(deployment)
    database = Database(settings.database)
    database.migrate()
    rpc = Rpc(settings.rpc_urls.split(","), chain_id=deployment.chain_id)
    require_same_chain(rpc, deployment)
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
    pages = _console_deps(settings, services, rpc)
    app = create_api(services, max_body_bytes=settings.max_body_bytes, error_page=_page_for(pages))

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
    app.include_router(create_console_router(pages))
    _serve_authority(app, settings.data_dir / "lan" / "authority.pem")
    if APP_DIST.is_dir():
        app.mount("/app", StaticFiles(directory=APP_DIST, html=True), name="app")
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


def _console_deps(settings: Settings, services: Services, rpc: Rpc) -> ConsoleDeps:
    @contextmanager
    def read() -> Iterator[Reader]:
        with services.database.transaction(writes=False) as connection:
            yield Reader(connection, finality_depth=services.finality_depth)

    def verify_entry(device: str, seq: int) -> VerificationReport | None:
        with services.database.transaction(writes=False) as connection:
            try:
                bundle = make_bundle(connection, services.network, device=device, seq=seq)
            except NotRecordedYet:
                return None
        if bundle is None:
            return None
        trust = trust_of(services.deployment.to_trust())
        report = verify_bundle(bundle, trust=trust, witness=RpcWitness(rpc))
        steps = tuple(VerificationStep(s.number, s.title_zh, s.title_en, s.ok, s.detail) for s in report.steps)
        return VerificationReport(str(report.verdict), steps)

    return ConsoleDeps(
        read=read,
        state=services.books.reading_state,
        base_url=settings.public_base_url,
        is_demo=settings.is_demo,
        verify_entry=verify_entry,
        app_dist=APP_DIST,
    )


def _serve_authority(app: FastAPI, path: Path) -> None:
    """Let a phone on the local network fetch the authority that it has to trust."""
    if path.exists():

        @app.get("/lan/authority.crt", include_in_schema=False)
        def authority() -> FileResponse:
            return FileResponse(path, media_type="application/x-x509-ca-cert", filename="huanlian.crt")


def _page_for(pages: ConsoleDeps) -> Callable[[Request, int], Response | None]:
    def page(request: Request, status: int) -> Response | None:
        return error_page(pages, request, status) if wants_page(request) else None

    return page


def app_from_environment() -> FastAPI:
    """Return the server that the environment describes; what uvicorn calls."""
    settings = Settings()
    configure_logs(settings.log_level)
    return create_app(settings)
