"""Everything in the books that somebody may be alerted of, a function a kind; ids and codes only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from sqlalchemy import Connection, select

from backend.domain.alerts import Alert, AlertKind
from backend.domain.cases import CaseKind
from backend.domain.journal import split_entries
from backend.domain.layout import Kind
from backend.domain.types import Role
from backend.store.segment_times import first_segment_at
from backend.store.tables import (
    CaseFile,
    CaseSpan,
    Complaint,
    ContinuitySpan,
    KnownDevice,
    LedgerSegment,
    RadarFinding,
    table_of,
)
from backend.usecases.continuity import SpanKind

BACKLOG_SECONDS: Final = 600
"""What waits longer than this for the chain is listed for everybody as well: `/receipts/overdue`."""
SILENT_SECONDS: Final = 86_400
"""A shift is over within a day; a journal that recorded and did not end its shift has been silent since."""
_SILENT_SLICE_SECONDS: Final = 6 * 3600
"""How far back devices are looked for that have just become silent: not the whole table each time."""
_FIELD_ROLES: Final = (int(Role.CREW), int(Role.GATE), int(Role.SCALE))
_FINDINGS, _COMPLAINTS, _SPANS = table_of(RadarFinding), table_of(Complaint), table_of(ContinuitySpan)
_FILES, _STAGES = table_of(CaseFile), table_of(CaseSpan)
_SEGMENTS, _DEVICES = table_of(LedgerSegment), table_of(KnownDevice)


def candidates(connection: Connection, since: int, now: int) -> Iterator[Alert]:
    """Yield what may be raised since an instant, raised before or not."""
    for source in _SOURCES:
        yield from source(connection, since, now)


def _findings(connection: Connection, since: int, _now: int) -> Iterator[Alert]:
    found = select(_FINDINGS).where(_FINDINGS.c.at >= since).order_by(_FINDINGS.c.at, _FINDINGS.c.finding_id)
    for row in connection.execute(found).all():
        about = {"finding": row.finding_id, "finding_kind": row.kind}
        if row.site:
            about["site"] = row.site
        yield Alert(AlertKind.FINDING, row.at, about, f"/radar?kind={row.kind}#f-{row.finding_id}")


def _overdue_complaints(connection: Connection, since: int, now: int) -> Iterator[Alert]:
    late = select(_COMPLAINTS).where(
        _COMPLAINTS.c.closed_at.is_(None), _COMPLAINTS.c.due_at >= since, _COMPLAINTS.c.due_at <= now
    )
    for row in connection.execute(late.order_by(_COMPLAINTS.c.due_at, _COMPLAINTS.c.id)).all():
        about = {
            "case": row.id,
            "bin": row.bin,
            "site": row.site,
            "stage": str(row.stage),
            "owner": row.owner,
            "due_at": str(row.due_at),
        }
        yield Alert(AlertKind.COMPLAINT_OVERDUE, row.due_at, about, "/complaints")


def _overdue_cases(connection: Connection, since: int, now: int) -> Iterator[Alert]:
    """Yield the stages of cases that waited for somebody when their deadline passed, and still do."""
    late = (
        select(_STAGES)
        .where(
            _STAGES.c.is_done.is_(False),
            _STAGES.c.until_at > now,
            _STAGES.c.from_at <= now,
            _STAGES.c.due_at >= since,
            _STAGES.c.due_at <= now,
        )
        .order_by(_STAGES.c.due_at, _STAGES.c.code)
    )
    for row in connection.execute(late).all():
        about = {"case": row.code, "case_kind": row.kind, "case_stage": row.stage, "due_at": str(row.due_at)}
        if row.owner:
            about["owner"] = row.owner
        yield Alert(AlertKind.CASE_OVERDUE, row.due_at, about, f"/cases/{row.code}")


def _weight_differences(connection: Connection, since: int, _now: int) -> Iterator[Alert]:
    opened = select(_FILES).where(_FILES.c.kind == CaseKind.WEIGHT_DIFFERENCE.value, _FILES.c.opened_at >= since)
    for row in connection.execute(opened.order_by(_FILES.c.opened_at, _FILES.c.code)).all():
        about = {"case": row.code, "lot": row.subject}
        yield Alert(AlertKind.WEIGHT_DIFFERENCE, row.opened_at, about, f"/cases/{row.code}")


def _silent_journals(connection: Connection, _since: int, now: int) -> Iterator[Alert]:
    """Yield journals that fell silent in the middle of a shift: whose organisation, and since when."""
    first, end = (first_segment_at(connection, now - SILENT_SECONDS - ago) for ago in (_SILENT_SLICE_SECONDS, 0))
    seen = (
        select(_SEGMENTS.c.device, _DEVICES.c.organisation)
        .join(_DEVICES, _DEVICES.c.device == _SEGMENTS.c.device)
        .where(
            _SEGMENTS.c.id >= first,
            _SEGMENTS.c.id < end,
            _DEVICES.c.role.in_(_FIELD_ROLES),
            _DEVICES.c.is_revoked.is_(False),
        )
        .distinct()
    )
    for row in connection.execute(seen.order_by(_SEGMENTS.c.device)).all():
        newest = connection.execute(
            select(_SEGMENTS.c.id, _SEGMENTS.c.block_time, _SEGMENTS.c.words)
            .where(_SEGMENTS.c.device == row.device)
            .order_by(_SEGMENTS.c.first_seq.desc())
            .limit(1)
        ).one()
        if newest.id >= end or split_entries(newest.words)[-1][0] == Kind.SHIFT_END:
            continue
        # Whose phone it is is nobody's business but that organisation's.
        about = {"organisation": row.organisation, "silent_since": str(newest.block_time)}
        yield Alert(AlertKind.JOURNAL_SILENT, newest.block_time + SILENT_SECONDS, about, "/devices")


def _backlogs(connection: Connection, since: int, _now: int) -> Iterator[Alert]:
    waited = select(_SPANS).where(
        _SPANS.c.kind == SpanKind.BACKLOG.value,
        _SPANS.c.to_at >= since,  # what the index is by
        _SPANS.c.from_at >= since,
        _SPANS.c.age_max_seconds >= BACKLOG_SECONDS,
    )
    for row in connection.execute(waited.order_by(_SPANS.c.from_at)).all():
        yield Alert(AlertKind.RELAYER_BACKLOG, row.from_at, {"waiting_since": str(row.from_at)}, "/continuity")


_SOURCES: Final[tuple[Callable[[Connection, int, int], Iterator[Alert]], ...]] = (
    _findings,
    _overdue_complaints,
    _overdue_cases,
    _weight_differences,
    _silent_journals,
    _backlogs,
)
