"""Raises alerts and sends them, from time to time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backend.exchange.alert_file import AlertSettings
from backend.store.alerts import AlertStore
from backend.store.session import Database
from backend.usecases.alerts import raise_alerts, send_alerts

PERIOD_SECONDS = 15.0


class AlertJob:
    """The alerts of one database, and who gets them."""

    def __init__(self, database: Database, settings: AlertSettings, now: Callable[[], int]) -> None:
        self._database, self._settings, self._now = database, settings, now

    def run_once(self) -> int:
        """Raise what is new, send what is due; return how many messages were taken."""
        now, settings = self._now(), self._settings
        raise_alerts(self._boxes, settings.preferences, settings.channels, now=now)
        return send_alerts(self._boxes, settings.channels, now=now)

    @contextmanager
    def _boxes(self) -> Iterator[AlertStore]:
        with self._database.transaction() as connection:
            yield AlertStore(connection)
