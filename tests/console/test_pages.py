from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
from console_city import DISTRICT, HOSTILE, NETWORK, SECOND_STREET, STREET, City
from console_client import client_of
from fastapi.testclient import TestClient

from backend.console.assets import TEMPLATES
from backend.console.deps import ConsoleDeps
from backend.console.journeys import Places, draw
from backend.console.language import FOLDER, TEXTS
from backend.domain.label import giai_of
from backend.domain.types import device_text, lot_text
from backend.store.reading import Reader
from backend.store.slots import BookState
from backend.usecases.views import StreamTotals

LANGUAGES = ("zh", "en")
VOID = {"meta", "link", "br", "img", "input", "hr", "path", "circle", "rect", "use"}


class Page(HTMLParser):
    """Reads a page and notes what a browser would have to guess."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.flaws: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        self.flaws += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.flaws.append(f"</{tag}> closes <{self.open[-1:]}>")
            return
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def addresses(city: City) -> dict[str, str]:
    truck = device_text(city.devices["truck"].device)
    return {
        "home": "/",
        "streets": "/streets",
        "street": f"/streets/{device_text(STREET)}",
        "hostile street": f"/streets/{device_text(SECOND_STREET)}",
        "bin": f"/bins/{city.bins[0]['number']}",
        "bin never lifted": f"/bins/{city.bins[-1]['number']}",
        "label": f"/8004/{giai_of(city.serial(1))}",
        "lots": "/lots",
        "lots of a stream": "/lots?stream=3",
        **{f"lot {name}": f"/lots/{lot_text(lot)}" for name, lot in city.lots.items()},
        "verify": f"/verify/{truck}/2",
        "verify a queued entry": f"/verify/{truck}/37",
        "how to verify": "/verify",
        "devices": "/devices",
        "continuity": "/continuity",
        "open data": "/open-data",
        "radar": "/radar",
        "balance": "/balance",
        "city": "/city",
        "map": "/city/map",
        "map of a district": f"/city/map?district={quote(DISTRICT)}",
        "map of a street": f"/city/map?street={device_text(STREET)}",
        "trends": "/city/trends",
        "complaints": "/complaints",
        "inspections": "/inspections",
        "alerts": "/alerts",
    }


NAMES = [
    "home", "streets", "street", "hostile street", "bin", "bin never lifted", "label", "lots",
    "lots of a stream", "lot station 1", "lot truck 1", "lot truck2 1", "lot food truck 1",
    "lot food truck 2", "lot blue truck 1", "lot blue truck 2", "lot truck 2", "lot food truck 3", "verify",
    "verify a queued entry", "how to verify", "devices", "continuity", "open data", "radar",
    "balance", "city", "map", "map of a district", "map of a street", "trends",
    "complaints", "inspections", "alerts",
]  # fmt: skip


class TestEveryPage:
    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("name", NAMES)
    def test_is_whole_and_in_the_visitors_language(
        self, client: TestClient, city: City, name: str, language: str
    ) -> None:
        answer = client.get(addresses(city)[name], headers={"Accept-Language": language})
        assert answer.status_code == 200
        page = Page(answer.text)
        assert page.flaws == []
        assert page.all("html")[0]["lang"] == {"zh": "zh-Hans", "en": "en"}[language]
        assert answer.headers["content-language"] == page.all("html")[0]["lang"]
        for landmark in ("header", "nav", "main", "footer"):
            assert page.all(landmark), landmark
        assert len(page.all("h1")) == 1
        assert TEXTS[language]["foot.honest"] in page.text
        assert TEXTS[language]["demo"] in page.text
        assert "None" not in page.text

    @pytest.mark.parametrize("name", NAMES)
    def test_lets_no_name_become_markup(self, client: TestClient, city: City, name: str) -> None:
        answer = client.get(addresses(city)[name])
        assert HOSTILE not in answer.text
        assert "<script>alert" not in answer.text
        assert "onerror=alert(1)>" not in answer.text
        scripts = Page(answer.text).all("script")
        assert [script["src"] for script in scripts] == [scripts[0]["src"]]

    def test_has_only_links_that_lead_somewhere(self, client: TestClient, city: City) -> None:
        kinds: dict[str, set[str]] = {}
        for address in addresses(city).values():
            for link in Page(client.get(address).text).all("a"):
                href = link["href"] or ""
                if not href.startswith(("/app/", "/api/", "#", "?")):
                    kinds.setdefault(href.split("/")[1], set()).add(href)
        assert {"streets", "bins", "lots", "verify", "devices"} <= set(kinds)
        for hrefs in kinds.values():
            for href in sorted(hrefs)[::7]:
                assert client.get(href).status_code == 200, href

    def test_has_unique_ids(self, client: TestClient, city: City) -> None:
        for address in addresses(city).values():
            ids = [attrs["id"] for _, attrs in Page(client.get(address).text).tags if attrs.get("id")]
            assert len(ids) == len(set(ids)), address

    def test_forbids_foreign_scripts(self, client: TestClient) -> None:
        answer = client.get("/")
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert " style=" not in answer.text


class TestLanguage:
    def test_is_chinese_for_a_chinese_browser_and_when_nothing_is_said(self, client: TestClient) -> None:
        for header in ("zh-CN,zh;q=0.9,en;q=0.8", "fr", "", "en;q=0.2, zh-HK", "en;q=oops"):
            answer = client.get("/", headers={"Accept-Language": header})
            assert 'lang="zh-Hans"' in answer.text, header

    def test_is_english_for_an_english_browser(self, client: TestClient) -> None:
        assert '<html lang="en">' in client.get("/", headers={"Accept-Language": "en-GB,zh;q=0.3"}).text

    def test_stays_as_chosen(self, client: TestClient) -> None:
        client.get("/?lang=en", headers={"Accept-Language": "zh"})
        assert '<html lang="en">' in client.get("/lots", headers={"Accept-Language": "zh"}).text
        client.get("/?lang=zh")
        assert '<html lang="zh-Hans">' in client.get("/lots", headers={"Accept-Language": "en"}).text

    def test_ignores_a_language_we_do_not_have(self, client: TestClient) -> None:
        assert "set-cookie" not in client.get("/?lang=<script>").headers

    def test_keeps_the_page_when_switched(self, client: TestClient) -> None:
        page = Page(client.get("/lots?stream=3&lang=zh").text)
        assert "?stream=3&lang=en" in [a["href"] for a in page.all("a")]


class TestTexts:
    def test_have_the_same_keys_and_values_to_fill_in(self) -> None:
        zh, en = (json.loads((FOLDER / f"{name}.json").read_text()) for name in LANGUAGES)
        assert list(zh) == list(en)
        for key in zh:
            fields = [sorted(re.findall(r"\{(\w+)\}", texts[key])) for texts in (zh, en)]
            assert fields[0] == fields[1], key
            assert zh[key].strip(), key

    def test_hold_every_key_that_a_template_names(self) -> None:
        for template in TEMPLATES.glob("*.html"):
            for key in re.findall(r"\bt\('([a-z_.0-9]+)'[,)]", template.read_text()):
                assert key in TEXTS["zh"], (template.name, key)


class TestHome:
    def test_marks_each_stream_that_balances_to_the_gram(self, client: TestClient) -> None:
        text = client.get("/?lang=en").text
        assert text.count('class="exact"') == 4
        assert 'class="inexact"' not in text

    def test_marks_no_stream_that_is_off_by_one_gram(self, deps: ConsoleDeps) -> None:
        class Crooked(Reader):
            def totals(self, state: BookState) -> list[StreamTotals]:
                return [StreamTotals(3, 1000, 0, 999, 0, 0)]

        @contextmanager
        def read() -> Iterator[Reader]:
            with deps.read() as reader:
                yield Crooked(reader._connection)

        text = client_of(replace(deps, read=read)).get("/?lang=en").text
        assert 'class="exact"' not in text
        assert "differs by 0.001\N{NARROW NO-BREAK SPACE}kg" in text

    def test_says_how_far_the_books_are(self, client: TestClient, city: City) -> None:
        with city.read() as reader:
            following = reader.following()
        text = Page(client.get("/?lang=en").text).text
        assert re.search(rf"Newest block\s*{following.block_number}", text)
        assert re.search(r"Queued for the chain\s*1\b", text)
        assert re.search(r"Disagreements with the ledger\s*0\b", text)

    def test_shows_a_first_page_before_anything_happened(self, tmp_path: Path, deps: ConsoleDeps) -> None:
        from backend.store.session import Database

        database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
        database.migrate()

        @contextmanager
        def read() -> Iterator[Reader]:
            with database.transaction(writes=False) as connection:
                yield Reader(connection)

        empty = client_of(replace(deps, read=read, is_demo=False))
        for address in ("/", "/streets", "/lots", "/devices", "/radar"):
            answer = empty.get(address)
            assert answer.status_code == 200
            assert TEXTS["zh"]["demo"] not in answer.text
        database.close()


class TestStreet:
    def test_shows_all_points_with_their_bins(self, client: TestClient, city: City) -> None:
        page = Page(client.get(f"/streets/{device_text(STREET)}").text)
        assert len([s for s in page.all("section") if "point" in (s.get("class") or "")]) == 44
        links = {a["href"] for a in page.all("a")}
        theirs = [b["number"] for b in city.bins if b["site"] == device_text(STREET)]
        assert len(theirs) == 176
        assert {f"/bins/{number}" for number in theirs} <= links


class TestLabel:
    def test_shows_what_goes_in_and_what_became_of_the_last_lift(self, client: TestClient, city: City) -> None:
        text = Page(client.get(f"/8004/{giai_of(city.serial(1))}").text).text
        assert "厨余垃圾" in text
        assert "投放指引" in text
        assert "已在福山循环经济产业园加工成产品。" in text
        assert "核验" in text

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (lambda giai: giai[:-1] + ("0" if giai[-1] != "0" else "1"), "damaged"),
            (lambda giai: giai[:-1], "damaged"),
            (lambda giai: giai[:12] + "-" + giai[13:], "damaged"),
            (lambda giai: "951" + giai[3:], "foreign"),
            (lambda _: giai_of(b"\x07" * 16), "unknown"),
            (lambda _: "<script>alert(1)<", "foreign"),
        ],
    )
    def test_says_what_to_do_about_a_label_it_cannot_use(
        self, client: TestClient, city: City, change: object, why: str, language: str
    ) -> None:
        giai = change(giai_of(city.serial(1)))  # type: ignore[operator]
        answer = client.get(f"/8004/{giai}", headers={"Accept-Language": language})
        assert answer.status_code == 404
        assert TEXTS[language][f"label.{why}.title"] in answer.text
        assert "<script>alert" not in answer.text


class TestLot:
    def test_tells_every_step_with_its_transaction(self, client: TestClient, city: City) -> None:
        lot = lot_text(city.lots["station 1"])
        with city.read() as reader:
            journey = reader.find_journey(lot)
        assert journey is not None
        answer = client.get(f"/lots/{lot}")
        for step in journey.steps:
            assert step.entry.tx_hash is not None
            assert step.entry.tx_hash in answer.text
            assert f"/verify/{step.entry.device}/{step.entry.seq}" in answer.text
        text = Page(answer.text).text
        assert "生效" in text
        assert "已最终确定" in text

    def test_leads_to_the_lots_before_and_after(self, client: TestClient, city: City) -> None:
        into, source = lot_text(city.lots["station 1"]), lot_text(city.lots["truck 1"])
        assert f"/lots/{source}" in client.get(f"/lots/{into}").text
        assert f"/lots/{into}" in client.get(f"/lots/{source}").text

    def test_pages_through_its_lifts(self, client: TestClient, city: City) -> None:
        address = f"/lots/{lot_text(city.lots['station 1'])}"
        first = Page(client.get(address).text)
        assert len([a for a in first.all("a") if (a.get("href") or "").startswith("/bins/")]) == 44
        assert client.get(f"{address}?page=2").status_code == 200
        assert client.get(f"{address}?page=-1").status_code == 200

    def test_says_what_the_ledger_did_with_a_strange_entry(self, client: TestClient, city: City) -> None:
        text = Page(client.get(f"/lots/{lot_text(city.lots['food truck 1'])}").text).text
        assert "冲突" in text
        text = Page(client.get(f"/lots/{lot_text(city.lots['truck 2'])}").text).text
        assert "等待对方" in text
        assert "未登记的桶" in text


class TestJourney:
    def stops(self, city: City, name: str) -> list[tuple[str, str, int | None]]:
        with city.read() as reader:
            journey = reader.find_journey(lot_text(city.lots[name]))
            assert journey is not None
            portrait = draw(reader, Places(reader), journey)
        return [(stop.kind, stop.state, stop.grams) for stop in portrait.stops]

    def test_runs_from_street_to_energy(self, city: City) -> None:
        stops = self.stops(city, "station 1")
        assert [kind for kind, _, _ in stops] == ["street", "truck", "station", "park", "energy"]
        grams = [grams or 0 for _, _, grams in stops]
        assert grams[0] == grams[1] > grams[2] > grams[3] == grams[4]

    def test_says_that_later_grams_hold_other_lots(self, city: City) -> None:
        with city.read() as reader:
            journey = reader.find_journey(lot_text(city.lots["truck 1"]))
            assert journey is not None
            portrait = draw(reader, Places(reader), journey)
        holds = {stop.kind: stop.holds_others for stop in portrait.stops}
        assert holds == {"street": False, "truck": False, "station": False, "park": True, "energy": True}
        assert portrait.siblings

    def test_marks_where_a_lot_is_and_where_it_is_going(self, city: City) -> None:
        assert [(k, s) for k, s, _ in self.stops(city, "blue truck 2")] == [
            ("street", "done"),
            ("truck", "here"),
            ("plant", "coming"),
        ]
        assert [(k, s) for k, s, _ in self.stops(city, "food truck 2")][-2:] == [
            ("park", "here"),
            ("open", "open"),
        ]

    def test_pairs_each_give_with_its_take(self, city: City) -> None:
        with city.read() as reader:
            journey = reader.find_journey(lot_text(city.lots["station 1"]))
            assert journey is not None
            handoffs = draw(reader, Places(reader), journey).handoffs
        assert len(handoffs) == 3
        assert all(h.taken is not None and h.difference == h.taken - h.given < 0 for h in handoffs)


class TestVerify:
    def test_answers_a_fragment_in_place(self, client: TestClient, city: City) -> None:
        address = addresses(city)["verify"]
        fragment = client.get(address, headers={"X-Fragment": "1"}).text
        assert "<html" not in fragment
        assert fragment.lstrip() in client.get(address).text
        page = Page(fragment)
        assert page.flaws == []
        assert "1. 字节规范" in page.text
        assert "前后一致，区块未核对" in page.text
        assert "huanlian verify bundle.json --trust trust.json --rpc URL" in page.text
        assert address.replace("/verify/", "/api/v1/entries/") + "/bundle" in fragment

    def test_says_when_it_is_too_early(self, client: TestClient, city: City) -> None:
        text = client.get(addresses(city)["verify a queued entry"]).text
        assert TEXTS["zh"]["verify.not_yet"] in text

    def test_finds_an_entry_by_form(self, client: TestClient, city: City) -> None:
        device = device_text(city.devices["truck"].device)
        answer = client.get("/verify", params={"device": f"{device[:8]} {device[8:]}", "seq": "2"})
        assert answer.status_code == 200
        assert "字节规范" in answer.text


class TestErrors:
    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize(
        ("address", "about"),
        [
            ("/nothing", "page"),
            ("/streets/0000000000000009", "street"),
            ("/streets/<script>", "street"),
            ("/bins/ffffffffff", "bin"),
            ("/bins/1", "bin"),
            ("/lots/ffffffffffffffffffffffff", "lot"),
            ("/lots/1", "lot"),
            ("/verify/0000020000000007/99999", "entry"),
            ("/verify/0000020000000007/one", "entry"),
            ("/verify/0000020000000007/0", "entry"),
            ("/console/static/..%2Fdeps.py", "page"),
            ("/console/static/none.css", "page"),
        ],
    )
    def test_are_told_in_the_visitors_language(
        self, client: TestClient, address: str, about: str, language: str
    ) -> None:
        answer = client.get(address, headers={"Accept-Language": language})
        assert answer.status_code == 404
        page = Page(answer.text)
        assert page.flaws == []
        assert TEXTS[language][f"error.{about}.title"] in page.text

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_of_ours_tell_nothing_of_what_it_was(self, deps: ConsoleDeps, language: str) -> None:
        def broken() -> BookState:
            raise RuntimeError("password in a traceback")

        answer = client_of(replace(deps, state=broken)).get("/", headers={"Accept-Language": language})
        assert answer.status_code == 500
        assert TEXTS[language]["error.fault.title"] in answer.text
        assert "password" not in answer.text


class TestRest:
    def test_static_files_keep_for_ever_under_their_hash(self, client: TestClient) -> None:
        page = Page(client.get("/").text)
        for address in (page.all("link")[0]["href"], page.all("script")[0]["src"]):
            assert address is not None
            answer = client.get(address)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
            assert "immutable" not in client.get(address.split("?")[0]).headers["cache-control"]

    def test_static_files_come_compressed_to_who_can_read_it(self, client: TestClient) -> None:
        address = Page(client.get("/").text).all("link")[0]["href"]
        assert address is not None
        small = client.get(address, headers={"Accept-Encoding": "gzip"})
        plain = client.get(address, headers={"Accept-Encoding": "identity"})
        assert small.text == plain.text
        assert small.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert small.headers["etag"] != plain.headers["etag"]
        assert int(small.headers["content-length"]) * 3 < int(plain.headers["content-length"])

    def test_the_registrars_page_is_the_built_one(self, client: TestClient) -> None:
        assert "<title>registrar</title>" in client.get("/console/registrar").text

    def test_the_registrars_page_may_not_be_built_yet(self, deps: ConsoleDeps, tmp_path: Path) -> None:
        answer = client_of(replace(deps, app_dist=tmp_path)).get("/console/registrar")
        assert answer.status_code == 404
        assert TEXTS["zh"]["error.registrar.title"] in answer.text

    def test_devices_show_that_one_was_revoked(self, client: TestClient, city: City) -> None:
        text = Page(client.get("/devices?lang=en").text).text
        assert "revoked" in text
        assert "registrar" in text

    def test_totals_leave_the_folding_state_alone(self, client: TestClient, city: City) -> None:
        client.get("/")
        assert city.books.state.network == NETWORK
        assert all(slot_map.connection is None for slot_map in city.books.state._maps)


class TestJudgements:
    def page(self, client: TestClient, city: City, lot: str, language: str = "en") -> str:
        return Page(client.get(f"/lots/{lot_text(city.lots[lot])}?lang={language}").text).text

    @pytest.mark.parametrize(
        ("language", "words"),
        [
            ("en", ("within tolerance", "rule estimated-food-bins, version 1", "none cited")),
            ("zh", ("在允差内", "规则 estimated-food-bins，第 1 版", "未引用")),
        ],
    )
    def test_show_the_verdict_with_its_rule(
        self, client: TestClient, city: City, language: str, words: tuple[str, ...]
    ) -> None:
        text = self.page(client, city, "food truck 1", language)
        assert all(word in text for word in words)

    def test_name_the_ticket_that_proves_a_mass(self, client: TestClient, city: City) -> None:
        assert "no. 118: proves the mass taken" in self.page(client, city, "station 1")

    def test_show_an_amended_value_above_all_earlier_ones(self, client: TestClient, city: City) -> None:
        html = client.get(f"/lots/{lot_text(city.lots['food truck 1'])}?lang=en").text
        values = html[html.index('class="values"') :]
        assert values.index("1.850") < values.index("<s>")
        assert "amended by both sides" in values
        assert "approved" in values

    def test_show_a_disputes_stage_and_deadline(self, client: TestClient, city: City) -> None:
        text = self.page(client, city, "food truck 2")
        assert "awaiting an answer" in text
        assert "deadline 2026-03-04" in text
        assert "claims 1.887" in text

    def test_show_what_was_not_collected_and_what_a_lot_is_mixed_with(
        self, client: TestClient, city: City
    ) -> None:
        text = self.page(client, city, "food truck 3")
        assert "mixed with: Residual" in " ".join(text.split())
        assert "second lift due 2026-03-02" in " ".join(text.split())


class TestWhatAStrangerTakesAway:
    def test_is_offered_where_it_is_explained(self, client: TestClient) -> None:
        for language in ("zh", "en"):
            text = client.get("/verify", params={"lang": language}).text
            assert TEXTS[language]["how.download.verifier"] in text
            for address in ("/verifier.html", "/trust.json"):
                assert f'href="{address}"' in text

    def test_is_the_page_that_was_built_and_this_deployments_trust(
        self, client: TestClient, deps: ConsoleDeps, tmp_path: Path
    ) -> None:
        assert client_of(replace(deps, app_dist=tmp_path)).get("/verifier.html").status_code == 404
        assert client.get("/trust.json").json() == {}
        (tmp_path / "verify.html").write_text("<!doctype html>")
        built = client_of(replace(deps, app_dist=tmp_path, trust=lambda: {"chain_id": 5}))
        page = built.get("/verifier.html")
        assert (page.status_code, page.text) == (200, "<!doctype html>")
        assert page.headers["content-disposition"].startswith("attachment")
        assert built.get("/trust.json").json() == {"chain_id": 5}
