"""What somebody is told without asking, and when: once for each thing, by preference, not at night.

An alert names kinds and ids, never a person or anything that somebody wrote. All times of day are Asia/Shanghai.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import rfc8785

from backend.domain.days import DAY_SECONDS, begin_of, day_of
from backend.domain.errors import DomainError
from backend.domain.keccak import keccak256

_ID_BYTES: Final = 16


class UnusableAlerts(DomainError):
    """The settings of alerts cannot be used."""

    slug = "unusable-alerts"
    title = "The settings of alerts cannot be used"


class AlertKind(StrEnum):
    """What an alert is about."""

    FINDING = "finding"
    COMPLAINT_OVERDUE = "complaint-overdue"
    CASE_OVERDUE = "case-overdue"
    WEIGHT_DIFFERENCE = "weight-difference"
    JOURNAL_SILENT = "journal-silent"
    RELAYER_BACKLOG = "relayer-backlog"


@dataclass(frozen=True)
class Alert:
    """Something that somebody should look at; `about` are ids and codes, `path` the page that shows it."""

    kind: AlertKind
    at: int
    about: Mapping[str, str]
    path: str

    @property
    def alert_id(self) -> str:
        """The same thing has the same id, however often it is noticed."""
        return keccak256(rfc8785.dumps({"kind": str(self.kind), "about": dict(self.about)}))[:_ID_BYTES].hex()


@dataclass(frozen=True)
class Preference:
    """Which alerts a recipient wants, and when; minutes count from midnight.

    `sites` narrows to these (empty: all). `quiet` is half-open and may pass midnight; what is in `urgent` comes at
    any time and at once. With `digest_minute` everything else comes once a day.
    """

    recipient: str
    kinds: frozenset[AlertKind]
    sites: frozenset[str] = frozenset()
    quiet: tuple[int, int] | None = None
    urgent: frozenset[AlertKind] = frozenset()
    digest_minute: int | None = None

    def wants(self, alert: Alert) -> bool:
        """Say whether an alert is for this recipient."""
        return alert.kind in self.kinds and (not self.sites or alert.about.get("site", "") in self.sites)

    def is_digested(self, kind: AlertKind) -> bool:
        """Say whether alerts of a kind wait for the day's digest."""
        return self.digest_minute is not None and kind not in self.urgent

    def due_at(self, kind: AlertKind, now: int) -> int:
        """Return when an alert that is raised now is to be sent; a digest is always later than now."""
        if kind in self.urgent:
            return now
        if self.digest_minute is not None:
            return _next(self.digest_minute, now)
        if self.quiet is not None and _is_between(_minute_of(now), *self.quiet):
            return _next(self.quiet[1], now)
        return now


@dataclass(frozen=True)
class AlertMessage:
    """One message to one recipient: an alert, or a day's."""

    message_id: str
    recipient: str
    channel: str
    alerts: tuple[Alert, ...]
    attempts: int = 0


def message_id(preference: Preference, channel: str, alert: Alert, due_at: int) -> str:
    """Return the id of the message that an alert goes into: its own, or that of the digest due then."""
    what = f"digest {due_at}" if preference.is_digested(alert.kind) else alert.alert_id
    return "msg_" + keccak256(f"{preference.recipient}\n{channel}\n{what}".encode())[:_ID_BYTES].hex()


def _minute_of(now: int) -> int:
    return (now - begin_of(day_of(now))) // 60


def _next(minute: int, now: int) -> int:
    """Return the next instant after now at this minute of the day."""
    midnight = begin_of(day_of(now))
    at = midnight + 60 * minute
    return at if at > now else at + DAY_SECONDS


def _is_between(minute: int, start: int, end: int) -> bool:
    return start <= minute < end if start <= end else minute >= start or minute < end
