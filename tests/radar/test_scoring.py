"""Findings are held against the truth strictly: the right kind, the right culprit, once for each fraud."""

from __future__ import annotations

import shutil
from pathlib import Path

from backend.domain.radar.findings import Finding, FindingKind
from backend.domain.radar.thresholds import in_force
from backend.domain.recorded import EntryId
from backend.exchange.threshold_file import load_thresholds
from backend.simulate.month.journals import Case
from bench.month.scoring import false_accusations, missed, score
from bench.radar import FRESH, TUNING_SEEDS, fresh_seeds

ROOT = Path(__file__).resolve().parents[2]
TRUCK, OTHER = 31 << 40 | 1, 31 << 40 | 2
RULE = in_force(load_thresholds(), 1_800_000_000)["ghost-bin"]
CASE = Case("ghost-bin", "", 3, TRUCK, {(TRUCK, 7), (TRUCK, 9)}, {("missing-mass", TRUCK, 20)})


def finding(kind: FindingKind, device: int, *seqs: int, follows_from: str | None = None) -> Finding:
    evidence = tuple(EntryId(TRUCK, seq) for seq in seqs)
    return Finding(kind, "x", 1, {"device": device}, evidence, 0.999, {}, RULE, follows_from=follows_from)


class TestScore:
    def test_counts_the_first_that_is_right_and_a_second_as_a_repeat(self) -> None:
        first, second = finding(FindingKind.GHOST_BIN, TRUCK, 7), finding(FindingKind.GHOST_BIN, TRUCK, 9)
        whole = score([first, second], [CASE])[-1]
        assert (whole.found, whole.accusations, whole.repeats, whole.precision, whole.recall) == (
            1,
            2,
            1,
            0.5,
            1.0,
        )
        assert false_accusations([first, second], [CASE]) == missed([first, second], [CASE]) == []

    def test_does_not_count_one_that_points_at_somebody_else_or_at_honest_entries(self) -> None:
        for wrong in (finding(FindingKind.GHOST_BIN, OTHER, 7), finding(FindingKind.GHOST_BIN, TRUCK, 8)):
            whole = score([wrong], [CASE])[-1]
            assert (whole.found, whole.wrong, whole.precision, whole.recall) == (0, 1, 0.0, 0.0)
            assert (false_accusations([wrong], [CASE]), missed([wrong], [CASE])) == ([wrong], [CASE])

    def test_counts_a_consequence_against_precision_unless_it_names_its_cause(self) -> None:
        right, light = finding(FindingKind.GHOST_BIN, TRUCK, 7), finding(FindingKind.MISSING_MASS, TRUCK, 20)
        whole = score([right, light], [CASE])[-1]
        assert (whole.precision, whole.consequences, whole.wrong) == (0.5, 1, 0)
        told = finding(FindingKind.MISSING_MASS, TRUCK, 20, follows_from=right.finding_id)
        whole = score([right, told], [CASE])[-1]
        assert (whole.precision, whole.explained) == (1.0, 1)

    def test_of_nothing_is_perfect(self) -> None:
        whole = score([], [])[-1]
        assert (whole.precision, whole.recall) == (1.0, 1.0)


class TestFreshSeeds:
    def test_follow_from_the_text_of_rules_thresholds_and_generator(self, tmp_path: Path) -> None:
        for folder in ("backend/domain/radar", "backend/exchange/data", "backend/simulate/month"):
            shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
        seeds = fresh_seeds(tmp_path)
        assert seeds == fresh_seeds()
        assert len(set(seeds)) == FRESH
        assert not set(seeds) & set(TUNING_SEEDS)
        for changed in ("domain/radar/facts.py", "exchange/data/radar.json", "simulate/month/rounds.py"):
            before = fresh_seeds(tmp_path)
            with (tmp_path / "backend" / changed).open("a") as file:
                file.write("\n")
            assert not set(before) & set(fresh_seeds(tmp_path))
