"""A table of (work, period); no logic but who does it."""

from __future__ import annotations

from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]

from backend.jobs.alerts import PERIOD_SECONDS as ALERT_SECONDS
from backend.jobs.alerts import AlertJob
from backend.jobs.anchors import PERIOD_SECONDS as ANCHOR_SECONDS
from backend.jobs.anchors import AnchorJob
from backend.jobs.cases import CaseSeeker
from backend.jobs.follow import Follower
from backend.jobs.heartbeat import Heartbeat
from backend.jobs.hotline import PERIOD_SECONDS, HotlineJob
from backend.jobs.patience import patiently
from backend.jobs.radar import Radar
from backend.jobs.relay import Relay
from backend.jobs.tally import Tally
from backend.store.lease import LEASE_SECONDS, Lease

RADAR_SECONDS = 60.0
"""A day of a city takes some seconds to look through; nobody waits for it."""
CASES_SECONDS = 2.0
"""Somebody who has just acted looks at the case again."""

TALLY_SECONDS = 5.0
"""With nothing new it costs two short questions."""


def start_schedule(
    *,
    lease: Lease,
    relay: Relay | None,
    follower: Follower,
    heartbeat: Heartbeat,
    radar: Radar,
    cases: CaseSeeker,
    tally: Tally,
    is_busy: Callable[[], bool],
    period_ms: int,
    heartbeat_seconds: float,
    hotline: HotlineJob | None = None,
    alerts: AlertJob | None = None,
    anchors: AnchorJob | None = None,
) -> BackgroundScheduler:
    """Start the periodic work of this process; each piece runs one at a time, and in one process of many.

    `is_busy` says whether uploads are being kept now: what only counts and looks through waits for a lull then.
    """
    period = period_ms / 1000
    work: list[tuple[str, float, Callable[[], object]]] = [
        ("keep the lease", LEASE_SECONDS / 3, lease.hold),
        ("tell that it lives", heartbeat_seconds, heartbeat.beat),
        ("watch chain and queue", heartbeat_seconds, _by_one(lease, heartbeat.look)),
        ("follow the ledger", period, _by_one(lease, follower.catch_up, meanwhile=follower.ask)),
        ("count for the indicators", TALLY_SECONDS, _by_one(lease, patiently(tally.run_once, is_busy))),
        ("look for what does not fit", RADAR_SECONDS, _by_one(lease, patiently(radar.run_once, is_busy))),
        ("look for what waits", CASES_SECONDS, _by_one(lease, patiently(cases.run_once, is_busy))),
    ]
    if relay is not None:
        work.append(("relay segments", period, _by_one(lease, relay.run_once)))
    if hotline is not None:
        work.append(("tell the hotline", PERIOD_SECONDS, _by_one(lease, hotline.run_once)))
    if alerts is not None:
        work.append(("raise and send alerts", ALERT_SECONDS, _by_one(lease, alerts.run_once)))
    if anchors is not None:
        work.append(("anchor what was said", ANCHOR_SECONDS, _by_one(lease, anchors.run_once)))
    scheduler = BackgroundScheduler()
    for name, seconds, run in work:
        scheduler.add_job(
            run, "interval", seconds=seconds, id=name, max_instances=1, coalesce=True, misfire_grace_time=None
        )
    scheduler.start()
    return scheduler


def _by_one(
    lease: Lease, work: Callable[[], object], *, meanwhile: Callable[[], object] = lambda: None
) -> Callable[[], None]:
    """Return work for the process that holds the lease, and what the others do instead."""

    def run() -> None:
        if lease.hold():
            work()
        else:
            meanwhile()

    return run
