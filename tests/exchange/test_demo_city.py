from __future__ import annotations

import io
import json
import re
import shutil
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from backend.demo.city import FOLDER, PLAN, DemoCity, ParkStatus, load_demo_city
from backend.demo.morning import morning_plan
from backend.domain.types import SiteKind, Stream, organisation_of
from backend.exchange.plan import GRAMS_PER_LIFT, read_runs, write_plan


@pytest.fixture(scope="module")
def city() -> DemoCity:
    return load_demo_city()


class TestDemoCity:
    def test_is_a_street_a_station_and_two_parks(self, city: DemoCity) -> None:
        kinds = Counter(site.kind for site in city.sites)
        assert kinds[SiteKind.STREET] == kinds[SiteKind.TRANSFER_STATION] == 1
        assert kinds[SiteKind.PARK] == 2
        assert city.site("fushan").name.zh == "福山循环经济产业园"
        assert city.site("likeng").name.zh == "李坑循环经济产业园"

    def test_has_44_points_with_bins_for_at_least_two_streams(self, city: DemoCity) -> None:
        assert len(city.points) == 44
        for point in city.points:
            assert {Stream.FOOD, Stream.RESIDUAL} <= set(point.streams)
        assert city.bin_count() == sum(len(run.stops) for run in morning_plan(city).runs) == 129

    def test_numbers_organisations_from_one(self, city: DemoCity) -> None:
        assert [organisation.id for organisation in city.organisations] == [1, 2, 3, 4, 5]
        assert len(city.crews) == 3

    def test_builds_ids_that_name_their_organisation(self, city: DemoCity) -> None:
        for site in city.sites:
            assert organisation_of(site.id) == site.organisation
        for crew in city.crews:
            assert organisation_of(crew.device) == organisation_of(crew.vehicle) == crew.organisation

    def test_says_that_it_is_invented(self, city: DemoCity) -> None:
        invented = [o.name for o in city.organisations]
        invented += [city.site("street").name, city.site("station").name]
        for name in invented:
            assert "演示" in name.zh
            assert "demo" in name.en.lower()

    def test_knows_seven_parks_and_where_each_fact_is_from(self, city: DemoCity) -> None:
        assert Counter(park.status for park in city.parks) == {
            ParkStatus.SOURCED: 5,
            ParkStatus.TO_BE_CONFIRMED: 2,
        }
        for park in city.parks:
            for fact in park.facts:
                assert fact.source
                assert fact.source_date or fact.reliability in ("B", "C", None)

    def test_adds_up_capacities_from_the_numbers_of_the_fact_they_name(self, city: DemoCity) -> None:
        named = [park for park in city.parks if park.capacity is not None]
        assert len(named) == 5
        for park in named:
            assert park.capacity is not None
            text = park.facts[park.capacity.fact].zh.replace(" ", "")
            numbers = [int(number) for number in re.findall(r"(\d+)吨", text)]
            sums = {sum(some) for count in range(1, len(numbers) + 1) for some in combinations(numbers, count)}
            assert park.capacity.tonnes_per_day in sums, (park.key, numbers)

    def test_gives_every_plant_a_park(self, city: DemoCity) -> None:
        for site in city.sites:
            if site.kind is SiteKind.PLANT:
                assert site.parent is not None
                assert city.site(site.parent).kind is SiteKind.PARK
                assert city.site(site.parent).organisation == site.organisation

    def test_holds_no_bin_numbers_or_serials_of_labels(self) -> None:
        text = (FOLDER / "points.json").read_text(encoding="utf-8")
        assert "serial" not in text.replace("numbers and serials when", "")
        assert '"number"' not in text

    @pytest.mark.parametrize(
        ("file", "path", "value"),
        [
            ("points", ("points", 1, "code"), "P01"),
            ("points", ("points", 0, "streams"), ["paper"]),
            ("points", ("points", 0, "lat"), 123),
            ("points", ("points", 0, "colour"), "red"),
            ("points", ("site",), "nowhere"),
            ("sites", ("sites", 0, "organisation"), 99),
            ("sites", ("sites", 0, "kind"), "beach"),
            ("sites", ("sites", 3, "parent"), "nowhere"),
            ("sites", ("sites", 3, "park"), "nowhere"),
            ("sites", ("sites", 3, "serial"), 1),
            ("parks", ("parks", 6, "name", "zh"), "兴丰"),
            ("parks", ("parks", 0, "reliability"), None),
            ("parks", ("parks", 0, "facts"), []),
            ("parks", ("parks", 0, "capacity", "fact"), 4),
            ("parks", ("parks", 0, "capacity", "tonnes_per_day"), 0),
            ("parks", ("parks", 0, "position", "lat"), 123),
            ("points", ("district",), ""),
            ("organisations", ("crews", 1, "device_serial"), 1),
        ],
    )
    def test_refuses_files_that_do_not_hang_together(
        self, tmp_path: Path, file: str, path: tuple[str | int, ...], value: object
    ) -> None:
        shutil.copytree(FOLDER, tmp_path / "data")
        target = tmp_path / "data" / f"{file}.json"
        content: Any = json.loads(target.read_text(encoding="utf-8"))
        at = content
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
        target.write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(ValidationError):
            load_demo_city(tmp_path / "data")


class TestMorningPlan:
    def test_on_disk_is_what_the_function_builds(self, city: DemoCity) -> None:
        out = io.StringIO()
        write_plan(morning_plan(city), out)
        assert PLAN.read_text(encoding="utf-8") == out.getvalue()

    def test_empties_every_bin_once_with_its_own_crew(self, city: DemoCity) -> None:
        with PLAN.open(encoding="utf-8") as file:
            runs = list(read_runs(file))
        lifted = Counter((stop.point, run.stream) for run in runs for stop in run.stops)
        assert set(lifted.values()) == {1}
        assert set(lifted) == {(point.code, stream) for point in city.points for stream in point.streams}
        streams = {crew.key: crew.streams for crew in city.crews}
        for run in runs:
            assert run.stream in streams[run.truck]
            low, high = GRAMS_PER_LIFT[run.stream]
            assert all(low <= stop.grams < high for stop in run.stops)

    def test_sends_nothing_where_it_is_not_accepted(self, city: DemoCity) -> None:
        for run in morning_plan(city).runs:
            assert run.stream in city.site(run.station).streams
            if run.park:
                assert run.stream in city.site(run.park).streams

    def test_never_sends_one_crew_to_two_places_at_once(self, city: DemoCity) -> None:
        ends: dict[str, int] = {}
        for run in morning_plan(city).runs:
            assert run.stops[0].occurred_at > ends.get(run.truck, 0)
            ends[run.truck] = run.stops[-1].occurred_at

    def test_is_over_by_noon(self, city: DemoCity) -> None:
        assert max(s.occurred_at for run in morning_plan(city).runs for s in run.stops) < 12 * 3600
