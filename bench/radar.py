"""The radar on months that were made up: what it finds of the frauds hidden in them, and what it cries wolf at.

The thresholds were chosen with the first seed before one's eyes. The other seeds were not run before the report
was written for the first time; what they show is what a new city would see, as far as the month is like one.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

from backend.domain.radar.findings import Finding
from backend.domain.radar.looking import look_at_handoffs, look_at_lifts
from backend.domain.radar.thresholds import Thresholds, in_force
from backend.exchange.threshold_file import load_thresholds
from backend.jobs.radar import Radar
from backend.store.findings import FindingReading
from backend.store.reading import Reader
from backend.store.session import Database
from backend.usecases.finding_views import FindingFilter
from bench.month import typed
from bench.month.books import write_books
from bench.month.month import Month, make
from bench.month.scoring import Score, false_alarms, missed, score
from bench.report import Report

BUILDING_SEED, FRESH_SEEDS = "build-1", ("fifth", "sixth")
RARE_SEED, A_THOUSAND_RARELY = "seventh", 6
STREETS, DAYS, A_THOUSAND_TRUCK_DAYS = 16, 30, 60
PRECISION_MIN, RECALL_MIN, ALARMS_MAX = 0.95, 0.9, 10
_MOST_FINDINGS = 1_000_000
_MATERIAL = f"""\
{STREETS} streets of 44 points, {STREETS * 3} trucks, {DAYS} days. Crews cheat on {A_THOUSAND_TRUCK_DAYS} of 1,000
truck-days, in nine ways in turn; a sixth of the vehicles has a false tare or false tickets from some day on. Each
fraud has a strength drawn at random, weak ones too. Honest crews press twice, press the wrong button, read strange
labels, are offline for a day, help out in other streets and break down; the registry is late with some bins.
Thresholds: backend/exchange/data/radar.json.
"""
_SCORING = """\
A finding is *right* when it is of the fraud's kind and names one of its entries; a *consequence* when it names
what another fraud made wrong, such as grams of invented lifts that do not arrive. Precision counts both; the
strict one counts only right ones."""


def missing_material() -> list[str]:
    """Return nothing: it makes its own."""
    return []


def prove(report: Report) -> None:
    """Look at months with frauds and without, and at one in real books."""
    report.say("\n## The radar on months of one district\n")
    report.say(_MATERIAL)
    report.say(_SCORING)
    for seed in (BUILDING_SEED, *FRESH_SEEDS):
        what = "the seed used while building" if seed == BUILDING_SEED else "a seed not used while building"
        _prove_month(report, make(seed, **_size(A_THOUSAND_TRUCK_DAYS)), f"`{seed}`, {what}")
    rare = make(RARE_SEED, **_size(A_THOUSAND_RARELY))
    _prove_month(
        report, rare, f"`{RARE_SEED}`, cheating on only {A_THOUSAND_RARELY} of 1,000 truck-days", must=False
    )
    report.say("\n### Clean months\n")
    for seed in (BUILDING_SEED, *FRESH_SEEDS):
        _prove_clean(report, make(seed, **_size(0)), seed)
    _prove_books(report)


def _size(rate: int) -> dict[str, int]:
    return {"streets": STREETS, "days": DAYS, "a_thousand_truck_days": rate}


def findings_of(month: Month) -> list[Finding]:
    """Return what the radar finds in the month's facts."""
    rules, bins = in_force(load_thresholds(), month.end), typed.bins_of(month)
    found = [finding for lifts in typed.lift_days(month) for finding in look_at_lifts(lifts, bins, rules)]
    return found + _of_handoffs(month, rules)


def _of_handoffs(month: Month, rules: Thresholds) -> list[Finding]:
    handoffs, tickets, held = typed.handoffs_of(month), typed.tickets_of(month), typed.held_lots(month)
    return look_at_handoffs(handoffs, tickets, held, rules, now=month.end)


def _prove_month(report: Report, month: Month, name: str, *, must: bool = True) -> None:
    found, cases = findings_of(month), month.journals.cases
    lies = sum(len(case.lines) for case in cases)
    report.say(
        f"\n### {name}\n\n{month.lifts} lifts, {len(cases)} frauds in {lies} entries\n\n"
        "| kind | frauds | found | findings | right | consequences | precision | strict | recall |\n"
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    scores = score(found, cases)
    for line in scores:
        report.say(_row(line))
    report.say("")
    whole = scores[-1]
    if must:
        is_precise, is_complete = whole.precision >= PRECISION_MIN, whole.recall >= RECALL_MIN
        report.check(f"precision at least {PRECISION_MIN}", is_precise, f"{whole.precision:.3f}")
        report.check(f"recall at least {RECALL_MIN}", is_complete, f"{whole.recall:.3f}")
    for finding in false_alarms(found, cases):
        report.say(f"- false alarm: {finding.kind.value}, {finding.variant}, {dict(finding.numbers)}")
    for case in missed(found, cases):
        report.say(f"- missed: {case.kind} {case.how} on day {case.day}, {len(case.lines)} entries")


def _row(line: Score) -> str:
    strict = line.right / line.findings if line.findings else 1.0
    return (
        f"| {line.kind} | {line.cases} | {line.found} | {line.findings} | {line.right} | {line.consequences} "
        f"| {line.precision:.3f} | {strict:.3f} | {line.recall:.3f} |"
    )


def _prove_clean(report: Report, month: Month, seed: str) -> None:
    found = findings_of(month)
    rate = 100_000 * len(found) / month.lifts
    kinds = ", ".join(sorted(finding.kind.value for finding in found)) or "none"
    what = f"a clean month of `{seed}` ({month.lifts} lifts): false alarms per 100,000 lifts at most {ALARMS_MAX}"
    report.check(what, rate <= ALARMS_MAX, f"{rate:.1f} ({kinds})")


def _prove_books(report: Report) -> None:
    month = make(BUILDING_SEED, **_size(A_THOUSAND_TRUCK_DAYS))
    expected = {(finding.finding_id, finding.confidence_permille) for finding in findings_of(month)}
    with tempfile.TemporaryDirectory(prefix="huanlian-radar-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'books.db'}")
        began = time.monotonic()
        segments = write_books(month, database)
        folded = time.monotonic()
        Radar(database, load_thresholds(), lambda: month.end).run_once()
        looked = time.monotonic()
        with database.transaction(writes=False) as connection:
            kept = FindingReading(Reader(connection)).page(FindingFilter(), offset=0, limit=_MOST_FINDINGS)
        database.close()
    found = {(view.finding_id, view.confidence_permille) for view in kept}
    report.say("\n### The same month as signed journals, folded into SQLite books\n")
    report.check("the books give the findings of the facts in memory", found == expected, f"{len(found)} findings")
    report.say(
        f"- {segments} sealed segments written, judged and folded in {folded - began:.0f} s, looked through in "
        f"{looked - folded:.0f} s, on a machine that others used meanwhile; "
        f"peak memory of the whole proof {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB"
    )
