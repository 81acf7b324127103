"""A kept finding, as pages and programs show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.usecases.views import SiteView


@dataclass(frozen=True)
class EvidenceView:
    """An entry that a finding names."""

    device: str
    seq: int


@dataclass(frozen=True)
class FindingView:
    """Something that looks wrong, with what says so. Subjects are ids as text, numbers whole with their unit."""

    finding_id: str
    kind: str
    variant: str
    at: int
    confidence_permille: int
    site: SiteView | None
    subjects: Mapping[str, str]
    evidence: tuple[EvidenceView, ...]
    numbers: Mapping[str, int]
    rule_id: str
    rule_version: int
    consequences: tuple[FindingView, ...] = ()
    """What this one explains, and what accuses nobody by itself."""


@dataclass(frozen=True)
class FindingFilter:
    """Which findings are asked for; None: all."""

    kind: str | None = None
    site: str | None = None
    confidence_permille_min: int = 0
    bin: str | None = None
