"""Which stream a bin is of, remembered for a while: a city's trucks name the same bins day after day.

Asking a database for 250 bins takes as long as checking the seal over them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection

_SECONDS_KEPT = 60
_BINS_MAX = 1_000_000


class BinsByHeart:
    """Streams by bin, of bins that exist; safe for many threads.

    A bin that comes to exist is seen at once. One that is given another stream is seen within a minute: until
    then a lift may carry a warning too many or too few, and nothing else depends on it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._streams: dict[int, int] = {}
        self._forgotten_at = clock()

    def find(self, bins: Collection[int], ask: Callable[[Collection[int]], dict[int, int]]) -> dict[int, int]:
        """Return the stream of each of these bins that exists; `ask` tells those that are not known."""
        with self._lock:
            if self._clock() - self._forgotten_at >= _SECONDS_KEPT or len(self._streams) > _BINS_MAX:
                self._streams, self._forgotten_at = {}, self._clock()
            known = self._streams
        found = {number: known[number] for number in bins if number in known}
        missing = bins if not found else [number for number in bins if number not in found]
        if missing:
            told = ask(missing)
            with self._lock:
                known.update(told)
            found |= told
        return found
