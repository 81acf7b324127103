"""A table of (work, period); no logic."""

from __future__ import annotations

from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]

from backend.jobs.follow import Follower
from backend.jobs.relay import Relay


def start_schedule(*, relay: Relay | None, follower: Follower, period_ms: int) -> BackgroundScheduler:
    """Start the periodic work of this process; each piece runs one at a time."""
    scheduler = BackgroundScheduler()
    work: list[tuple[str, Callable[[], object]]] = [("follow the ledger", follower.catch_up)]
    if relay is not None:
        work.append(("relay segments", relay.run_once))
    for name, run in work:
        scheduler.add_job(
            run, "interval", seconds=period_ms / 1000, id=name, max_instances=1, coalesce=True,
            misfire_grace_time=None,
        )  # fmt: skip
    scheduler.start()
    return scheduler
