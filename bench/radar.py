"""The radar on months that were made up: what it finds of the frauds hidden in them, and whom it accuses wrongly.

Rules and thresholds were tuned on the seeds 1 to 5 only. What counts are seeds that follow from the very text of
rules, thresholds and generator: whoever changes one of these gets other months, so nobody can have tuned on them.
"""

from __future__ import annotations

import hashlib
import resource
import tempfile
import time
from pathlib import Path

from backend.exchange.threshold_file import load_thresholds
from backend.jobs.radar import Radar
from backend.simulate.month.month import A_THOUSAND_TRUCK_DAYS, Month, make
from backend.simulate.month.size import Size
from backend.store.findings import FindingReading
from backend.store.reading import Reader
from backend.store.session import Database
from backend.usecases.finding_views import FindingFilter
from bench.month.books import write_books
from bench.month.looking import findings_of
from bench.month.scoring import Score, false_accusations, missed, score, total
from bench.report import Report

ROOT = Path(__file__).parent.parent
TUNING_SEEDS = ("1", "2", "3", "4", "5")
FRESH, RARE, SEED_DIGITS = 5, 3, 8
SIZE, DAYS = Size(16), 30
A_THOUSAND_RARELY = 6
PRECISION_MIN, RECALL_MIN, ALARMS_MAX = 0.95, 0.9, 5
_JUDGED = ("backend/domain/radar/*.py", "backend/exchange/data/radar.json", "backend/simulate/month/*.py")
_MOST_FINDINGS = 1_000_000
_COLUMNS = "| frauds | found | accusations | repeats | consequences | wrong | explained | precision | recall |"
_MATERIAL = f"""\
Half a mean district ([size.py](../../backend/simulate/month/size.py)): {SIZE.streets} streets of
{SIZE.points_a_street} points, {SIZE.bins} bins, {SIZE.streets * 3} trucks, {DAYS} days. Crews cheat on
{A_THOUSAND_TRUCK_DAYS} of 1,000 truck-days, in nine ways in turn; a sixth of the vehicles has false tares or
tickets from some day on. Each fraud has a strength drawn at random, weak too. Honest crews press twice, press the
wrong button, read strange labels, are offline for a day, help out in other streets and break down; the registry is
late with some bins. Thresholds: backend/exchange/data/radar.json. Generator and radar share no code.
"""
_SCORING = """\
An *accusation* is a finding that follows from no other. It is *right* when it is of the fraud's kind, points at
the device or vehicle that committed it, names a planted entry, and is the first to do so. A second one is a
*repeat*; a *consequence* names what a fraud made wrong (grams of invented lifts do not arrive); the rest is
*wrong*. Precision is strict: right ones over all accusations. *Explained* findings name their cause.
"""


def missing_material() -> list[str]:
    """Return nothing: it makes its own."""
    return []


def fresh_seeds(root: Path = ROOT) -> list[str]:
    """Return the seeds that follow from rules, thresholds and generator as they stand."""
    digest = hashlib.sha256()
    for pattern in _JUDGED:
        for path in sorted(root.glob(pattern)):
            digest.update(path.read_bytes())
    digits = digest.hexdigest()
    return [digits[at * SEED_DIGITS : (at + 1) * SEED_DIGITS] for at in range(FRESH)]


def prove(report: Report) -> None:
    """Look at months with frauds and without, and at one in real books."""
    seeds = fresh_seeds()
    report.say("\n## The radar on months of one district\n")
    report.say(_MATERIAL)
    report.say(_SCORING)
    report.say(
        f"Tuned on the seeds {', '.join(TUNING_SEEDS)}. Measured on {', '.join(seeds)}: the first {FRESH} groups "
        f"of {SEED_DIGITS} hex digits of the SHA-256 of `{'`, `'.join(_JUDGED)}`, in the order of their names.\n"
    )
    _prove_months(report, seeds, A_THOUSAND_TRUCK_DAYS, "Seeds never used before", must=True)
    _prove_months(
        report,
        seeds[:RARE],
        A_THOUSAND_RARELY,
        f"The first of them, cheating on only {A_THOUSAND_RARELY} of 1,000 truck-days",
    )
    report.say("\n### Clean months\n")
    _prove_clean(report, seeds)
    _prove_books(report)


def _make(seed: str, rate: int) -> Month:
    return make(seed, SIZE, days=DAYS, a_thousand_truck_days=rate)


def _prove_months(report: Report, seeds: list[str], rate: int, name: str, *, must: bool = False) -> None:
    report.say(f"\n### {name}\n\n| seed | lifts {_COLUMNS}\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    by_kind: dict[str, list[Score]] = {}
    details = []
    for seed in seeds:
        month = _make(seed, rate)
        found, cases = findings_of(month), month.journals.cases
        for line in score(found, cases):
            by_kind.setdefault(line.kind, []).append(line)
        report.say(f"| `{seed}` | {month.lifts} {_row(by_kind['all'][-1])}")
        details += [
            f"- `{seed}`, not right: {finding.kind.value}, {finding.variant}, {dict(finding.numbers)}"
            for finding in false_accusations(found, cases)
        ]
        details += [
            f"- `{seed}`, missed: {c.kind} {c.how} on day {c.day}, {len(c.lines)} entries"
            for c in missed(found, cases)
        ]
    whole = total(by_kind.pop("all"))
    report.say(f"| all | {_row(whole)}")
    report.say(f"\n| kind {_COLUMNS}\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for kind, lines in sorted(by_kind.items()):
        report.say(f"| {kind} {_row(total(lines, kind))}")
    report.say("")
    if must:
        report.check(
            f"strict precision at least {PRECISION_MIN}",
            whole.precision >= PRECISION_MIN,
            f"{whole.precision:.3f}",
        )
        report.check(f"recall at least {RECALL_MIN}", whole.recall >= RECALL_MIN, f"{whole.recall:.3f}")
    for line in details:
        report.say(line)


def _row(s: Score) -> str:
    return (
        f"| {s.cases} | {s.found} | {s.accusations} | {s.repeats} | {s.consequences} | {s.wrong} | {s.explained} "
        f"| {s.precision:.3f} | {s.recall:.3f} |"
    )


def _prove_clean(report: Report, seeds: list[str]) -> None:
    lifts, found = 0, []
    for seed in seeds:
        month = _make(seed, 0)
        lifts += month.lifts
        found += findings_of(month)
    rate = 100_000 * len(found) / lifts
    kinds = ", ".join(sorted(finding.kind.value for finding in found)) or "none"
    what = f"{len(seeds)} clean months ({lifts} lifts): false alarms per 100,000 lifts at most {ALARMS_MAX}"
    report.check(what, rate <= ALARMS_MAX, f"{rate:.2f} ({kinds})")


def _prove_books(report: Report) -> None:
    month = _make(TUNING_SEEDS[0], A_THOUSAND_TRUCK_DAYS)
    expected = {(f.finding_id, f.confidence_permille, f.follows_from) for f in findings_of(month)}
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
    found = {(view.finding_id, view.confidence_permille, None) for view in kept}
    found |= {(o.finding_id, o.confidence_permille, view.finding_id) for view in kept for o in view.consequences}
    report.say("\n### The first tuning month as signed journals, folded into SQLite books\n")
    report.check("the books give the findings of the facts in memory", found == expected, f"{len(found)} findings")
    report.say(
        f"- {segments} sealed segments written, judged and folded in {folded - began:.0f} s, looked through in "
        f"{looked - folded:.0f} s, on a machine that others used meanwhile; "
        f"peak memory of the whole proof {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB"
    )
