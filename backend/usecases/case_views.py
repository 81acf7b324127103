"""A kept case, as pages and programs show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.domain.cases import CaseKind, CaseState, Stage, SubjectKind
from backend.domain.recorded import EntryId
from backend.domain.types import Role
from backend.usecases.views import OrganisationView


@dataclass(frozen=True)
class SpanView:
    """A stage of a case with its owner (None: the books do not know which organisation)."""

    stage: Stage
    owner: OrganisationView | None
    role: Role
    since: int
    due: int | None
    until: int | None


@dataclass(frozen=True)
class CaseView:
    """A case as it stands at an instant. `subject` is an id as text; `parties` may speak in it."""

    code: str
    kind: CaseKind
    subject_kind: SubjectKind
    subject: str
    opened_at: int
    state: CaseState
    span: SpanView
    entries: tuple[EntryId, ...]
    parties: tuple[OrganisationView, ...]
    numbers: Mapping[str, int]
    rule_id: str | None
    rule_version: int | None


@dataclass(frozen=True)
class CaseFilter:
    """Which cases are asked for; None: all. `is_waiting`: open or overdue."""

    kind: CaseKind | None = None
    owner: int | None = None
    state: CaseState | None = None
    is_waiting: bool = False


@dataclass(frozen=True)
class CaseCount:
    """How many cases of a kind wait for an organisation, and how many of them are overdue."""

    kind: CaseKind
    owner: OrganisationView | None
    waiting: int
    overdue: int
