"""Tells the 12345 hotline, from time to time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backend.store.complaints import ComplaintStore
from backend.store.session import Database
from backend.usecases.ports import Hotline
from backend.usecases.tell_hotline import tell_hotline

PERIOD_SECONDS = 5.0


class HotlineJob:
    """One hotline, and the complaints that it is told of."""

    def __init__(self, database: Database, hotline: Hotline, now: Callable[[], int]) -> None:
        self._database, self._hotline, self._now = database, hotline, now

    def run_once(self) -> int:
        """Tell what is new; return how many complaints the hotline took."""
        return tell_hotline(self._notes, self._hotline, now=self._now())

    @contextmanager
    def _notes(self) -> Iterator[ComplaintStore]:
        with self._database.transaction() as connection:
            yield ComplaintStore(connection)
