"""Deadlines of the cases for which no other rule has a clock: public, versioned, and never reaching back.

Amendments, disputes and refusals to collect have their clocks in their own rules; lots that are not taken or not
given on have theirs in the radar's thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.domain.errors import DomainError

FORMAT = "huanlian-cases-1"
_KEYS = frozenset(("id", "version", "in_force_from", "values", "text", "source"))
VALUES: Mapping[str, frozenset[str]] = {
    "weight-difference": frozenset(("due_seconds",)),
    "odd-entry": frozenset(("due_seconds",)),
    "finding": frozenset(("due_seconds", "confidence_permille_min")),
}
"""What each rule must say."""


class UnusableCaseRules(DomainError):
    """A document of case rules cannot be read, or leaves something out."""

    slug = "unusable-case-rules"
    title = "The case rules cannot be used"


@dataclass(frozen=True)
class CaseRule:
    """One version of one rule; `values` are whole numbers with their unit in the name."""

    rule_id: str
    version: int
    in_force_from: int
    values: Mapping[str, int]
    text_zh: str
    text_en: str
    source: str


def read_case_rules(document: Any) -> tuple[CaseRule, ...]:
    """Return all versions of all rules of a document, in its order.

    Raises:
        UnusableCaseRules: not in this format, a rule without exactly its values, or versions not ascending.
    """
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise UnusableCaseRules(f"The document is not in the format {FORMAT}.")
    listed = document.get("rules")
    if not isinstance(listed, list):
        raise UnusableCaseRules("The document lists no rules.")
    rules = tuple(_read_rule(index, raw) for index, raw in enumerate(listed))
    newest: dict[str, CaseRule] = {}
    for rule in rules:
        before = newest.get(rule.rule_id)
        if rule.version != (1 if before is None else before.version + 1):
            raise UnusableCaseRules(f"{rule.rule_id} {rule.version} is not the next version.")
        if before is not None and rule.in_force_from <= before.in_force_from:
            raise UnusableCaseRules(f"{rule.rule_id} {rule.version} is in force before the one it replaces.")
        newest[rule.rule_id] = rule
    missing = sorted(set(VALUES) - set(newest))
    if missing:
        raise UnusableCaseRules(f"The document has no rule for {', '.join(missing)}.")
    return rules


def _read_rule(index: int, raw: Any) -> CaseRule:
    if not isinstance(raw, Mapping) or set(raw) != _KEYS:
        raise UnusableCaseRules(f"Rule {index} must have exactly the keys {', '.join(sorted(_KEYS))}.")
    try:
        since = datetime.fromisoformat(raw["in_force_from"])
        if since.tzinfo is None:
            raise ValueError("in_force_from has no time zone")
        text = raw["text"]
        rule = CaseRule(
            raw["id"],
            raw["version"],
            int(since.timestamp()),
            dict(raw["values"]),
            text["zh"],
            text["en"],
            raw["source"],
        )
        expected = VALUES[rule.rule_id]
    except (TypeError, KeyError, ValueError) as error:
        raise UnusableCaseRules(f"Rule {index} cannot be read: {error}.") from error
    if set(rule.values) != expected:
        raise UnusableCaseRules(f"{rule.rule_id} must have exactly the values {', '.join(sorted(expected))}.")
    if not all(type(value) is int and value >= 0 for value in (rule.version, *rule.values.values())):
        raise UnusableCaseRules(f"{rule.rule_id}: all its values are whole numbers.")
    return rule


def find_case_rule(rules: Sequence[CaseRule], rule_id: str, at: int) -> CaseRule | None:
    """Return the version of a rule that was in force at an instant; None where there was none yet."""
    found = [rule for rule in rules if rule.rule_id == rule_id and rule.in_force_from <= at]
    return found[-1] if found else None


def due_by(rule: CaseRule | None, since: int) -> int | None:
    """Return the deadline that a rule gives what began at an instant; None without a rule."""
    return None if rule is None else since + rule.values["due_seconds"]
