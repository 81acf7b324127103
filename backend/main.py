"""Builds the server: database, chain, periodic work, API, pages and the phone app on one address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from backend.api.app import create_api
from backend.api.deps import Services, wall_clock
from backend.api.pressure import Pressure
from backend.api.routes_continuity import continuity_of
from backend.api.routes_open_data import day_of, days_of
from backend.chain.client import Rpc, RpcError, RpcUnavailable
from backend.chain.deploy import Deployment, require_deployment
from backend.chain.finality import Finality
from backend.chain.inclusion import RpcProofs
from backend.chain.relayer import Sender
from backend.chain.watcher import Watcher
from backend.console.app_files import AppFiles
from backend.console.deps import ConsoleDeps
from backend.console.routes import create_console_router, error_page, wants_page
from backend.domain.bundle import write_bundle
from backend.domain.journal import Network
from backend.domain.writer import SigningKey
from backend.exchange.alert_file import AlertSettings, load_alert_settings
from backend.exchange.hotline import HttpHotline
from backend.exchange.map_layers_file import load_map_layers
from backend.exchange.oidc import OidcProvider
from backend.jobs.alerts import AlertJob
from backend.jobs.anchors import AnchorJob
from backend.jobs.cases import CaseRules, CaseSeeker
from backend.jobs.follow import Follower
from backend.jobs.heartbeat import Heartbeat
from backend.jobs.hotline import HotlineJob
from backend.jobs.radar import Radar
from backend.jobs.relay import Relay
from backend.jobs.schedule import start_schedule
from backend.jobs.tally import Tally
from backend.jobs.witness import RpcWitness
from backend.logs import configure_logs
from backend.settings import Settings
from backend.store.books import BooksStore
from backend.store.bundles import NotRecordedYet, find_evidence
from backend.store.continuity import ContinuityLog, stale_after
from backend.store.lease import Lease
from backend.store.outbox import Outbox, TransactionStore
from backend.store.reading import Reader
from backend.store.session import Database
from backend.usecases.anchor_statements import Notary
from backend.usecases.prove_entry import ChainAway, NotOnChain, prove_entry
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


def create_app(settings: Settings, *, now: Callable[[], int] = wall_clock) -> FastAPI:
    """Return the whole server; its periodic work runs while it is up. `now` is its clock in Unix seconds."""
    deployment = Deployment.load(settings.deployment_file)
    network = network_of(deployment)
    database = Database(settings.database)
    database.migrate()
    urls = settings.rpc_urls.split(",")
    timeout_seconds = settings.rpc_timeout_seconds
    rpc = Rpc(urls, chain_id=deployment.chain_id, timeout_seconds=timeout_seconds)
    require_same_chain(rpc, deployment)
    books = BooksStore(database, network)
    # Endpoints stand in for one another, and are held against one another.
    others = (
        [Rpc(url, chain_id=deployment.chain_id, timeout_seconds=timeout_seconds) for url in urls]
        if len(urls) > 1
        else []
    )
    finality = Finality(None if settings.finality == "tag" else settings.finality)
    watcher = Watcher(rpc, deployment, others=others, finality=finality)
    follower = Follower(watcher, BooksStore(database, network))
    services = Services(
        database=database,
        books=books,
        network=network,
        deployment=deployment,
        finality=settings.finality,
        public_base_url=settings.public_base_url,
        phone_nodes=settings.phone_node_urls,
        chain_is_reachable=lambda: bool(follower.is_reachable),
        chain_head=lambda: follower.chain_head,
        stale_seconds=stale_after(settings.heartbeat_seconds),
        now=now,
        hotline_key=settings.hotline_key,
        pressure=Pressure(settings.uploads_max),
        proofs=RpcProofs(rpc, deployment.actor_registry),
        block_hash=lambda number: _block_hash(rpc, number),
    )
    hotline = HttpHotline(settings.hotline_url, settings.hotline_key) if settings.hotline_url else None
    alerts = AlertSettings()
    if settings.alerts_file:
        alerts = load_alert_settings(Path(settings.alerts_file), base_url=settings.public_base_url)
    pages = _console_deps(settings, services, rpc)
    app = create_api(services, max_body_bytes=settings.max_body_bytes, error_page=_page_for(pages))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        lease = Lease(database, "relay and follow")
        heartbeat = Heartbeat(
            ContinuityLog(database, stale_seconds=services.stale_seconds),
            follower,
            backlog_after_seconds=settings.backlog_after_seconds,
            now=services.now,
        )
        with suppress(SQLAlchemyError):  # a disk that is full now is a reason to be down, not to stay down
            heartbeat.beat()
        scheduler = start_schedule(
            lease=lease,
            relay=_relay(settings, rpc, services, lease),
            follower=follower,
            heartbeat=heartbeat,
            radar=Radar(database, services.thresholds, services.now),
            cases=CaseSeeker(
                database,
                CaseRules(services.tolerances.rules, services.thresholds, services.case_rules),
                services.now,
            ),
            tally=Tally(database),
            is_busy=services.pressure.is_busy,
            period_ms=settings.poll_period_ms,
            heartbeat_seconds=settings.heartbeat_seconds,
            hotline=None if hotline is None else HotlineJob(database, hotline, now),
            alerts=AlertJob(database, alerts, now),
            anchors=_anchors(settings, services),
        )
        yield
        with suppress(Exception):
            scheduler.shutdown(wait=True)
        with suppress(SQLAlchemyError):  # without a database both lapse by themselves
            heartbeat.end()
            lease.release()
        database.close()
        for node in (rpc, *others):
            node.close()
        if hotline is not None:
            hotline.close()

    app.router.lifespan_context = lifespan
    app.include_router(create_console_router(pages))
    _serve_authority(app, settings.data_dir / "lan" / "authority.pem")
    if APP_DIST.is_dir():
        app.mount("/app", AppFiles(directory=APP_DIST, nodes=settings.phone_node_urls), name="app")
    return app


def _block_hash(rpc: Rpc, number: int) -> bytes | None:
    try:
        block = rpc.call("eth_getBlockByNumber", hex(number), False)
    except (RpcError, RpcUnavailable):
        return None
    return None if block is None else bytes.fromhex(block["hash"][2:])


def _relay(settings: Settings, rpc: Rpc, services: Services, lease: Lease) -> Relay | None:
    if not settings.relayer_key:
        return None
    key, database = bytes.fromhex(settings.relayer_key.removeprefix("0x")), services.database
    sender = Sender(rpc, key, services.deployment.custody_ledger, store=TransactionStore(database, ""))
    sender.store = TransactionStore(database, sender.address, lease=lease)
    return Relay(sender, Outbox(database), services.books, lease, services.metrics)


def _anchors(settings: Settings, services: Services) -> AnchorJob | None:
    if not (settings.anchor_device and settings.anchor_key):
        return None
    key = SigningKey.from_secret(int(settings.anchor_key.removeprefix("0x"), 16))
    notary = Notary(int(settings.anchor_device, 16), key, services.network)

    def is_level() -> bool:
        head = services.chain_head()
        with services.database.transaction(writes=False) as connection:
            block = Reader(connection).following().block_number
        return head is not None and block is not None and block >= head

    return AnchorJob(services.database, notary, services.now, is_level)


def _console_deps(settings: Settings, services: Services, rpc: Rpc) -> ConsoleDeps:
    @contextmanager
    def read() -> Iterator[Reader]:
        with services.database.transaction(writes=False) as connection:
            yield Reader(connection)

    @contextmanager
    def write() -> Iterator[Connection]:
        with services.database.transaction() as connection:
            yield connection

    def verify_entry(device: str, seq: int) -> VerificationReport | None:
        try:
            with services.database.transaction(writes=False) as connection:
                evidence = find_evidence(connection, device=device, seq=seq)
            if evidence is None:
                return None
            bundle = write_bundle(prove_entry(evidence, services.proofs, services.network))
        except (NotRecordedYet, NotOnChain, ChainAway):
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
        now=services.now,
        tolerances=services.tolerances,
        continuity=lambda period: continuity_of(services, period),
        open_days=lambda: days_of(services),
        open_day=lambda date: day_of(services, date),
        thresholds=services.thresholds,
        trust=services.deployment.to_trust,
        write=write,
        tells_hotline=bool(settings.hotline_url),
        identity_provider=_identity_provider(settings),
        case_rules=services.case_rules,
        block_hash=services.block_hash,
        map_layers=load_map_layers(Path(settings.map_layers_file)) if settings.map_layers_file else (),
    )


def _identity_provider(settings: Settings) -> OidcProvider | None:
    if not settings.oidc_issuer:
        return None
    return OidcProvider(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret)


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
