"""Which lots, facts and findings have news that a case could come of; a bounded stretch of the books at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from backend.domain.case_facts import ODD
from backend.domain.journal import split_entries
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId
from backend.domain.types import device_text
from backend.store.cases import CasesPass
from backend.store.tables import Block, CaseFile, CustodyStep, LedgerSegment, RadarFinding, RadarPass, table_of

_SEGMENTS, _STEPS, _BLOCKS = table_of(LedgerSegment), table_of(CustodyStep), table_of(Block)
_FINDINGS, _PASSES, _FILES = table_of(RadarFinding), table_of(RadarPass), table_of(CaseFile)
_ODD = frozenset(int(outcome) for outcome in ODD)
_WAYS = frozenset(
    int(kind)
    for kind in (
        Kind.GIVE,
        Kind.TAKE,
        Kind.WITHDRAW,
        Kind.MERGE,
        Kind.TRANSFORM,
        Kind.REFUSE,
        Kind.REDIRECT,
        Kind.CLOSE,
    )
)
_SAYS = frozenset((int(Kind.AMEND), int(Kind.DISPUTE), int(Kind.ACKNOWLEDGE)))
_AT_ONCE = 100
SEGMENTS_AT_ONCE = 1000


@dataclass
class CaseNews:
    """What has to be looked at again."""

    lots: set[str] = field(default_factory=set)
    facts: set[EntryId] = field(default_factory=set)
    upto: int = 0


class CaseNewsReading:
    """Reads news within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest(self) -> tuple[int, str, int, int]:
        """Return the newest segment's id and block hash, the newest block's number, and when the radar looked."""
        segment = self._connection.execute(
            select(_SEGMENTS.c.id, _SEGMENTS.c.block_hash).order_by(_SEGMENTS.c.id.desc()).limit(1)
        ).one_or_none()
        block = self._connection.execute(select(func.max(_BLOCKS.c.number))).scalar_one()
        looked_at = self._connection.execute(select(func.max(_PASSES.c.looked_at))).scalar_one()
        return (*((0, "") if segment is None else (segment.id, segment.block_hash)), block or 0, looked_at or 0)

    def block_hash_of(self, segment_id: int) -> str:
        """Return the hash of the block that holds a segment; empty where there is no such segment."""
        found = self._connection.execute(select(_SEGMENTS.c.block_hash).where(_SEGMENTS.c.id == segment_id))
        return found.scalar_one_or_none() or ""

    def still_holds(self, done: CasesPass) -> bool:
        """Say whether the books still stand on what was seen."""
        newest = self._connection.execute(select(func.max(_BLOCKS.c.number))).scalar_one() or 0
        return newest >= done.block_number and self.block_hash_of(done.segment_id) == done.block_hash

    def since(self, done: CasesPass, *, upto: int) -> CaseNews:
        """Return what segments after a pass, up to one, were about, and which steps were set free since."""
        news = CaseNews(upto=upto)
        segments = and_(_STEPS.c.segment_id > done.segment_id, _STEPS.c.segment_id <= upto)
        settled = and_(_STEPS.c.settled_block > done.block_number, _STEPS.c.segment_id <= upto)
        rows = self._connection.execute(select(_STEPS).where(or_(segments, settled))).all()
        said = [EntryId(int(row.about_device, 16), row.about_seq) for row in rows if row.kind in _SAYS]
        self._add_said(news, said)
        for row in rows:
            if row.kind in _WAYS and row.lot is not None:
                news.lots.add(row.lot)
            is_odd = row.outcome in _ODD or row.recorded_outcome & 0xF in _ODD
            if row.kind == Kind.DECLINE or is_odd:
                news.facts.add(EntryId(int(row.device, 16), row.seq))
        self._add_odd_lifts(news, done.segment_id, upto)
        return news

    def _add_said(self, news: CaseNews, named: Iterable[EntryId]) -> None:
        """Add the facts that entries are about, by way of the proposal or the dispute that they answer."""
        found = {EntryId(int(row.device, 16), row.seq): row for row in self.steps_named(named)}
        roots: set[EntryId] = set()
        for entry_id in named:
            row = found.get(entry_id)
            is_said_too = row is not None and row.kind in (Kind.AMEND, Kind.DISPUTE)
            if is_said_too and row is not None and row.about_device is not None:
                roots.add(EntryId(int(row.about_device, 16), row.about_seq))
            else:
                roots.add(entry_id)
        news.facts |= roots
        news.lots |= {row.lot for row in self.steps_named(roots) if row.lot is not None}

    def steps_named(self, named: Iterable[EntryId]) -> list[Row[Any]]:
        """Return the rows of these entries, of those that are no lifts."""
        wanted = sorted(set(named))
        rows: list[Row[Any]] = []
        for start in range(0, len(wanted), _AT_ONCE):
            these = [
                and_(_STEPS.c.device == device_text(device), _STEPS.c.seq == seq)
                for device, seq in wanted[start : start + _AT_ONCE]
            ]
            rows += self._connection.execute(select(_STEPS).where(or_(*these))).all()
        return rows

    def _add_odd_lifts(self, news: CaseNews, after: int, upto: int) -> None:
        """Add, of each segment with lifts that had no effect, the first of them: it stands for all."""
        rows = self._connection.execute(
            select(_SEGMENTS.c.id, _SEGMENTS.c.device, _SEGMENTS.c.first_seq, _SEGMENTS.c.outcomes).where(
                _SEGMENTS.c.id > after, _SEGMENTS.c.id <= upto
            )
        )
        odd = [row for row in rows if any(byte & 0xF in _ODD for byte in row.outcomes)]
        for row in odd:
            words = self._connection.execute(
                select(_SEGMENTS.c.words).where(_SEGMENTS.c.id == row.id)
            ).scalar_one()
            for position, entry in enumerate(split_entries(words)):
                if entry[0] == Kind.LIFT and row.outcomes[position] & 0xF in _ODD:
                    news.facts.add(EntryId(int(row.device, 16), row.first_seq + position))
                    break

    def new_findings(self, *, confidence_permille_min: int) -> list[Row[Any]]:
        """Return findings that are sure enough and have no case yet."""
        code = "finding-" + _FINDINGS.c.finding_id
        has_case = select(_FILES.c.code).where(_FILES.c.code == code).exists()
        return list(
            self._connection.execute(
                select(_FINDINGS).where(_FINDINGS.c.confidence_permille >= confidence_permille_min, ~has_case)
            ).all()
        )

    def findings_of(self, root: str) -> list[Row[Any]]:
        """Return the findings whose cases were found under a root."""
        code = "finding-" + _FINDINGS.c.finding_id
        return list(
            self._connection.execute(
                select(_FINDINGS).join(_FILES, _FILES.c.code == code).where(_FILES.c.root == root)
            ).all()
        )

    def gone_findings(self) -> list[str]:
        """Return the codes of cases whose finding the radar no longer makes."""
        is_there = (
            select(_FINDINGS.c.finding_id).where("finding-" + _FINDINGS.c.finding_id == _FILES.c.code).exists()
        )
        return list(
            self._connection.execute(select(_FILES.c.code).where(_FILES.c.kind == "finding", ~is_there)).scalars()
        )
