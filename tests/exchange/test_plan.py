from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest

from backend.domain.types import Stream
from backend.exchange.mapping import find_mapping
from backend.exchange.plan import (
    FORMAT,
    GRAMS_PER_LIFT,
    Plan,
    PlanNotReadable,
    build_plan,
    grams_of,
    read_runs,
    write_plan,
)
from backend.exchange.points import CollectionPoint, read_points
from backend.exchange.tables import read_table
from tests.exchange.shared_data import shared

PARKS = ("fushan", "likeng")


def stop(code: str, truck: str, at: int | None, *, district: str = "甲区") -> CollectionPoint:
    return CollectionPoint(
        "test", code, code, "", "", "", district, None, None, (Stream.RESIDUAL,), "", truck, at, at, 2
    )


def written(plan: Plan) -> str:
    out = io.StringIO()
    write_plan(plan, out)
    return out.getvalue()


class TestBuildPlan:
    def test_visits_every_stop_of_a_truck_in_order_of_time(self) -> None:
        points = [stop("c", "T2", 300), stop("b", "T1", 200), stop("a", "T1", 100)]
        plan = build_plan(points, seed=1, parks=PARKS)
        assert [(run.truck, [s.point for s in run.stops]) for run in plan.runs] == [
            ("truck-001", ["a", "b"]),
            ("truck-002", ["c"]),
        ]

    def test_never_names_a_plate(self) -> None:
        assert "KEP-3617" not in written(build_plan([stop("a", "KEP-3617", 1)], seed=1, parks=PARKS))

    def test_moves_the_second_of_two_stops_in_one_second(self) -> None:
        plan = build_plan([stop("a", "T", 100), stop("b", "T", 100)], seed=1, parks=PARKS)
        assert [s.occurred_at for s in plan.runs[0].stops] == [100, 101]

    def test_unloads_where_most_stops_are(self) -> None:
        points = [stop("a", "T", 1), stop("b", "T", 2, district="乙区"), stop("c", "T", 3, district="乙区")]
        plan = build_plan(points, seed=1, parks=PARKS)
        assert plan.stations[plan.runs[0].station].district == "乙区"

    def test_sends_stations_to_the_parks_in_turn(self) -> None:
        points = [stop(str(n), "T", n, district=f"{n}区") for n in range(4)]
        plan = build_plan(points, seed=1, parks=PARKS)
        assert [station.park for station in plan.stations.values()] == ["fushan", "likeng"] * 2

    def test_names_the_points_that_no_truck_visits(self) -> None:
        plan = build_plan([stop("a", "", 1), stop("b", "T", None), stop("c", "T", 5)], seed=1, parks=PARKS)
        assert plan.skipped == ("a", "b")

    def test_is_the_same_for_the_same_seed_in_any_order(self) -> None:
        points = [stop(str(n), f"T{n % 3}", n, district=f"{n % 2}区") for n in range(30)]
        one, other = (build_plan(p, seed=5, parks=PARKS) for p in (points, points[::-1]))
        assert written(one) == written(other)
        assert written(build_plan(points, seed=6, parks=PARKS)) != written(one)

    @pytest.mark.parametrize("stream", Stream)
    def test_fills_bins_within_their_range(self, stream: Stream) -> None:
        low, high = GRAMS_PER_LIFT[stream]
        grams = [grams_of(seed=1, truck="t", point=str(n), stream=stream) for n in range(200)]
        assert low <= min(grams) < max(grams) < high

    def test_covers_taipei(self) -> None:
        data = shared("points/taipei-truck-stops-2026-07-01.csv").read_bytes()
        points = read_points(read_table(data), find_mapping("taipei")).points
        plan = build_plan(points, seed=1, parks=PARKS)
        assert (len(plan.runs), sum(len(run.stops) for run in plan.runs)) == (187, 4007)
        assert len(plan.stations) == 12
        assert {run.park for run in plan.runs} == set(PARKS)
        assert plan.skipped == ()
        assert list(read_runs(io.StringIO(written(plan)))) == list(plan.runs)


class TestReadRuns:
    PLAN = build_plan([stop("a", "T", 1), stop("b", "U", 2)], seed=1, parks=PARKS)

    def test_gives_back_what_was_written(self) -> None:
        assert tuple(read_runs(io.StringIO(written(self.PLAN)))) == self.PLAN.runs

    def test_counts_in_the_header(self) -> None:
        header = json.loads(written(self.PLAN).splitlines()[0])
        assert (header["format"], header["runs"], header["stops"]) == (FORMAT, 2, 2)
        assert header["grams"] == sum(run.grams() for run in self.PLAN.runs)

    def test_reads_one_run_at_a_time(self) -> None:
        lines = written(self.PLAN).splitlines(keepends=True)

        def endless() -> Iterator[str]:
            yield lines[0]
            while True:
                yield lines[1]

        runs = read_runs(endless())
        assert next(runs) == next(runs)

    @pytest.mark.parametrize(
        ("old", "new", "line"),
        [
            ("huanlian-plan-1", "huanlian-plan-9", 1),
            ('{"format"', "[", 1),
            ('"runs":2', '"runs":3', 3),
            ('"stream":"residual"', '"stream":"paper"', 2),
            ('"point"', '"where"', 2),
            ('"grams":', '"grams":-', 2),
        ],
    )
    def test_names_the_line_that_is_wrong(self, old: str, new: str, line: int) -> None:
        head, _, tail = written(self.PLAN).partition("\n")
        text = f"{head.replace(old, new)}\n{tail.replace(old, new)}"
        with pytest.raises(PlanNotReadable) as refusal:
            list(read_runs(io.StringIO(text)))
        assert refusal.value.line == line

    def test_refuses_times_that_run_backwards(self) -> None:
        plan = build_plan([stop("a", "T", 1), stop("b", "T", 2)], seed=1, parks=PARKS)
        with pytest.raises(PlanNotReadable, match="occurred_at"):
            list(read_runs(io.StringIO(written(plan).replace('"occurred_at":2', '"occurred_at":1'))))

    def test_refuses_an_empty_file(self) -> None:
        with pytest.raises(PlanNotReadable):
            list(read_runs(io.StringIO("")))
