"""How long each stage of a complaint may take: public, versioned, and never reaching back.

A limit counts either every hour (waste does not wait for Monday) or working time. The version in force when the
complaint was made holds until it is closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import Any, Final

from backend.domain.days import DAY_SECONDS
from backend.domain.errors import DomainError
from backend.domain.working_time import WorkCalendar, local_day, midnight_of

LIMITS: Final = frozenset(
    ("assign", "assign-urgent", "handle", "handle-urgent", "supervise", "rate", "close", "appeal")
)


WANTED_DAYS_MAX: Final = 14


class ComplaintKind(IntEnum):
    """What a complaint is about, or which pick-up is asked for."""

    NOT_COLLECTED = 1
    MIXED_LOADING = 2
    OVERFLOW = 3
    SMELL_OR_NOISE = 4
    STAFF = 5
    WRONG_INFORMATION = 6
    OTHER = 7
    BULKY_PICKUP = 8
    LOW_VALUE_PICKUP = 9
    MERCHANT_PICKUP = 10

    @property
    def is_service(self) -> bool:
        """Whether a pick-up is asked for, and nothing complained about: the same case with a wanted day."""
        return self >= ComplaintKind.BULKY_PICKUP


class UnusableComplaintRules(DomainError):
    """The document of rules contradicts itself or cannot be read."""

    slug = "unusable-complaint-rules"
    title = "These complaint rules cannot be used"


class NoComplaintRules(DomainError):
    """No version of the rules fits."""

    slug = "no-complaint-rules"
    title = "No complaint rules are in force"


@dataclass(frozen=True)
class Limit:
    """How long something may take, in seconds of either clock."""

    seconds: int
    is_working_time: bool


@dataclass(frozen=True)
class ComplaintRules:
    """One version of the limits, with the calendar that it counts working time by."""

    version: int
    in_force_from: int
    urgent: frozenset[ComplaintKind]
    limits: Mapping[str, Limit]
    calendar: WorkCalendar

    def due_at(self, name: str, since: int, kind: ComplaintKind) -> int:
        """Return until when (Unix seconds) something that began at `since` has time."""
        urgent = f"{name}-urgent"
        limit = self.limits[urgent if kind in self.urgent and urgent in self.limits else name]
        return self.calendar.after(since, limit.seconds) if limit.is_working_time else since + limit.seconds


def is_wanted_day(day: int, reported_at: int) -> bool:
    """Say whether a day (written 20260302) is one of the next fourteen."""
    today = local_day(reported_at)
    days = [today + timedelta(days=ahead) for ahead in range(1, WANTED_DAYS_MAX + 1)]
    return day in [number_of_day(each) for each in days]


def number_of_day(day: date) -> int:
    """Return a day as a number: 20260302."""
    return day.year * 10_000 + day.month * 100 + day.day


def end_of_day(day: int) -> int:
    """Return the instant (Unix seconds) at which a day (written 20260302) is over in Shanghai."""
    return midnight_of(date(day // 10_000, day // 100 % 100, day % 100)) + DAY_SECONDS


def read_complaint_rules(document: Any) -> tuple[ComplaintRules, ...]:
    """Return the versions of a document, oldest first.

    Raises:
        UnusableComplaintRules: something is missing, of the wrong form, or not in order.
    """
    try:
        calendar = _read_calendar(document["calendar"])
        rules = tuple(_read_version(raw, calendar) for raw in document["versions"])
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise UnusableComplaintRules(f"The complaint rules cannot be read: {error!r}.") from error
    if [version.version for version in rules] != list(range(1, len(rules) + 1)):
        raise UnusableComplaintRules("Versions count from 1 without gaps.")
    starts = [version.in_force_from for version in rules]
    if not rules or starts != sorted(set(starts)):
        raise UnusableComplaintRules("Each version comes into force after the one before it.")
    return rules


def rules_in_force(rules: Sequence[ComplaintRules], at: int) -> ComplaintRules:
    """Return the version in force at an instant.

    Raises:
        NoComplaintRules: the first comes into force later.
    """
    found = [version for version in rules if version.in_force_from <= at]
    if not found:
        raise NoComplaintRules(f"No complaint rules were in force at {at}.")
    return found[-1]


def rules_of_version(rules: Sequence[ComplaintRules], version: int) -> ComplaintRules:
    """Return a version by its number.

    Raises:
        NoComplaintRules: there is no such version.
    """
    if not 1 <= version <= len(rules):
        raise NoComplaintRules(f"There is no version {version} of the complaint rules.")
    return rules[version - 1]


def _read_calendar(raw: Any) -> WorkCalendar:
    hours = tuple((_seconds(opens), _seconds(closes)) for opens, closes in raw["hours"])
    edges = [edge for span in hours for edge in span]
    if not hours or edges != sorted(set(edges)) or edges[0] < 0 or edges[-1] > DAY_SECONDS:
        raise ValueError("working hours are spans of one day, in order and apart")
    return WorkCalendar(
        hours,
        frozenset(date.fromisoformat(day) for day in raw["holidays"]),
        frozenset(date.fromisoformat(day) for day in raw["working_weekends"]),
    )


def _seconds(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def _read_version(raw: Any, calendar: WorkCalendar) -> ComplaintRules:
    limits = {
        name: Limit(limit["hours"] * 3600, {"working": True, "every": False}[limit["clock"]])
        for name, limit in raw["limits"].items()
    }
    are_whole = all(type(limit.seconds) is int and limit.seconds > 0 for limit in limits.values())
    if set(limits) != LIMITS or not are_whole:
        raise ValueError(f"there is a limit of whole hours for each of {sorted(LIMITS)}")
    return ComplaintRules(
        version=raw["version"],
        in_force_from=int(datetime.fromisoformat(raw["in_force_from"]).timestamp()),
        urgent=frozenset(ComplaintKind[name.upper().replace("-", "_")] for name in raw["urgent"]),
        limits=limits,
        calendar=calendar,
    )
