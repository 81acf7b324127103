"""What an audit has counted so far: plain numbers that can be written down and taken up again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.domain.types import Outcome, Refusal, Scheme
from backend.usecases.audit_faults import Value

_OUTCOMES = frozenset(int(outcome) for outcome in Outcome)


@dataclass
class Tally:
    """Segments, entries and seals by what became of them. Names of codes are those of docs/spec, in lower case."""

    segments: int = 0
    entries: int = 0
    lifts: int = 0
    sites: int = 0
    bins_placed: int = 0
    forks: int = 0
    witnesses: int = 0
    gaps_closed: int = 0
    seals: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    transcribed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults_not_kept: int = 0

    def count_seal(self, assertion: bytes) -> None:
        """Count a seal by its scheme: a passkey's comes with an assertion."""
        self.seals[name_of(Scheme.WEBAUTHN if assertion else Scheme.RAW)] += 1

    def count_refusal(self, reason: int) -> None:
        """Count a segment or witness of which nothing was stored."""
        self.refused[name_of(Refusal(reason))] += 1

    def to_json(self) -> dict[str, Any]:
        """Return plain values; what was never counted is left out."""
        return {
            name: dict(sorted(value.items())) if isinstance(value, Counter) else value
            for name, value in self.__dict__.items()
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Tally:
        """Return the tally that `to_json` wrote down."""
        values: dict[str, Any] = {n: Counter(v) if isinstance(v, dict) else v for n, v in content.items()}
        return cls(**values)


def name_of(code: Outcome | Refusal | Scheme) -> str:
    """Return a code's name as reports write it."""
    return code.name.lower().replace("_", "-")


def count_outcomes(into: Counter[str], outcomes: bytes) -> None:
    """Count outcome bytes; one that is no outcome is a fault already."""
    for byte, count in Counter(outcomes).items():
        if byte & 0xF in _OUTCOMES:
            into[name_of(Outcome(byte & 0xF))] += count


def outcome_value(byte: int | None) -> Value:
    """Return an outcome byte by the name of its outcome, with its flaw's number where there is one."""
    if byte is None:
        return None
    name = name_of(Outcome(byte & 0xF)) if byte & 0xF in _OUTCOMES else "none"
    return {"outcome": name, **({"flaw": byte >> 4} if byte >> 4 else {})}
