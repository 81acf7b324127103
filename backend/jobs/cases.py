"""Looks through what is new in the books for what waits for somebody."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from backend.domain.case_facts import SureFinding, cases_of_fact, finding_case
from backend.domain.case_lots import cases_of_way, weight_difference
from backend.domain.case_rules import CaseRule, find_case_rule
from backend.domain.cases import Case
from backend.domain.disputes import Regulators
from backend.domain.radar.thresholds import Threshold
from backend.domain.recorded import EntryId
from backend.domain.tolerances import ToleranceRule
from backend.domain.types import device_text
from backend.store.case_news import SEGMENTS_AT_ONCE, CaseNews, CaseNewsReading
from backend.store.case_records import CaseRecords, evidence_of
from backend.store.cases import CasesPass, CaseStore
from backend.store.reading import Reader
from backend.store.session import Database
from backend.store.slots import regulators_kept

log = structlog.get_logger("cases")

_NOTHING = CasesPass(0, "", -1, -1)
Found = list[tuple[str, Sequence[Case]]]


@dataclass(frozen=True)
class CaseRules:
    """The published rules that cases follow from."""

    tolerances: tuple[ToleranceRule, ...]
    thresholds: tuple[Threshold, ...]
    deadlines: tuple[CaseRule, ...]

    @property
    def missing_mass(self) -> tuple[Threshold, ...]:
        """The versions of the rule that says how long a lot may wait."""
        return tuple(rule for rule in self.thresholds if rule.rule_id == "missing-mass")


class CaseSeeker:
    """Looks at every segment once, and again at what later ones are about."""

    def __init__(self, database: Database, rules: CaseRules, now: Callable[[], int]) -> None:
        self._database, self._rules, self._now = database, rules, now

    def run_once(self) -> int:
        """Look at what is new; return how many cases were written.

        Reading locks nothing; what was found is written in one short transaction for each stretch of segments.
        What comes in meanwhile is for the next time: then it is looked at together with what follows it.
        """
        written, is_level = 0, False
        while not is_level:
            count, is_level = self._look_on()
            written += count
        return written

    def _look_on(self) -> tuple[int, bool]:
        """Look at the next stretch; return how many cases were written, and whether it was the last one."""
        with self._database.transaction(writes=False) as connection:
            reading = CaseNewsReading(connection)
            done = CaseStore(connection).find_pass() or _NOTHING
            is_replaced = done is not _NOTHING and not reading.still_holds(done)
            newest_id, _, block_number, findings_at = reading.newest()
            upto = min(newest_id, done.segment_id + SEGMENTS_AT_ONCE)
            is_last = upto == newest_id
            seen = CasesPass(
                upto,
                reading.block_hash_of(upto),
                # A stretch before the last leaves what was set free since for the last one.
                block_number if is_last else done.block_number,
                findings_at if is_last else done.findings_at,
            )
            found: Found = []
            gone: list[str] = []
            if not is_replaced and seen != done:
                news = reading.since(done, upto=upto)
                found, gone = self._seek(connection, reading, news, with_findings=is_last)
        if is_replaced:
            log.info("the chain replaced blocks; looking for cases again from the first one")
            with self._database.transaction() as connection:
                CaseStore(connection).forget()
            return 0, False
        is_further = (seen.segment_id, seen.findings_at) != (done.segment_id, done.findings_at)
        if not is_further and not found and not gone:
            return 0, True
        with self._database.transaction() as connection:
            store = CaseStore(connection)
            store.drop_codes(gone)
            store.replace(found)
            store.keep_pass(seen)
        return sum(len(cases) for _, cases in found), is_last

    def _seek(
        self, connection: Connection, reading: CaseNewsReading, news: CaseNews, *, with_findings: bool
    ) -> tuple[Found, list[str]]:
        records, rules = CaseRecords(connection), self._rules
        now = Reader(connection).present(self._now())
        found: Found = []
        for fact in sorted(news.facts):
            known = records.find_fact(fact)
            if known is not None:
                found.append((_fact_root(fact), cases_of_fact(known, rules.deadlines)))
        for lot in sorted(news.lots):
            found.append((f"lot {lot}", self._cases_of_lot(records, lot, now)))
        again = [row for fact in news.facts for row in reading.findings_of(_finding_root(fact))]
        fresh: list[Row[Any]] = []
        gone: list[str] = []
        if with_findings:
            rule = find_case_rule(rules.deadlines, "finding", now)
            if rule is not None:
                fresh = reading.new_findings(confidence_permille_min=rule.values["confidence_permille_min"])
            gone = reading.gone_findings()
        return found + self._cases_of_findings(connection, records, reading, [*again, *fresh]), gone

    def _cases_of_lot(self, records: CaseRecords, lot: str, now: int) -> list[Case]:
        way = records.way_of(lot)
        cases = cases_of_way(way, self._rules.missing_mass)
        for weighed, tolerance in records.weighed_handoffs(way, self._rules.tolerances, now=now):
            said = records.said_of([weighed.give, weighed.take.entry_id])
            case = weight_difference(weighed, said, tolerance, self._rules.deadlines)
            if case is not None:
                cases.append(case)
        return cases

    def _cases_of_findings(
        self, connection: Connection, records: CaseRecords, reading: CaseNewsReading, rows: Iterable[Row[Any]]
    ) -> Found:
        regulators = Regulators.of(regulators_kept(connection))
        by_root: dict[str, dict[str, Case]] = {}
        wanted = {row.finding_id: row for row in rows}
        # Cases of one root are written together, so those that were there before are found again.
        for root in {_finding_root(evidence_of(row)[0]) for row in wanted.values()}:
            wanted |= {row.finding_id: row for row in reading.findings_of(root)}
        for row in wanted.values():
            entries = [records.find_entry(entry_id) for entry_id in evidence_of(row)]
            evidence = [entry for entry in entries if entry is not None]
            if not evidence:
                continue
            subjects = json.loads(row.subjects)
            named = subjects.get("device") or subjects.get("vehicle") or device_text(evidence[0].device)
            sure = SureFinding(row.finding_id, row.confidence_permille, int(named[:6], 16), evidence)
            said = records.said_of([evidence[0].entry_id])
            case = finding_case(sure, said, self._rules.deadlines, regulators)
            by_root.setdefault(_finding_root(evidence[0].entry_id), {})[case.code] = case
        return [(root, list(cases.values())) for root, cases in by_root.items()]


def _fact_root(fact: EntryId) -> str:
    return f"fact {device_text(fact.device)} {fact.seq}"


def _finding_root(entry_id: EntryId) -> str:
    return f"finding {device_text(entry_id.device)} {entry_id.seq}"
