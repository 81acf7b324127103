"""Where findings are kept, and what was looked at."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, or_, select

from backend.domain.radar.findings import Doubt, Finding
from backend.domain.types import bin_text, device_text, lot_text
from backend.store.intake import upsert
from backend.store.reading.names import NameReading
from backend.store.reading.runs import parts
from backend.store.tables import RadarFinding, RadarPass, table_of
from backend.usecases.finding_views import EvidenceView, FindingFilter, FindingView
from backend.usecases.views import SiteView

_FINDINGS, _PASSES = table_of(RadarFinding), table_of(RadarPass)
LIFTS, HANDOFFS = "lifts", "handoffs"
_TEXT_OF = {"bin": bin_text, "lot": lot_text}
_ROWS_AT_ONCE = 500


@dataclass(frozen=True)
class Pass:
    """How far the radar has looked."""

    segment_id: int
    block_hash: str
    day: int
    looked_at: int


class FindingStore:
    """Keeps findings within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_pass(self, sought_in: str) -> Pass | None:
        """Return how far was looked; None before the first time."""
        row = self._connection.execute(select(_PASSES).where(_PASSES.c.sought_in == sought_in)).one_or_none()
        return None if row is None else Pass(row.segment_id, row.block_hash, row.day, row.looked_at)

    def keep_pass(self, sought_in: str, done: Pass) -> None:
        """Remember how far was looked."""
        row = {
            "sought_in": sought_in,
            "segment_id": done.segment_id,
            "block_hash": done.block_hash,
            "day": done.day,
            "looked_at": done.looked_at,
        }
        upsert(self._connection, _PASSES, [row])

    def forget(self) -> None:
        """Forget all findings: the blocks that they were found in are no more."""
        self._connection.execute(delete(_FINDINGS))
        self._connection.execute(delete(_PASSES))

    def doubts(self, since_at: int) -> list[Doubt]:
        """Return what findings in lifts since an instant say of the grams in lots, by the id of their cause."""
        rows = self._connection.execute(
            select(_FINDINGS.c.finding_id, _FINDINGS.c.follows_from, _FINDINGS.c.doubted_grams)
            .where(_FINDINGS.c.sought_in == LIFTS, _FINDINGS.c.at >= since_at, _FINDINGS.c.doubted_grams != "{}")
            .order_by(_FINDINGS.c.finding_id)
        )
        return [
            Doubt(
                row.follows_from or row.finding_id,
                {int(k, 16): v for k, v in json.loads(row.doubted_grams).items()},
            )
            for row in rows
        ]

    def replace(
        self, sought_in: str, findings: Iterable[Finding], *, period: int, since_at: int | None = None
    ) -> None:
        """Put these in the place of what was found in the same before: in a period, or since an instant."""
        where = _FINDINGS.c.period == period if since_at is None else _FINDINGS.c.at >= since_at
        self._connection.execute(delete(_FINDINGS).where(_FINDINGS.c.sought_in == sought_in, where))
        rows = list({finding.finding_id: _row(finding, sought_in, period) for finding in findings}.values())
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            upsert(self._connection, _FINDINGS, rows[start : start + _ROWS_AT_ONCE])


class FindingReading:
    """Reads findings, newest first."""

    def __init__(self, names: NameReading) -> None:
        self._names, self._connection = names, names.connection

    def looked_at(self) -> int | None:
        """Return when the radar last looked; None when it never has."""
        return self._connection.execute(select(func.max(_PASSES.c.looked_at))).scalar_one_or_none()

    def count(self, wanted: FindingFilter) -> int:
        """Return how many there are, without those that follow from another."""
        statement = select(func.count()).select_from(_FINDINGS).where(*_conditions(wanted))
        return int(self._connection.execute(statement).scalar_one())

    def counts_by_kind(self) -> dict[str, int]:
        """Return how many there are of each kind, without those that follow from another."""
        rows = self._connection.execute(
            select(_FINDINGS.c.kind, func.count()).where(_accuses()).group_by(_FINDINGS.c.kind)
        )
        return {kind: count for kind, count in rows}

    def sites(self) -> list[SiteView]:
        """Return the sites that findings are about."""
        rows = self._connection.execute(select(_FINDINGS.c.site).where(_FINDINGS.c.site.is_not(None)).distinct())
        found = [self._names.find_site(site) for site in sorted(rows.scalars())]
        return [site for site in found if site is not None]

    def page(self, wanted: FindingFilter, *, offset: int, limit: int) -> list[FindingView]:
        """Return a page of them, each with what follows from it."""
        rows = self._connection.execute(
            select(_FINDINGS)
            .where(*_conditions(wanted))
            .order_by(_FINDINGS.c.at.desc(), _FINDINGS.c.finding_id)
            .offset(offset)
            .limit(limit)
        ).all()
        following: dict[str, list[Row[Any]]] = defaultdict(list)
        for some in parts([row.finding_id for row in rows]):
            found = self._connection.execute(
                select(_FINDINGS)
                .where(_FINDINGS.c.follows_from.in_(some))
                .order_by(_FINDINGS.c.at.desc(), _FINDINGS.c.finding_id)
            )
            for row in found:
                following[row.follows_from].append(row)
        return [self._view(row, following[row.finding_id]) for row in rows]

    def _view(self, row: Row[Any], following: Sequence[Row[Any]] = ()) -> FindingView:
        return FindingView(
            row.finding_id,
            row.kind,
            row.variant,
            row.at,
            row.confidence_permille,
            None if row.site is None else self._names.find_site(row.site),
            json.loads(row.subjects),
            tuple(EvidenceView(device, seq) for device, seq in json.loads(row.evidence)),
            json.loads(row.numbers),
            row.rule_id,
            row.rule_version,
            tuple(self._view(other) for other in following),
        )


def _accuses() -> Any:
    """What follows from a finding that is gone stands for itself, until it is looked at again."""
    cause = _FINDINGS.alias("cause")
    is_there = select(cause.c.finding_id).where(cause.c.finding_id == _FINDINGS.c.follows_from).exists()
    return or_(_FINDINGS.c.follows_from.is_(None), ~is_there)


def _conditions(wanted: FindingFilter) -> list[Any]:
    conditions: list[Any] = [_accuses(), _FINDINGS.c.confidence_permille >= wanted.confidence_permille_min]
    if wanted.kind is not None:
        conditions.append(_FINDINGS.c.kind == wanted.kind)
    if wanted.site is not None:
        conditions.append(_FINDINGS.c.site == wanted.site)
    if wanted.bin is not None:
        # As `_row` writes subjects; the number is hex and holds nothing that LIKE reads otherwise.
        conditions.append(_FINDINGS.c.subjects.like(f'%"bin": "{wanted.bin}"%'))
    return conditions


def _row(finding: Finding, sought_in: str, period: int) -> dict[str, Any]:
    subjects = {name: _TEXT_OF.get(name, device_text)(value) for name, value in finding.subjects.items()}
    return {
        "finding_id": finding.finding_id,
        "kind": finding.kind.value,
        "variant": finding.variant,
        "at": finding.at,
        "confidence_permille": finding.confidence_permille,
        "site": None if finding.site is None else device_text(finding.site),
        "subjects": json.dumps(subjects),
        "evidence": json.dumps([[device_text(entry.device), entry.seq] for entry in finding.evidence]),
        "numbers": json.dumps(finding.numbers),
        "rule_id": finding.threshold.rule_id,
        "rule_version": finding.threshold.version,
        "sought_in": sought_in,
        "period": period,
        "follows_from": finding.follows_from,
        "doubted_grams": json.dumps({lot_text(lot): grams for lot, grams in finding.doubted_grams.items()}),
    }
