"""The signs of life that the record of outages is made of."""

from __future__ import annotations

from collections.abc import Callable

from backend.jobs.follow import Follower
from backend.store.continuity import ContinuityLog


class Heartbeat:
    """Writes down that this process lives, and, in the one that follows the chain, how chain and queue are.

    `now` is the server's clock in Unix seconds. Replicas share one record: the service was up when any was.
    """

    def __init__(
        self, log: ContinuityLog, follower: Follower, *, backlog_after_seconds: int, now: Callable[[], int]
    ) -> None:
        self._log, self._follower, self._now = log, follower, now
        self._backlog_after_seconds = backlog_after_seconds
        self._span_id: int | None = None

    def beat(self) -> None:
        """Write down that this process lives."""
        self._span_id = self._log.server_lives(self._span_id, self._now())

    def look(self) -> None:
        """Write down whether the chain answers, and whether something waits for it too long."""
        if self._follower.is_reachable is not None:
            self._log.chain(is_silent=not self._follower.is_reachable, now=self._now())
        self._log.backlog(after_seconds=self._backlog_after_seconds, now=self._now())

    def end(self) -> None:
        """Write down that this process ends in good order."""
        if self._span_id is not None:
            self._log.server_ends(self._span_id, self._now())
