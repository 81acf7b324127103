"""The city's map: each level drawn, in a table and as GeoJSON, and every figure a way to its facts."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from console_city import DISTRICT, HOSTILE, MORNING, POINTS, SECOND_STREET, STATION_SITE, STREET, City
from console_client import client_of, page
from fastapi.testclient import TestClient

from backend.console.deps import ConsoleDeps
from backend.console.district_names import district_name
from backend.console.language import TEXTS
from backend.console.map_sites import curve
from backend.console.pages import SAFETY
from backend.domain.extent import Position
from backend.exchange.map_layers_file import MapLayer
from backend.jobs.tally import Tally
from backend.store.tables import Complaint, RadarFinding, table_of
from backend.usecases.views import Name

DAY = "2026-03-01"
SITE, STATION = f"{STREET:016x}", f"{STATION_SITE:016x}"
CITY, IN_DISTRICT, IN_STREET = (f"day={DAY}", f"day={DAY}&district={quote(DISTRICT)}", f"day={DAY}&street={SITE}")
LEVELS = pytest.mark.parametrize("query", [CITY, IN_DISTRICT, IN_STREET], ids=["city", "district", "street"])
LANGUAGES = pytest.mark.parametrize("lang", ["zh", "en"])
SVG = re.compile(r'<svg class="city-map.*?</svg>', re.S)


@pytest.fixture(autouse=True)
def _counted(city: City) -> None:
    Tally(city.database).run_once()


def level(client: TestClient, query: str) -> dict[str, Any]:
    answer = client.get(f"/city/map.geojson?{query}")
    assert answer.status_code == 200, query
    assert answer.headers["content-type"] == "application/geo+json"
    content: dict[str, Any] = answer.json()
    return content


def shapes(content: dict[str, Any], shape: str) -> list[dict[str, Any]]:
    return [one["properties"] for one in content["features"] if one["properties"]["shape"] == shape]


class TestALevel:
    @LANGUAGES
    @LEVELS
    def test_is_drawn_twice_and_listed(self, client: TestClient, query: str, lang: str) -> None:
        text = page(client, f"/city/map?{query}&lang={lang}")
        drawings = SVG.findall(text)
        assert len(drawings) == 2
        for drawing in drawings:
            root = ElementTree.fromstring(drawing)
            assert root.attrib["aria-hidden"] == "true"
            assert "style=" not in drawing
        # What can be pressed in the drawing can be reached in the tables by keyboard.
        pressed = {
            unescape(href) for href in re.findall(r'<a href="([^"]+)" tabindex="-1" class="map-[ams]', text)
        }
        listed = unescape(re.sub(r'<a href="[^"]+" tabindex="-1".*?</a>', "", text, flags=re.S))
        assert pressed
        assert all(f'href="{href}"' in listed or f'id="{href[1:]}"' in listed for href in pressed)

    @LEVELS
    def test_has_no_link_that_leads_nowhere(self, client: TestClient, query: str) -> None:
        text = page(client, f"/city/map?{query}")
        main = text[text.index('<main id="main"') : text.index("</main>")]
        hrefs = {unescape(href).partition("#")[0] for href in re.findall(r'href="([^"]+)"', main)} - {""}
        assert len(hrefs) > 10
        bins = sorted(href for href in hrefs if href.startswith("/bins/"))
        for href in sorted(hrefs - set(bins[3:])):
            assert client.get(href).status_code == 200, href

    @LEVELS
    def test_says_the_same_as_geojson(self, client: TestClient, query: str) -> None:
        content, text = level(client, query), page(client, f"/city/map?{query}")
        marks = shapes(content, "mark")
        assert marks
        for mark in marks:
            assert unescape(text).count(mark["name"]) >= 1
            assert sum(mark["quarters"]) == mark["lifts"]
        assert sum(content["lapse"]["lifts"]) >= sum(mark["lifts"] for mark in marks)
        for feature in content["features"]:
            kind, coordinates = feature["geometry"]["type"], feature["geometry"]["coordinates"]
            if kind == "Polygon":
                assert coordinates[0][0] == coordinates[0][-1]

    def test_goes_down_from_the_city_to_a_bins_page(self, client: TestClient, city: City) -> None:
        (district,) = shapes(level(client, CITY), "mark")
        (street,) = shapes(level(client, district["href"].partition("?")[2]), "mark")
        assert street["key"] == SITE
        points = shapes(level(client, street["href"].partition("?")[2]), "mark")
        assert len(points) == POINTS
        number = points[0]["labels"][0]["bin"]
        assert number in {row["number"] for row in city.bins}
        assert f'href="/bins/{number}"' in page(client, f"/city/map?{IN_STREET}")
        assert client.get(f"/bins/{number}").status_code == 200

    def test_counts_what_the_levels_below_it_count(self, client: TestClient) -> None:
        (district,) = shapes(level(client, CITY), "mark")
        (street,) = shapes(level(client, IN_DISTRICT), "mark")
        points = shapes(level(client, IN_STREET), "mark")
        for name in ("bins", "heard", "lifts", "grams"):
            assert district[name] == street[name] == sum(point[name] for point in points) > 0, name

    def test_lists_a_street_that_nothing_says_where_it_is(self, client: TestClient) -> None:
        content = level(client, CITY)
        assert [mark["key"] for mark in shapes(content, "mark")] == [DISTRICT]
        text = page(client, f"/city/map?{CITY}&lang=en")
        assert TEXTS["en"]["map.no_district"] in text
        below = page(client, f"/city/map?day={DAY}&district=-&lang=en")
        assert TEXTS["en"]["map.nowhere"] in below
        assert f"street={SECOND_STREET:016x}" in below
        assert HOSTILE not in below

    @pytest.mark.parametrize(
        "query", ["day=2026-02-30", "day=x", "street=xyz", "street=ffffffffffffffff", "district=nowhere"]
    )
    @pytest.mark.parametrize("path", ["/city/map", "/city/map.geojson"])
    def test_that_is_not_there_is_a_page_that_says_so(self, client: TestClient, path: str, query: str) -> None:
        assert client.get(f"{path}?{query}").status_code == 404

    def test_of_a_day_without_facts_says_so(self, client: TestClient) -> None:
        assert TEXTS["en"]["map.no_lifts"] in page(client, "/city/map?day=2026-02-27&lang=en")


class TestStationsAndParks:
    def test_take_over_what_came_to_them(self, client: TestClient) -> None:
        sites = {site["key"]: site for site in shapes(level(client, CITY), "site")}
        assert not sites[STATION]["rough"]
        assert sites[STATION]["grams"] > 0
        assert sum(sites[STATION]["quarters"]) > 0
        rough = [site for site in sites.values() if site["rough"]]
        assert rough
        assert TEXTS["en"]["map.rough"] in page(client, f"/city/map?{CITY}&lang=en")

    def test_are_joined_by_what_went_between_them(self, client: TestClient) -> None:
        flows = shapes(level(client, CITY), "flow")
        assert flows
        for flow in flows:
            assert re.search(r'href="/verify/[0-9a-f]{16}/\d+"', page(client, flow["href"].partition("#")[0])), (
                flow["href"]
            )

    def test_are_joined_by_curves_that_begin_and_end_at_them(self) -> None:
        source, target = Position(113.2, 23.1), Position(113.4, 23.3)
        line = curve(source, target, bow=0.2)
        assert (line[0], line[-1]) == (source, target)
        assert any(abs((p.lng - 113.2) - (p.lat - 23.1)) > 0.01 for p in line)


class TestWhatIsRed:
    def test_is_a_finding_of_the_day_or_an_overdue_complaint(self, deps: ConsoleDeps, city: City) -> None:
        number = next(row["number"] for row in city.bins if row["site"] == SITE)
        finding = {
            "finding_id": "f" * 24, "kind": "copied-label", "variant": "", "at": MORNING + 60,
            "confidence_permille": 990, "site": SITE, "subjects": f'{{"bin": "{number}"}}', "evidence": "[]",
            "numbers": "{}", "rule_id": "x", "rule_version": 1, "sought_in": "lifts", "period": 0,
        }  # fmt: skip
        complaint = {
            "id": "c" * 24, "code_digest": "d" * 64, "bin": number, "site": SITE, "kind": 1,
            "reported_at": MORNING, "stage": 1, "owner": "000001", "due_at": MORNING + 60, "statements": 1,
        }  # fmt: skip
        findings, complaints = table_of(RadarFinding), table_of(Complaint)
        client = client_of(replace(deps, now=lambda: MORNING + 2 * 86_400))
        assert [mark["tone"] for mark in shapes(level(client, IN_DISTRICT), "mark")] != ["red"]
        try:
            with city.database.transaction() as connection:
                connection.execute(findings.insert(), [finding])
                connection.execute(complaints.insert(), [complaint])
            for query in (CITY, IN_DISTRICT):
                (mark,) = shapes(level(client, query), "mark")
                assert (mark["tone"], mark["findings"], mark["overdue"]) == ("red", 1, 1)
            red = [point for point in shapes(level(client, IN_STREET), "mark") if point["tone"] == "red"]
            assert [label["bin"] for point in red for label in point["labels"] if label["bin"] == number] == [
                number
            ]
            assert len(red) == 1
            (other_day,) = shapes(level(client, IN_DISTRICT.replace(DAY, "2026-03-02")), "mark")
            assert other_day["findings"] == 0
        finally:
            with city.database.transaction() as connection:
                connection.execute(findings.delete().where(findings.c.finding_id == finding["finding_id"]))
                connection.execute(complaints.delete().where(complaints.c.id == complaint["id"]))


class TestTheScript:
    @pytest.fixture
    def built(self, deps: ConsoleDeps, tmp_path: Path) -> ConsoleDeps:
        (tmp_path / "citymap.js").write_text("export const a = 1;")
        (tmp_path / "citymap-worker.js").write_text("export const b = 2;")
        (tmp_path / "other.js").write_text("alert(1)")
        return replace(deps, app_dist=tmp_path)

    def test_comes_from_us_and_is_kept_by_its_digest(self, built: ConsoleDeps) -> None:
        client = client_of(built)
        text = page(client, f"/city/map?{CITY}")
        addresses = re.findall(r'(?:src|data-worker)="(/console/static/map/[^"]+)"', text)
        assert len(addresses) == 2
        for address in addresses:
            answer = client.get(address)
            assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
            assert "immutable" in answer.headers["cache-control"]
            assert answer.headers["content-security-policy"] == SAFETY["Content-Security-Policy"]
        assert client.get("/console/static/map/citymap.js?v=old").headers["cache-control"] == "no-cache"
        assert client.get("/console/static/map/other.js").status_code == 404

    def test_is_not_asked_for_where_it_was_not_built(self, client: TestClient) -> None:
        assert "/console/static/map/" not in page(client, f"/city/map?{CITY}")

    def test_may_fetch_configured_layers_and_no_other_page_may(self, built: ConsoleDeps) -> None:
        url = "https://tiles.example.org/{z}/{x}/{y}.png"
        layer = MapLayer.model_validate(
            {"id": "base", "kind": "wmts", "name": {"zh": "底图", "en": "Base"}, "url": url}
        )
        client = client_of(replace(built, map_layers=(layer,)))
        plain = SAFETY["Content-Security-Policy"]
        for path in (f"/city/map?{CITY}", "/console/static/map/citymap-worker.js"):
            policy = client.get(path).headers["content-security-policy"]
            assert policy.startswith(plain)
            assert "connect-src 'self' https://tiles.example.org" in policy
        for path in ("/", "/city", "/city/trends", "/streets"):
            assert client.get(path).headers["content-security-policy"] == plain
        assert url in unescape(page(client, f"/city/map?{CITY}"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("演示区 Demo District", Name("演示区", "Demo District")),
        ("天河区", Name("天河区", "天河区")),
        ("district 3", Name("district 3", "district 3")),
        ("三 峡", Name("三 峡", "三 峡")),
    ],
)
def test_a_district_is_called_as_the_directory_has_it(text: str, name: Name) -> None:
    assert district_name(text) == name
