"""Looks through what is new in the books for what does not fit; never while somebody waits for a page."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from backend.domain.days import DAY_SECONDS, day_of
from backend.domain.radar.looking import look_at_handoffs, look_at_lifts
from backend.domain.radar.thresholds import Threshold, in_force
from backend.store.findings import HANDOFFS, LIFTS, FindingStore, Pass
from backend.store.reading import Reader
from backend.store.reading.radar import RadarReading
from backend.store.session import Database

log = structlog.get_logger("radar")

WINDOW_DAYS = 31
"""Handoffs and tickets are looked at over a month, and found again each time."""
_LOOKS_AGAIN_SECONDS = 600
"""At weeks, which take long to read; time alone makes a lot overdue, also when nothing new is recorded."""


class Radar:
    """Looks at each day of lifts once it has news, and at a month of handoffs and tickets."""

    def __init__(self, database: Database, rules: tuple[Threshold, ...], now: Callable[[], int]) -> None:
        self._database, self._rules, self._now = database, rules, now
        self._newest_seen = 0

    def run_once(self) -> int:
        """Look at what is new; return how many findings came of it.

        Reading takes long and locks nothing; what was found is written in one short transaction a day.
        """
        with self._database.transaction(writes=False) as connection:
            reading, store = RadarReading(connection), FindingStore(connection)
            newest_id, block_hash = reading.newest_segment()
            lifts_pass, handoffs_pass = store.find_pass(LIFTS), store.find_pass(HANDOFFS)
            known = [done for done in (lifts_pass, handoffs_pass) if done is not None]
            is_replaced = not all(reading.is_in_books(done.segment_id, done.block_hash) for done in known)
            now = Reader(connection).present(self._now())
        if is_replaced:
            log.info("the chain replaced blocks; looking again from the first day")
            with self._database.transaction() as connection:
                FindingStore(connection).forget()
            lifts_pass = handoffs_pass = None
        if newest_id == 0:
            return 0
        found = 0
        if lifts_pass is None or lifts_pass.segment_id < newest_id:
            found += self._look_at_days(0 if lifts_pass is None else lifts_pass.day, now)
        # After a burst the weeks are looked at as soon as the books are quiet, and need not wait for their turn.
        is_quiet, self._newest_seen = newest_id == self._newest_seen, newest_id
        is_due = handoffs_pass is None or now >= handoffs_pass.looked_at + _LOOKS_AGAIN_SECONDS
        if is_due or (is_quiet and handoffs_pass is not None and handoffs_pass.segment_id < newest_id):
            found += self._look_at_weeks(Pass(newest_id, block_hash, day_of(now), now))
        return found

    def _look_at_days(self, since: int, now: int) -> int:
        count = 0
        with self._database.transaction(writes=False) as connection:
            # One more, to compare the first with; it was looked at before.
            days = RadarReading(connection).recorded_days(since - 1)
            bins = RadarReading(connection).bins()
        before = None
        for day in days:
            if day.day >= since:
                with self._database.transaction(writes=False) as connection:
                    reading = RadarReading(connection)
                    yesterday = before if before is not None and before.day == day.day - 1 else None
                    lifts = reading.lifts(day, before=yesterday)
                    block_hash = reading.block_hash_of(day.last_id)
                rules = in_force(self._rules, now)
                findings = look_at_lifts(lifts, bins, rules)
                with self._database.transaction() as connection:
                    store = FindingStore(connection)
                    store.replace(LIFTS, findings, period=day.day)
                    store.keep_pass(LIFTS, Pass(day.last_id, block_hash, day.day, now))
                count += len(findings)
            before = day
        return count

    def _look_at_weeks(self, done: Pass) -> int:
        since = done.looked_at - WINDOW_DAYS * DAY_SECONDS
        with self._database.transaction(writes=False) as connection:
            reading = RadarReading(connection)
            days = reading.recorded_days(day_of(since))
            handoffs, tickets = reading.handoffs_and_tickets(days)
            held = reading.held_lots(days)
            doubts = FindingStore(connection).doubts(since)
        rules = in_force(self._rules, done.looked_at)
        findings = look_at_handoffs(handoffs, tickets, held, rules, now=done.looked_at, doubts=doubts)
        with self._database.transaction() as connection:
            store = FindingStore(connection)
            store.replace(HANDOFFS, findings, period=done.day, since_at=since)
            store.keep_pass(HANDOFFS, done)
        return len(findings)
