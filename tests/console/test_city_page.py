"""The city's page: what waits, where scales differ, and a picture in which every band leads to its facts."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from console_city import MORNING, City
from console_client import client_of, page
from fastapi.testclient import TestClient

from backend.console.deps import ConsoleDeps
from backend.console.language import TEXTS
from backend.console.sankey import Band, Node, layers_of, picture_of
from backend.domain.types import lot_text

DAY = "2026-03-01"
SVG = re.compile(r'<svg class="sankey.*?</svg>', re.S)


class TestTheCity:
    @pytest.mark.parametrize("lang", ["zh", "en"])
    @pytest.mark.parametrize("period", [f"day={DAY}", "month=2026-03"])
    def test_shows_figures_pictures_and_the_same_as_a_table(
        self, client: TestClient, lang: str, period: str
    ) -> None:
        text = page(client, f"/city?{period}&lang={lang}")
        pictures = SVG.findall(text)
        assert len(pictures) == 2
        for key in ("city.in_custody", "city.flows", "city.offers", "city.scales"):
            assert TEXTS[lang][key] in text
        hrefs = {unescape(href) for href in re.findall(r'<a href="([^"]+)" tabindex="-1"', pictures[0])}
        listed = {unescape(href) for href in re.findall(r'class="figure" href="([^"]+)"', text)}
        assert hrefs
        assert hrefs <= listed

    def test_draws_well_formed_pictures_without_styles_or_scripts_of_their_own(self, client: TestClient) -> None:
        for picture in SVG.findall(page(client, f"/city?day={DAY}")):
            root = ElementTree.fromstring(picture)
            assert root.attrib["aria-hidden"] == "true"
            assert "style=" not in picture
            assert "<script" not in picture

    def test_leads_from_every_band_to_signed_entries(self, client: TestClient) -> None:
        for period in (f"day={DAY}", "month=2026-03"):
            (picture, _) = SVG.findall(page(client, f"/city?{period}"))
            for href in re.findall(r'<a href="([^"]+)" tabindex', picture):
                shown = page(client, unescape(href).partition("#")[0])
                assert re.search(r'href="/verify/[0-9a-f]{16}/\d+"', shown), href

    def test_lists_the_lot_that_nobody_has_taken_and_when_it_is_late(self, deps: ConsoleDeps, city: City) -> None:
        lot = lot_text(city.lots["blue truck 2"])
        client = client_of(replace(deps, now=lambda: MORNING + 86_400))
        fresh, late = (page(client, f"/city?day={DAY}&hours={hours}&lang=en") for hours in (999, 1))
        assert f'href="/lots/{lot}"' in fresh
        assert TEXTS["en"]["city.late_mark"] not in fresh
        assert TEXTS["en"]["city.late_mark"] in late

    def test_lists_scales_that_differ_with_the_take_that_says_so(self, client: TestClient) -> None:
        text = page(client, f"/city?day={DAY}&lang=en")
        scales = text[text.index('id="scales"') :]
        for device, seq in re.findall(r'href="/verify/([0-9a-f]{16})/(\d+)"', scales):
            assert client.get(f"/verify/{device}/{seq}").status_code == 200

    @pytest.mark.parametrize("period", [f"day={DAY}", "month=2026-03"])
    def test_holds_what_parks_took_in_against_what_a_source_says_they_can(
        self, client: TestClient, period: str
    ) -> None:
        text = page(client, f"/city?{period}&lang=en")
        loads = text[text.index('id="loads"') : text.index('id="waits"')]
        # The newest day of these books is the first of March: a month of them holds one day so far.
        assert "8\N{NARROW NO-BREAK SPACE}500" in loads
        hrefs = [unescape(href) for href in re.findall(r'href="([^"]+)"', loads)]
        receipts = next(href for href in hrefs if "/facts?" in href)
        assert re.search(r'href="/verify/[0-9a-f]{16}/\d+"', page(client, receipts))
        assert TEXTS["en"]["parks.sources"] in page(client, next(href for href in hrefs if "#sources" in href))

    @pytest.mark.parametrize("period", [f"day={DAY}", "month=2026-03"])
    def test_leads_from_every_figure_to_its_facts(self, client: TestClient, period: str) -> None:
        text = page(client, f"/city?{period}&lang=en")
        head = text[text.index('<dl class="figures">') : text.index('id="flows"')]
        figures = re.findall(r"<dd>(.*?)</dd>", head, re.S)
        assert len(figures) == 6
        for figure in figures:
            assert "<a href=" in figure or figure.strip() == "0", figure
        hrefs = {unescape(href) for href in re.findall(r'href="([^"]+)"', head)}
        assert any(href.startswith("/cases?kind=") for href in hrefs)
        assert any(href.startswith(("/balance", "#waits")) for href in hrefs)
        for href in sorted(hrefs):
            if href.startswith("#"):
                assert f'id="{href[1:]}"' in text
            else:
                assert client.get(href.partition("#")[0]).status_code == 200, href

    def test_says_that_nothing_went_anywhere(self, client: TestClient) -> None:
        text = page(client, "/city?day=2026-02-01&lang=en")
        assert TEXTS["en"]["city.no_flows"] in text
        assert not SVG.findall(text)

    @pytest.mark.parametrize(
        "query", ["day=2026-02-30", "day=x", "month=2026-13", "month=0000-01", "month=2026-3"]
    )
    def test_of_no_day_or_month_is_a_page_that_says_so(self, client: TestClient, query: str) -> None:
        assert client.get(f"/city?{query}").status_code == 404


def band(source: str, target: str, grams: int) -> Band:
    return Band(source, target, "residual", grams, "/x", "")


STREET, HALL, PARK, END = (Node(key, key, layer) for layer, key in enumerate(("street", "hall", "park", "end")))


class TestAFlowPicture:
    def test_is_as_broad_as_the_grams(self) -> None:
        bands = [band("street", "hall", 300), band("hall", "park", 200), band("hall", "end", 100)]
        drawn = picture_of([STREET, HALL, PARK, END], bands, length=1000, breadth=300, gap=10)
        sizes = {box.node.key: box.end - box.start for box in drawn.boxes}
        assert sizes["street"] == sizes["hall"]
        assert sizes["park"] == pytest.approx(2 * sizes["end"])
        assert len(drawn.ribbons) == 3

    def test_keeps_boxes_of_a_column_apart_and_inside(self) -> None:
        streets = [Node(f"s{n}", "", 0) for n in range(8)]
        bands = [band(one.key, "hall", 10 + n) for n, one in enumerate(streets)]
        for is_upright in (False, True):
            drawn = picture_of([*streets, HALL], bands, length=900, breadth=400, gap=20, is_upright=is_upright)
            column = sorted((box for box in drawn.boxes if box.layer == 0), key=lambda box: box.start)
            assert all(0 <= box.start < box.end <= 400 + 1e-6 for box in column)
            assert all(one.end < other.start for one, other in pairwise(column))

    def test_stands_behind_all_that_flows_in(self) -> None:
        other = Node("other park", "", 2)
        layers = layers_of([STREET, PARK, other], [band("street", "park", 1), band("park", "other park", 1)])
        assert layers == {"street": 0, "park": 1, "other park": 2}

    def test_leaves_what_runs_in_a_circle_to_the_table(self) -> None:
        bands = [band("street", "hall", 5), band("hall", "street", 2), band("hall", "end", 3)]
        drawn = picture_of([STREET, HALL, END], bands, length=900, breadth=400, gap=20)
        assert len(drawn.ribbons) < len(bands)
        assert picture_of([], [], length=9, breadth=9, gap=1).ribbons == ()
