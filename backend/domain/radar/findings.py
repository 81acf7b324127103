"""A finding: what does not fit, which signed entries say so, by which rule, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from backend.domain.keccak import keccak256
from backend.domain.radar.thresholds import Threshold
from backend.domain.recorded import EntryId

EVIDENCE_MAX = 12
"""Entries that a finding names; `numbers` say how many there are."""


class FindingKind(Enum):
    """What the radar looks for. The value is also the id of its thresholds."""

    COPIED_LABEL = "copied-label"
    REPLAYED_SCAN = "replayed-scan"
    MOVED_CLOCK = "moved-clock"
    GHOST_BIN = "ghost-bin"
    IMPOSSIBLE_SPEED = "impossible-speed"
    ROUND_WEIGHTS = "round-weights"
    MIXED_STREAMS = "mixed-streams"
    TARE_DRIFT = "tare-drift"
    SELF_HANDOFF = "self-handoff"
    MISSING_MASS = "missing-mass"


@dataclass(frozen=True)
class Finding:
    """Something that looks wrong.

    `variant` names the explanation, whose numbers are whole, with their unit in the name. `at` is when the
    newest piece of evidence occurred. `subjects` are ids by what they name: bin, device, lot, vehicle.

    `doubted` are the entries that it says are not as told, all of them; `doubted_grams` the grams of them by lot,
    as far as those may never have been there. `follows_from` is the id of a finding that explains this one.
    """

    kind: FindingKind
    variant: str
    at: int
    subjects: Mapping[str, int]
    evidence: tuple[EntryId, ...]
    confidence: float
    numbers: Mapping[str, int]
    threshold: Threshold
    site: int | None = None
    doubted: tuple[EntryId, ...] = ()
    doubted_grams: Mapping[int, int] = field(default_factory=dict)
    follows_from: str | None = None

    @property
    def finding_id(self) -> str:
        """32 hex digits that follow from kind and evidence: the same finding, found again, has the same."""
        parts = [self.kind.value, self.variant, *(f"{device:016x}/{seq}" for device, seq in self.evidence)]
        return keccak256("\n".join(parts).encode())[:16].hex()

    @property
    def confidence_permille(self) -> int:
        """The confidence in thousandths, rounded down; 999 is the most, for nothing here is certain."""
        return min(int(self.confidence * 1000), 999)

    @property
    def doubt(self) -> Doubt:
        """What it means for the mass of its lots."""
        return Doubt(self.follows_from or self.finding_id, self.doubted_grams)


class Doubt(NamedTuple):
    """A finding by its id, and the grams in each lot that by it may never have been there."""

    finding_id: str
    grams: Mapping[int, int]
