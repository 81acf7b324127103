"""The generator: the same seed gives the same month, and every named fraud is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backend.cli.app import build_app
from backend.simulate.month.frauds import KINDS
from backend.simulate.month.month import FIRST_MIDNIGHT, make
from backend.simulate.month.size import Size
from backend.simulate.month.truth import truth_of, write_truth

SMALL = Size(2, 20)


class TestSize:
    def test_of_a_district_is_what_is_public_of_guangzhou(self) -> None:
        assert Size.of_share(1) == Size(32, 44)
        assert Size.of_share(1).bins == 8448
        assert Size.of_share(0.125) == Size(4, 44)

    def test_is_never_too_small_to_cheat_in(self) -> None:
        assert Size.of_share(0) == Size.of_share(0.001) == Size(2, 20)


class TestMonth:
    def test_hides_the_frauds_that_were_asked_for_and_no_others(self) -> None:
        month = make("1", SMALL, days=20)
        assert {case.kind for case in month.journals.cases} == set(KINDS)
        some = make("1", SMALL, days=20, kinds=("ghost-bin", "tare-drift"))
        assert {case.kind for case in some.journals.cases} == {"ghost-bin", "tare-drift"}
        assert make("1", SMALL, days=20, kinds=()).journals.cases == []

    def test_begins_where_it_is_told_and_is_the_same_but_for_that(self) -> None:
        one, other = make("1", SMALL, days=8), make("1", SMALL, days=8, midnight=FIRST_MIDNIGHT + 7 * 86_400)
        moved = {
            device: [(line.kind, line.recorded_at + 7 * 86_400) for line in lines]
            for device, lines in one.journals.lines.items()
        }
        assert moved == {
            device: [(line.kind, line.recorded_at) for line in lines]
            for device, lines in other.journals.lines.items()
        }

    def test_names_the_culprit_of_each_fraud_and_entries_that_are_there(self) -> None:
        month = make("1", SMALL, days=20)
        vehicles = {truck.vehicle for truck in month.district.trucks}
        for case in month.journals.cases:
            assert case.culprit in vehicles | {truck.device for truck in month.district.trucks}
            assert case.lines, case
            assert all(0 < seq <= len(month.journals.lines[device]) for device, seq in case.lines)

    def test_writes_the_truth_to_a_file(self, tmp_path: Path) -> None:
        month = make("1", SMALL, days=8)
        write_truth(month, tmp_path / "field" / "truth.json")
        written = json.loads((tmp_path / "field" / "truth.json").read_text(encoding="utf-8"))
        assert written == json.loads(json.dumps(truth_of(month)))
        assert len(written["frauds"]) == len(month.journals.cases) > 0


class TestCommand:
    @pytest.mark.parametrize("frauds", ["ghost-bins", "all,none", ""])
    def test_refuses_a_fraud_that_it_does_not_know(self, tmp_path: Path, frauds: str) -> None:
        arguments = ["simulate", "month", "--data-dir", str(tmp_path), "--frauds", frauds]
        refused = CliRunner().invoke(build_app(), arguments)
        assert refused.exit_code == 2
        assert "no such fraud" in refused.output

    def test_says_what_to_do_without_a_plan(self) -> None:
        refused = CliRunner().invoke(build_app(), ["simulate"])
        assert refused.exit_code == 2
        assert "simulate month" in refused.output
