"""How far a declared and a weighed mass may differ: public rules, by version.

The rules are data, read from a document that anyone can fetch and whose digest can be anchored. The rule in
force when the take happened decides; a version that comes later changes no verdict.
Source: docs/spec/entries.md, "Judgements"; 40 CFR 264.72(b), https://www.ecfr.gov/current/title-40/section-264.72.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785

from backend.domain.errors import DomainError
from backend.domain.keccak import keccak256
from backend.domain.types import Basis, Stream

FORMAT = "huanlian-tolerances-1"
_KEYS = frozenset(
    ("id", "version", "in_force_from", "streams", "bases", "permille_max", "floor_grams", "text", "source")
)


class NoToleranceInForce(DomainError):
    """No published rule says how far these two masses may differ."""

    slug = "no-tolerance-in-force"
    title = "No tolerance rule was in force"

    def __init__(self, *, stream: int, basis: int, at: int) -> None:
        super().__init__(f"No tolerance for stream {stream}, basis {basis} was in force at {at}.")
        self.stream, self.basis, self.at = stream, basis, at


class UnusableTolerances(DomainError):
    """A rule document cannot be read, contradicts itself, or changes what was published."""

    slug = "unusable-tolerances"
    title = "The tolerance rules cannot be used"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class ToleranceRule:
    """One version of one rule.

    Two masses agree when they differ by no more than `permille_max` of the declared mass, or by no more
    than `floor_grams`: below that floor the scales' own division is larger than any band.
    """

    rule_id: str
    version: int
    in_force_from: int
    streams: frozenset[int]
    bases: frozenset[int]
    permille_max: int
    floor_grams: int
    text_zh: str
    text_en: str
    source: str

    def covers(self, *, stream: int, basis: int) -> bool:
        """Say whether the rule is about this stream, declared on this basis."""
        return stream in self.streams and basis in self.bases


@dataclass(frozen=True)
class ToleranceVerdict:
    """What a rule says of two masses.

    `difference_grams` is weighed minus declared. `permille` is its size against the declared mass, rounded
    up so that a difference just outside a band never reads as if it were inside; None when nothing was declared.
    """

    rule_id: str
    version: int
    difference_grams: int
    permille: int | None
    is_within: bool


def read_rules(document: Any) -> tuple[ToleranceRule, ...]:
    """Return the rules of a document, in its order.

    Raises:
        UnusableTolerances: not in this format, versions of an id not ascending, or two rules for one case
            that come into force at the same instant.
    """
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise UnusableTolerances(f"The document is not in the format {FORMAT}.")
    listed = document.get("rules")
    if not isinstance(listed, list) or not listed:
        raise UnusableTolerances("The document lists no rules.")
    rules = tuple(_read_rule(index, raw) for index, raw in enumerate(listed))
    _require_ascending(rules)
    _require_one_answer(rules)
    return rules


def _read_rule(index: int, raw: Any) -> ToleranceRule:
    if not isinstance(raw, Mapping) or set(raw) != _KEYS:
        raise UnusableTolerances(f"Rule {index} must have exactly the keys {', '.join(sorted(_KEYS))}.")
    try:
        in_force_from = datetime.fromisoformat(raw["in_force_from"])
        if in_force_from.tzinfo is None:
            raise ValueError("in_force_from has no time zone")
        rule = ToleranceRule(
            rule_id=raw["id"],
            version=raw["version"],
            in_force_from=int(in_force_from.timestamp()),
            streams=frozenset(Stream[name.upper()] for name in raw["streams"]),
            bases=frozenset(Basis[name.upper()] for name in raw["bases"]),
            permille_max=raw["permille_max"],
            floor_grams=raw["floor_grams"],
            text_zh=raw["text"]["zh"],
            text_en=raw["text"]["en"],
            source=raw["source"],
        )
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise UnusableTolerances(f"Rule {index} cannot be read: {error}.") from error
    numbers = (rule.version, rule.permille_max, rule.floor_grams)
    if not all(type(number) is int and number >= 0 for number in numbers) or rule.version == 0:
        raise UnusableTolerances(f"Rule {index}: version, permille_max and floor_grams are whole numbers.")
    texts = (rule.rule_id, rule.text_zh, rule.text_en, rule.source)
    if not all(isinstance(text, str) and text for text in texts) or not rule.streams or not rule.bases:
        raise UnusableTolerances(f"Rule {index} leaves its id, text, source, streams or bases empty.")
    return rule


def _require_ascending(rules: Sequence[ToleranceRule]) -> None:
    newest: dict[str, ToleranceRule] = {}
    for rule in rules:
        before = newest.get(rule.rule_id)
        expected = 1 if before is None else before.version + 1
        if rule.version != expected:
            raise UnusableTolerances(f"{rule.rule_id} has version {rule.version} where {expected} is next.")
        if before is not None and rule.in_force_from <= before.in_force_from:
            raise UnusableTolerances(f"{rule.rule_id} {rule.version} is in force before the version it replaces.")
        newest[rule.rule_id] = rule


def _require_one_answer(rules: Sequence[ToleranceRule]) -> None:
    seen: dict[tuple[int, int, int], str] = {}
    for rule in rules:
        for stream in rule.streams:
            for basis in rule.bases:
                other = seen.setdefault((stream, basis, rule.in_force_from), rule.rule_id)
                if other != rule.rule_id:
                    raise UnusableTolerances(f"{other} and {rule.rule_id} come into force together for one case.")


def rules_digest(document: Any) -> bytes:
    """Return the 32 bytes to anchor: keccak-256 of the document's canonical JSON (RFC 8785)."""
    return keccak256(rfc8785.dumps(document))


def require_only_added(
    published: Sequence[ToleranceRule], proposed: Sequence[ToleranceRule], *, published_at: int
) -> None:
    """Check that a new document keeps every published rule and adds only rules that come into force later.

    Raises:
        UnusableTolerances: a published rule is missing or changed, or a new one would reach back.
    """
    if tuple(proposed[: len(published)]) != tuple(published):
        raise UnusableTolerances("A published rule is missing, changed or moved.")
    for rule in proposed[len(published) :]:
        if rule.in_force_from <= published_at:
            raise UnusableTolerances(f"{rule.rule_id} {rule.version} would reach back before its publication.")


def rule_in_force(rules: Sequence[ToleranceRule], *, stream: int, basis: int, at: int) -> ToleranceRule:
    """Return the rule for a case at an instant: of those that cover it, the last to have come into force.

    Raises:
        NoToleranceInForce: there is none.
    """
    covering = [rule for rule in rules if rule.covers(stream=stream, basis=basis) and rule.in_force_from <= at]
    if not covering:
        raise NoToleranceInForce(stream=stream, basis=basis, at=at)
    return max(covering, key=lambda rule: rule.in_force_from)


def judge(
    *,
    declared_grams: int,
    weighed_grams: int,
    stream: int,
    basis: int,
    at: int,
    rules: Sequence[ToleranceRule],
) -> ToleranceVerdict:
    """Return what the rule in force says; `basis` is how the declared mass was known, `at` when the take occurred.

    Raises:
        NoToleranceInForce: no rule covered the case at that instant.
    """
    rule = rule_in_force(rules, stream=stream, basis=basis, at=at)
    difference = weighed_grams - declared_grams
    size = abs(difference)
    permille = -(-size * 1000 // declared_grams) if declared_grams else None
    return ToleranceVerdict(
        rule_id=rule.rule_id,
        version=rule.version,
        difference_grams=difference,
        permille=permille,
        is_within=size <= rule.floor_grams or size * 1000 <= rule.permille_max * declared_grams,
    )
