"""Looking for cases in books of the tests, by the published rules."""

from __future__ import annotations

from backend.domain.cases import CaseKind, CaseState
from backend.exchange.case_rules_file import load_case_rules
from backend.exchange.threshold_file import load_thresholds
from backend.exchange.tolerance_file import load_tolerances
from backend.jobs.cases import CaseRules, CaseSeeker
from backend.store.cases import CaseReading
from backend.store.reading import Reader
from backend.store.session import Database
from backend.usecases.case_views import CaseFilter, CaseView


def rules() -> CaseRules:
    return CaseRules(load_tolerances().rules, load_thresholds(), load_case_rules())


def seek(database: Database, now: int) -> int:
    return CaseSeeker(database, rules(), lambda: now).run_once()


def cases_at(
    database: Database, now: int, kind: CaseKind | None = None, state: CaseState | None = None
) -> list[CaseView]:
    with database.transaction(writes=False) as connection:
        reading = CaseReading(Reader(connection), now)
        return reading.page(CaseFilter(kind, None, state), offset=0, limit=100)
