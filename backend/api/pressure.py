"""Back-pressure: a server that is too busy says so at once, and when to come back, instead of collapsing."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import AsyncIterator, Callable

from fastapi import Request

from backend.api.problems import ApiProblem
from backend.api.upload_body import UseUploadBody

_FIRST_PACE_PER_SECOND = 64
# Uploads leave in groups, a transaction each: one gap between two of them says little.
_UPLOADS_AVERAGED = 32
RETRY_AFTER_SECONDS_MAX = 60


class Pressure:
    """Counts uploads that are being kept; the ones over the limit are sent away.

    Each that is sent away is told a time of its own, as far behind the others as an upload takes: told the same,
    all would come back together, and most of them in vain.
    """

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock, self._lock = limit, clock, threading.Lock()
        self._busy = 0
        self._seconds_an_upload = 1 / _FIRST_PACE_PER_SECOND
        self._worked_since = self._promised_until = -math.inf

    def is_busy(self) -> bool:
        """Say whether an upload is being kept at this moment."""
        return self._busy > 0

    def enter(self) -> None:
        """Take a place.

        Raises:
            ApiProblem: there is none.
        """
        with self._lock:
            if self._busy >= self._limit:
                raise ApiProblem(
                    "busy", f"{self._limit} uploads are being kept.", retry_after_seconds=self._promise()
                )
            if not self._busy:
                self._worked_since = self._clock()
            self._busy += 1

    def leave(self) -> None:
        """Give the place back."""
        with self._lock:
            now = self._clock()
            took, self._worked_since = now - self._worked_since, now
            self._seconds_an_upload += (took - self._seconds_an_upload) / _UPLOADS_AVERAGED
            self._busy -= 1

    def _promise(self) -> int:
        """Return in how many seconds a place will be free that was not promised to anybody yet."""
        now = self._clock()
        free_at = max(now, self._promised_until) + self._seconds_an_upload
        self._promised_until = min(free_at, now + RETRY_AFTER_SECONDS_MAX)
        return max(1, math.ceil(self._promised_until - now))


async def admitted(request: Request, _body: UseUploadBody) -> AsyncIterator[None]:
    """Hold a place while a request is answered. On the event loop: a request without one takes no thread.

    The body has come by then: a slow line holds no place.
    """
    pressure: Pressure = request.app.state.services.pressure
    pressure.enter()
    try:
        yield
    finally:
        pressure.leave()
