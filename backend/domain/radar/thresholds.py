"""From which values on something counts as strange: public, versioned data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.domain.errors import DomainError

FORMAT = "huanlian-radar-1"
_KEYS = frozenset(("id", "version", "in_force_from", "values", "text", "source"))
VALUES: Mapping[str, frozenset[str]] = {
    "copied-label": frozenset(("speed_max_m_per_h", "slack_metres", "slack_seconds", "window_seconds")),
    "replayed-scan": frozenset(
        ("window_seconds", "repeats_min", "pairs_min", "same_permille_min", "slips_permille")
    ),
    "moved-clock": frozenset(("tolerance_seconds", "sigma_seconds")),
    "ghost-bin": frozenset(("registry_grace_seconds", "lifts_min", "slips_permille")),
    "impossible-speed": frozenset(
        ("speed_max_m_per_h", "slack_metres", "slack_seconds", "legs", "stop_seconds")
    ),
    "round-weights": frozenset(
        ("lift_step_grams", "lift_division_grams_max", "lifts_min", "ticket_step_grams",
         "ticket_division_grams_max", "tickets_min", "excess_permille_min")
    ),
    "mixed-streams": frozenset(("lifts_min", "slips_permille")),
    "tare-drift": frozenset(("tickets_min", "side_min", "change_grams_min")),
    "self-handoff": frozenset(
        ("same_organisation_permille", "no_other_scale_permille", "at_once_permille", "at_once_seconds",
         "ended_there_permille")
    ),
    "missing-mass": frozenset(
        ("deadline_seconds", "held_seconds", "held_sigma_seconds", "missing_permille_min", "missing_grams_min",
         "handoffs_min")
    ),
}  # fmt: skip
"""What each rule must say. Beside these, each has `confidence_permille_min`."""
_COMMON = frozenset(("confidence_permille_min",))


class UnusableThresholds(DomainError):
    """A document of thresholds cannot be read, or leaves something out."""

    slug = "unusable-thresholds"
    title = "The radar's thresholds cannot be used"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Threshold:
    """One version of one rule; `values` are whole numbers with their unit in the name."""

    rule_id: str
    version: int
    in_force_from: int
    values: Mapping[str, int]
    text_zh: str
    text_en: str
    source: str

    def __getitem__(self, name: str) -> int:
        return self.values[name]

    def is_enough(self, confidence: float) -> bool:
        """Say whether something is sure enough to be shown."""
        return confidence * 1000 >= self["confidence_permille_min"]


Thresholds = Mapping[str, Threshold]
"""The version in force of each rule, by its id."""


def read_thresholds(document: Any) -> tuple[Threshold, ...]:
    """Return all versions of all rules of a document, in its order.

    Raises:
        UnusableThresholds: not in this format, a rule without exactly its values, or versions not ascending.
    """
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise UnusableThresholds(f"The document is not in the format {FORMAT}.")
    listed = document.get("rules")
    if not isinstance(listed, list):
        raise UnusableThresholds("The document lists no rules.")
    rules = tuple(_read_rule(index, raw) for index, raw in enumerate(listed))
    newest: dict[str, Threshold] = {}
    for rule in rules:
        before = newest.get(rule.rule_id)
        if rule.version != (1 if before is None else before.version + 1):
            raise UnusableThresholds(f"{rule.rule_id} {rule.version} is not the next version.")
        if before is not None and rule.in_force_from <= before.in_force_from:
            raise UnusableThresholds(f"{rule.rule_id} {rule.version} is in force before the one it replaces.")
        newest[rule.rule_id] = rule
    return rules


def _read_rule(index: int, raw: Any) -> Threshold:
    if not isinstance(raw, Mapping) or set(raw) != _KEYS:
        raise UnusableThresholds(f"Rule {index} must have exactly the keys {', '.join(sorted(_KEYS))}.")
    try:
        since = datetime.fromisoformat(raw["in_force_from"])
        if since.tzinfo is None:
            raise ValueError("in_force_from has no time zone")
        rule = Threshold(
            raw["id"],
            raw["version"],
            int(since.timestamp()),
            dict(raw["values"]),
            raw["text"]["zh"],
            raw["text"]["en"],
            raw["source"],
        )
        expected = VALUES[rule.rule_id] | _COMMON
    except (TypeError, KeyError, ValueError) as error:
        raise UnusableThresholds(f"Rule {index} cannot be read: {error}.") from error
    if set(rule.values) != expected:
        raise UnusableThresholds(f"{rule.rule_id} must have exactly the values {', '.join(sorted(expected))}.")
    if not all(type(value) is int and value >= 0 for value in (rule.version, *rule.values.values())):
        raise UnusableThresholds(f"{rule.rule_id}: all its values are whole numbers.")
    return rule


def in_force(rules: tuple[Threshold, ...], at: int) -> Thresholds:
    """Return the version of each rule that is in force at an instant.

    Raises:
        UnusableThresholds: a rule that the radar needs is not in force.
    """
    found = {rule.rule_id: rule for rule in rules if rule.in_force_from <= at}
    missing = sorted(set(VALUES) - set(found))
    if missing:
        raise UnusableThresholds(f"Not in force at {at}: {', '.join(missing)}.")
    return found
