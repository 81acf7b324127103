"""Complaints, their statements and photos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from backend.domain.complaint_rules import ComplaintKind
from backend.domain.complaints import Case
from backend.domain.recorded import EntryId
from backend.domain.types import bin_text, device_text, organisation_text
from backend.store.tables import Complaint, ComplaintPhoto, ComplaintStatement, LedgerSegment, table_of
from backend.usecases.ports import HotlineNews, KeptStatement

_COMPLAINTS, _STATEMENTS = table_of(Complaint), table_of(ComplaintStatement)
_PHOTOS, _SEGMENTS = table_of(ComplaintPhoto), table_of(LedgerSegment)


@dataclass(frozen=True)
class ComplaintRow:
    """A complaint as lists show it; ids are hex text."""

    case: str
    bin: str
    site: str
    kind: int
    reported_at: int
    stage: int
    owner: str
    due_at: int | None
    closed_at: int | None
    statements: int
    told: int
    hotline_order: str | None
    hotline_attempts: int

    def is_overdue(self, now: int) -> bool:
        """Say whether its present stage should have ended by now."""
        return self.due_at is not None and now >= self.due_at


@dataclass(frozen=True)
class StreetCount:
    """How many complaints of a site are in a stage (0: closed), and how many of them are overdue."""

    site: str
    stage: int
    count: int
    overdue: int


def case_text(case: int) -> str:
    """Return a complaint's public id as text."""
    return f"{case:024x}"


class ComplaintStore:
    """Complaints within one transaction; fulfils the use cases' `Complaints`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- reading -------------------------------------------------------------------------------------

    def find_case(self, code_digest: str) -> int | None:
        """Return the complaint that a code belongs to."""
        found = self._connection.execute(
            select(_COMPLAINTS.c.id).where(_COMPLAINTS.c.code_digest == code_digest)
        ).scalar_one_or_none()
        return None if found is None else int(found, 16)

    def find_order(self, order: str) -> ComplaintRow | None:
        """Return the complaint that a work order of the hotline stands for."""
        row = self._connection.execute(
            select(_COMPLAINTS).where(_COMPLAINTS.c.hotline_order == order)
        ).one_or_none()
        return None if row is None else _row(row)

    def find_row(self, case: int) -> ComplaintRow | None:
        """Return a complaint as lists show it."""
        row = self._connection.execute(
            select(_COMPLAINTS).where(_COMPLAINTS.c.id == case_text(case))
        ).one_or_none()
        return None if row is None else _row(row)

    def count_since(self, bin_number: int, since: int) -> int:
        """Return how many complaints about a bin came since an instant."""
        return int(
            self._connection.execute(
                select(func.count())
                .select_from(_COMPLAINTS)
                .where(_COMPLAINTS.c.bin == bin_text(bin_number), _COMPLAINTS.c.reported_at >= since)
            ).scalar_one()
        )

    def statements_of(self, case: int) -> list[KeptStatement]:
        """Return a complaint's statements in order; none where there is no such complaint."""
        rows = self._connection.execute(
            select(_STATEMENTS).where(_STATEMENTS.c.case_id == case_text(case)).order_by(_STATEMENTS.c.number)
        )
        return [_statement(row) for row in rows]

    def is_recorded(self, fact: EntryId) -> bool:
        """Say whether the ledger holds an entry."""
        found = self._connection.execute(
            select(_SEGMENTS.c.id).where(
                _SEGMENTS.c.device == device_text(fact.device),
                _SEGMENTS.c.first_seq <= fact.seq,
                _SEGMENTS.c.last_seq >= fact.seq,
            )
        ).first()
        return found is not None

    def newest_anchor(self, case: int) -> EntryId | None:
        """Return the entry that holds the digest of a complaint's newest anchored statement."""
        row = self._connection.execute(
            select(_STATEMENTS.c.anchor_device, _STATEMENTS.c.anchor_seq)
            .where(_STATEMENTS.c.case_id == case_text(case), _STATEMENTS.c.anchor_seq.is_not(None))
            .order_by(_STATEMENTS.c.number.desc())
            .limit(1)
        ).one_or_none()
        return None if row is None else EntryId(int(row.anchor_device, 16), row.anchor_seq)

    def find_photo(self, case: int, number: int) -> bytes | None:
        """Return the JPEG of a statement."""
        found: bytes | None = self._connection.execute(
            select(_PHOTOS.c.jpeg).where(_PHOTOS.c.case_id == case_text(case), _PHOTOS.c.number == number)
        ).scalar_one_or_none()
        return found

    def open_cases(self, *, owner: int | None = None) -> list[ComplaintRow]:
        """Return the complaints that are not closed, the most urgent first."""
        statement = select(_COMPLAINTS).where(_COMPLAINTS.c.closed_at.is_(None))
        if owner is not None:
            statement = statement.where(_COMPLAINTS.c.owner == organisation_text(owner))
        rows = self._connection.execute(statement.order_by(_COMPLAINTS.c.due_at, _COMPLAINTS.c.id))
        return [_row(row) for row in rows]

    def cases_about(self, bin_number: int, *, limit: int) -> list[ComplaintRow]:
        """Return the newest complaints about a bin."""
        statement = select(_COMPLAINTS).where(_COMPLAINTS.c.bin == bin_text(bin_number))
        newest = statement.order_by(_COMPLAINTS.c.reported_at.desc(), _COMPLAINTS.c.id).limit(limit)
        return [_row(row) for row in self._connection.execute(newest)]

    def counts(self, now: int, *, services: bool = False) -> list[StreetCount]:
        """Return how many complaints (or pick-ups) each site has in each stage, and how many are overdue."""
        is_service = _COMPLAINTS.c.kind >= int(ComplaintKind.BULKY_PICKUP)
        closed = _COMPLAINTS.c.closed_at.is_not(None)
        rows = self._connection.execute(
            select(
                _COMPLAINTS.c.site,
                _COMPLAINTS.c.stage,
                closed.label("closed"),
                func.count().label("all"),
                func.count().filter(_COMPLAINTS.c.due_at <= now).label("late"),
            )
            .where(is_service if services else ~is_service)
            .group_by(_COMPLAINTS.c.site, _COMPLAINTS.c.stage, closed)
            .order_by(_COMPLAINTS.c.site, _COMPLAINTS.c.stage)
        )
        return [StreetCount(r.site, 0 if r.closed else r.stage, r.all, 0 if r.closed else r.late) for r in rows]

    def written(self) -> tuple[set[str], set[str]]:
        """Return all texts that are kept, and all statements' documents: what the chain must not show."""
        rows = self._connection.execute(select(_STATEMENTS.c.text, _STATEMENTS.c.document)).all()
        return {row.text for row in rows if row.text}, {row.document.decode() for row in rows}

    def unanchored(self, case: int | None = None) -> list[tuple[int, int, bytes]]:
        """Return (case, number, digest) of the statements that no entry holds yet, oldest complaint first."""
        statement = (
            select(_STATEMENTS.c.case_id, _STATEMENTS.c.number, _STATEMENTS.c.digest)
            .join(_COMPLAINTS, _COMPLAINTS.c.id == _STATEMENTS.c.case_id)
            .where(_STATEMENTS.c.anchor_seq.is_(None))
            .order_by(_COMPLAINTS.c.reported_at, _STATEMENTS.c.case_id, _STATEMENTS.c.number)
        )
        if case is not None:
            statement = statement.where(_STATEMENTS.c.case_id == case_text(case))
        return [(int(row.case_id, 16), row.number, row.digest) for row in self._connection.execute(statement)]

    # --- writing -------------------------------------------------------------------------------------

    def add(self, case: Case, report: KeptStatement, code_digest: str) -> None:
        """Keep a new complaint."""
        self._connection.execute(
            insert(_COMPLAINTS).values(
                id=case_text(case.case),
                code_digest=code_digest,
                bin=bin_text(case.bin),
                site=device_text(case.site),
                kind=int(case.kind),
                reported_at=case.changed_at,
                told=0,
                hotline_attempts=0,
                hotline_retry_at=0,
                **_standing(case),
            )
        )
        self._add_statement(case.case, report)

    def append(self, case: Case, statement: KeptStatement) -> None:
        """Keep one more statement, and where it leaves the complaint."""
        self._connection.execute(
            update(_COMPLAINTS).where(_COMPLAINTS.c.id == case_text(case.case)).values(**_standing(case))
        )
        self._add_statement(case.case, statement)

    def _add_statement(self, case: int, kept: KeptStatement) -> None:
        self._connection.execute(
            insert(_STATEMENTS).values(
                case_id=case_text(case),
                number=kept.number,
                document=kept.document,
                salt=kept.salt,
                digest=kept.digest,
                text=kept.text,
                text_salt=kept.text_salt,
            )
        )
        if kept.photo is not None:
            self._connection.execute(
                insert(_PHOTOS).values(
                    case_id=case_text(case), number=kept.number, salt=kept.photo.salt, jpeg=kept.photo.jpeg
                )
            )

    def put_anchor(self, case: int, number: int, anchor: EntryId) -> None:
        """Note which entry holds a statement's digest."""
        self._connection.execute(
            update(_STATEMENTS)
            .where(_STATEMENTS.c.case_id == case_text(case), _STATEMENTS.c.number == number)
            .values(anchor_device=device_text(anchor.device), anchor_seq=anchor.seq)
        )

    def erase(self, case: int) -> None:
        """Delete all texts and photos of a complaint with their salts; its statements stay checkable."""
        mine = _STATEMENTS.c.case_id == case_text(case)
        self._connection.execute(update(_STATEMENTS).where(mine).values(text=None, text_salt=None))
        self._connection.execute(delete(_PHOTOS).where(_PHOTOS.c.case_id == case_text(case)))

    # --- the hotline ---------------------------------------------------------------------------------

    def news(self, now: int, *, limit: int) -> list[HotlineNews]:
        """Return what the hotline does not know yet and may be told now, the longest waiting first."""
        rows = self._connection.execute(
            select(_COMPLAINTS)
            .where(_COMPLAINTS.c.told < _COMPLAINTS.c.statements, _COMPLAINTS.c.hotline_retry_at <= now)
            .order_by(_COMPLAINTS.c.hotline_retry_at, _COMPLAINTS.c.reported_at, _COMPLAINTS.c.id)
            .limit(limit)
        )
        return [_news(row) for row in rows]

    def note_told(self, case: int, *, statements: int, order: str) -> bool:
        """Note that the hotline knows of so many statements, under which number.

        False, and nothing noted: the number is another complaint's already.
        """
        known = self.find_order(order)
        if known is not None and known.case != case_text(case):
            return False
        self._connection.execute(
            update(_COMPLAINTS)
            .where(_COMPLAINTS.c.id == case_text(case))
            .values(told=statements, hotline_order=order, hotline_attempts=0, hotline_retry_at=0)
        )
        return True

    def note_not_told(self, case: int, *, retry_at: int) -> None:
        """Note that the hotline was not reached, and when it is tried again."""
        self._connection.execute(
            update(_COMPLAINTS)
            .where(_COMPLAINTS.c.id == case_text(case))
            .values(hotline_attempts=_COMPLAINTS.c.hotline_attempts + 1, hotline_retry_at=retry_at)
        )


def _standing(case: Case) -> dict[str, Any]:
    return {
        "stage": int(case.stage),
        "owner": organisation_text(case.span.owner),
        "due_at": case.due_at,
        "closed_at": case.closed_at,
        "statements": case.statements,
    }


def _row(row: Row[Any]) -> ComplaintRow:
    return ComplaintRow(
        case=row.id,
        bin=row.bin,
        site=row.site,
        kind=row.kind,
        reported_at=row.reported_at,
        stage=row.stage,
        owner=row.owner,
        due_at=row.due_at,
        closed_at=row.closed_at,
        statements=row.statements,
        told=row.told,
        hotline_order=row.hotline_order,
        hotline_attempts=row.hotline_attempts,
    )


def _statement(row: Row[Any]) -> KeptStatement:
    anchor = None if row.anchor_seq is None else EntryId(int(row.anchor_device, 16), row.anchor_seq)
    return KeptStatement(
        number=row.number,
        document=row.document,
        salt=row.salt,
        digest=row.digest,
        text=row.text,
        text_salt=row.text_salt,
        anchor=anchor,
    )


def _news(row: Row[Any]) -> HotlineNews:
    return HotlineNews(
        case=int(row.id, 16),
        statements=row.statements,
        bin=int(row.bin, 16),
        site=int(row.site, 16),
        kind=row.kind,
        reported_at=row.reported_at,
        stage=row.stage,
        owner=int(row.owner, 16),
        due_at=row.due_at,
        closed_at=row.closed_at,
        attempts=row.hotline_attempts,
    )
