"""Where cases are kept, and how they are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, case, delete, func, insert, or_, select

from backend.domain.cases import Case, CaseKind, CaseState, Stage, SubjectKind, state_of
from backend.domain.recorded import EntryId
from backend.domain.types import Role, bin_text, device_text, lot_text, organisation_text
from backend.store.intake import upsert
from backend.store.reading.names import NameReading
from backend.store.tables import CaseFile, CasePass, CaseSpan, table_of
from backend.usecases.case_views import CaseCount, CaseFilter, CaseView, SpanView
from backend.usecases.views import OrganisationView

_FILES, _SPANS, _PASSES = table_of(CaseFile), table_of(CaseSpan), table_of(CasePass)
_TEXT_OF = {SubjectKind.LOT: lot_text, SubjectKind.BIN: bin_text, SubjectKind.ENTRY: device_text}
_FAR = 1 << 62
"""When a span ends that nothing ends: one number, so that an index finds what still holds."""
_NAME = "cases"
_AT_ONCE = 200


@dataclass(frozen=True)
class CasesPass:
    """How far was looked: the newest segment and block that were seen, and when the radar had looked."""

    segment_id: int
    block_hash: str
    block_number: int
    findings_at: int


class CaseStore:
    """Keeps cases within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_pass(self) -> CasesPass | None:
        """Return how far was looked; None before the first time."""
        row = self._connection.execute(select(_PASSES).where(_PASSES.c.name == _NAME)).one_or_none()
        return (
            None if row is None else CasesPass(row.segment_id, row.block_hash, row.block_number, row.findings_at)
        )

    def keep_pass(self, done: CasesPass) -> None:
        """Remember how far was looked."""
        upsert(self._connection, _PASSES, [{"name": _NAME, **done.__dict__}])

    def forget(self) -> None:
        """Forget all cases: the blocks that they were found in are no more."""
        for table in (_SPANS, _FILES, _PASSES):
            self._connection.execute(delete(table))

    def replace(self, found: Iterable[tuple[str, Sequence[Case]]]) -> None:
        """Put the cases of these roots in the place of what was found in the same roots before."""
        by_root = dict(found)
        roots = sorted(by_root)
        for start in range(0, len(roots), _AT_ONCE):
            self._drop(_FILES.c.root.in_(roots[start : start + _AT_ONCE]))
        cases = [(root, case) for root in roots for case in by_root[root]]
        spans = [row for _, case in cases for row in _span_rows(case)]
        if cases:
            self._connection.execute(insert(_FILES), [_file_row(root, case) for root, case in cases])
            self._connection.execute(insert(_SPANS), spans)

    def drop_codes(self, codes: Sequence[str]) -> None:
        """Forget cases by their codes."""
        for start in range(0, len(codes), _AT_ONCE):
            self._drop(_FILES.c.code.in_(codes[start : start + _AT_ONCE]))

    def _drop(self, where: Any) -> None:
        codes = select(_FILES.c.code).where(where)
        self._connection.execute(delete(_SPANS).where(_SPANS.c.code.in_(codes)))
        self._connection.execute(delete(_FILES).where(where))


class CaseReading:
    """Reads cases as they stand at an instant, those that are due first on top."""

    def __init__(self, names: NameReading, now: int) -> None:
        self._names, self._connection, self.now = names, names.connection, now

    def count(self, wanted: CaseFilter) -> int:
        """Return how many there are."""
        query = select(func.count()).select_from(_SPANS).where(*self._conditions(wanted))
        return int(self._connection.execute(query).scalar_one())

    def counts(self) -> list[CaseCount]:
        """Return how many cases wait, and how many are overdue, by kind and owner."""
        overdue = func.sum(case((_SPANS.c.due_at <= self.now, 1), else_=0))
        rows = self._connection.execute(
            select(_SPANS.c.kind, _SPANS.c.owner, func.count().label("waiting"), overdue.label("overdue"))
            .where(*self._conditions(CaseFilter(is_waiting=True)))
            .group_by(_SPANS.c.kind, _SPANS.c.owner)
            .order_by(_SPANS.c.kind, _SPANS.c.owner)
        )
        return [
            CaseCount(CaseKind(row.kind), self._who(row.owner), int(row.waiting), int(row.overdue)) for row in rows
        ]

    def page(self, wanted: CaseFilter, *, offset: int, limit: int) -> list[CaseView]:
        """Return a page of them: what is overdue longest first, then what is due next, then the newest done."""
        rows = self._connection.execute(
            self._joined()
            .where(*self._conditions(wanted))
            .order_by(_SPANS.c.is_done, _SPANS.c.due_at, _SPANS.c.from_at.desc(), _SPANS.c.code)
            .offset(offset)
            .limit(limit)
        ).all()
        return [self._view(row) for row in rows]

    def find(self, code: str) -> CaseView | None:
        """Return a case as it stands; None where there is none, or none yet."""
        row = self._connection.execute(self._joined().where(_SPANS.c.code == code, *self._holding())).one_or_none()
        return None if row is None else self._view(row)

    def spans(self, code: str) -> list[SpanView]:
        """Return all stages of a case that have begun, oldest first."""
        rows = self._connection.execute(
            select(_SPANS).where(_SPANS.c.code == code, _SPANS.c.from_at <= self.now).order_by(_SPANS.c.number)
        )
        return [self._span(row) for row in rows]

    def of_subject(self, kind: SubjectKind, subject: str, *, limit: int = 20) -> list[CaseView]:
        """Return the cases about one lot or bin that wait, or waited."""
        rows = self._connection.execute(
            self._joined()
            .where(
                _FILES.c.subject == subject,
                _FILES.c.subject_kind == kind.value,
                *self._holding(),
            )
            .order_by(_SPANS.c.is_done, _SPANS.c.due_at, _SPANS.c.code)
            .limit(limit)
        ).all()
        return [self._view(row) for row in rows]

    def _joined(self) -> Any:
        return select(
            _FILES,
            _SPANS.c.stage,
            _SPANS.c.is_done,
            _SPANS.c.owner,
            _SPANS.c.owner_role,
            _SPANS.c.from_at,
            _SPANS.c.until_at,
            _SPANS.c.due_at,
        ).join(_SPANS, _SPANS.c.code == _FILES.c.code)

    def _holding(self) -> tuple[Any, ...]:
        return _SPANS.c.from_at <= self.now, _SPANS.c.until_at > self.now

    def _conditions(self, wanted: CaseFilter) -> list[Any]:
        conditions: list[Any] = [*self._holding()]
        if wanted.kind is not None:
            conditions.append(_SPANS.c.kind == wanted.kind.value)
        if wanted.owner is not None:
            conditions.append(_SPANS.c.owner == organisation_text(wanted.owner))
        if wanted.state is CaseState.DONE:
            conditions.append(_SPANS.c.is_done.is_(True))
        elif wanted.state is not None or wanted.is_waiting:
            conditions.append(_SPANS.c.is_done.is_(False))
        if wanted.state is CaseState.OVERDUE:
            conditions.append(_SPANS.c.due_at <= self.now)
        elif wanted.state is CaseState.OPEN:
            conditions.append(or_(_SPANS.c.due_at.is_(None), _SPANS.c.due_at > self.now))
        return [and_(*conditions)]

    def _who(self, organisation: str) -> OrganisationView | None:
        return None if int(organisation, 16) == 0 else self._names.organisation(organisation)

    def _span(self, row: Row[Any]) -> SpanView:
        return SpanView(
            Stage(row.stage),
            self._who(row.owner),
            Role(row.owner_role),
            row.from_at,
            row.due_at,
            None if row.until_at == _FAR else row.until_at,
        )

    def _view(self, row: Row[Any]) -> CaseView:
        return CaseView(
            row.code,
            CaseKind(row.kind),
            SubjectKind(row.subject_kind),
            row.subject,
            row.opened_at,
            state_of(is_done=row.is_done, due=row.due_at, now=self.now),
            self._span(row),
            tuple(EntryId(int(device, 16), seq) for device, seq in json.loads(row.entries)),
            tuple(self._names.organisation(one) for one in json.loads(row.parties)),
            json.loads(row.numbers),
            row.rule_id,
            row.rule_version,
        )


def _file_row(root: str, case: Case) -> dict[str, Any]:
    return {
        "code": case.code,
        "root": root,
        "kind": case.kind.value,
        "subject_kind": case.subject.kind.value,
        "subject": _TEXT_OF[case.subject.kind](case.subject.number),
        "opened_at": case.opened_at,
        "entries": json.dumps([[device_text(entry.device), entry.seq] for entry in dict.fromkeys(case.entries)]),
        "parties": json.dumps([organisation_text(one) for one in sorted(case.parties)]),
        "numbers": json.dumps(dict(case.numbers)),
        "rule_id": case.rule_id,
        "rule_version": case.rule_version,
    }


def _span_rows(case: Case) -> list[dict[str, Any]]:
    return [
        {
            "code": case.code,
            "number": number,
            "kind": case.kind.value,
            "stage": span.stage.value,
            "is_done": span.stage.is_done,
            "owner": organisation_text(span.owner.organisation),
            "owner_role": int(span.owner.role),
            "from_at": span.since,
            "until_at": _FAR if span.until is None else span.until,
            "due_at": span.due,
        }
        for number, span in enumerate(case.spans)
    ]
