"""Ten thousand bundles drawn at random, and a thousand with one byte changed, against a real node."""

from __future__ import annotations

import random
from collections import Counter

from backend.domain.proof import Verdict
from bench.figures.proofs import BUNDLES, CHANGED, LIFTS, TRUCKS, change_a_byte, proofs
from bench.report import Report


def missing_material() -> list[str]:
    return []


def prove(report: Report) -> None:
    """Say how many were valid, how many invalid and at which step, and how large they are."""
    report.say("\n## Proof for strangers\n")
    rng = random.Random("changed")
    with proofs() as made:
        verdicts: Counter[str] = Counter()
        sizes = []
        for data in made.draw(BUNDLES):
            verdicts[made.verify(data).verdict_line] += 1
            sizes.append(len(data))
        changed: Counter[str] = Counter()
        for data in made.draw(CHANGED):
            said = made.verify(change_a_byte(rng, data))
            step = said.failed.number if said.failed is not None else 0
            changed[f"{said.verdict}, step {step}"] += 1
    shown = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    report.check(f"{BUNDLES} random bundles are VALID", verdicts[Verdict.VALID] == BUNDLES, shown)
    all_named = all(said.startswith(Verdict.INVALID) and not said.endswith(" 0") for said in changed)
    shown = ", ".join(f"{count} {said}" for said, count in sorted(changed.items()))
    report.check(f"{CHANGED} bundles with one byte changed are INVALID and name a step", all_named, shown)
    largest, usual = max(sizes), sorted(sizes)[len(sizes) // 2]
    report.check(
        f"a lift's bundle, of a lot of {LIFTS // TRUCKS} lifts, is at most 100 KB",
        largest <= 100_000,
        f"largest {largest}, median {usual} bytes",
    )
