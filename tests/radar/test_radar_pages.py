"""What people and programs see of the radar, over books that it has looked through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from small_city import DEPLOYMENT

from backend.api.app import create_api
from backend.api.deps import Services
from backend.console.deps import ConsoleDeps
from backend.console.language import TEXTS
from backend.console.routes import create_console_router
from backend.domain.radar.findings import FindingKind
from backend.simulate.month.month import Month
from backend.store.books import BooksStore
from backend.store.reading import Reader
from backend.store.session import Database
from backend.store.slots import BookState
from bench.month.books import NETWORK

HIDDEN = ("copied-label", "replayed-scan", "moved-clock", "ghost-bin", "impossible-speed", "mixed-streams")


def asked_by_nobody(*_: object) -> Any:
    raise AssertionError("the radar's pages need none of this")


def deps_of(database: Database) -> ConsoleDeps:
    @contextmanager
    def read() -> Iterator[Reader]:
        with database.transaction(writes=False) as connection:
            yield Reader(connection)

    return ConsoleDeps(
        read=read,
        state=lambda: BookState(NETWORK),
        base_url="http://testserver",
        is_demo=True,
        verify_entry=lambda _device, _seq: None,
        app_dist=Path("/nowhere"),
        continuity=asked_by_nobody,
        open_days=asked_by_nobody,
        open_day=asked_by_nobody,
    )


def pages_of(database: Database) -> TestClient:
    app = FastAPI()
    app.include_router(create_console_router(deps_of(database)))
    return TestClient(app)


@pytest.fixture
def pages(database: Database) -> TestClient:
    return pages_of(database)


@pytest.fixture
def programs(database: Database, month: Month) -> TestClient:
    services = Services(
        database=database,
        books=BooksStore(database, NETWORK),
        network=NETWORK,
        deployment=DEPLOYMENT,
        finality=1,
        public_base_url="http://testserver",
        chain_is_reachable=lambda: True,
        now=lambda: month.end,
    )
    return TestClient(create_api(services, max_body_bytes=1_000_000))


def texts(page: str) -> list[str]:
    return re.findall(r'<div class="finding-head">\s*<h2>(.*?)</h2>', page)


class TestPage:
    @pytest.mark.parametrize("language", ["zh", "en"])
    def test_explains_every_finding_in_words_with_its_numbers(self, pages: TestClient, language: str) -> None:
        page = pages.get(f"/radar?lang={language}").text
        assert set(texts(page)) <= {TEXTS[language][f"finding.{kind.value}"] for kind in FindingKind}
        assert len(texts(page)) >= 8
        assert not re.search(r"finding\.|radar\.|subject\.|\{\w+\}", re.sub(r"<script.*?>|href=\S+", "", page))

    def test_links_to_the_signed_entries(self, pages: TestClient) -> None:
        links = re.findall(r'href="(/verify/[0-9a-f]{16}/[0-9]+)"', pages.get("/radar").text)
        assert links
        for link in links[:10]:
            assert pages.get(link).status_code == 200

    def test_lists_what_follows_from_a_finding_beneath_it(self, pages: TestClient, programs: TestClient) -> None:
        found = programs.get("/api/v1/radar").json()["findings"]
        causes = [one for one in found if one["consequences"]]
        assert causes
        page = "".join(pages.get(f"/radar?lang=en&page={number}").text for number in (1, 2, 3))
        for other in (other for one in causes for other in one["consequences"]):
            assert other["id"] not in {one["id"] for one in found}
            assert page.count(f'id="f-{other["id"]}"') == 1
            assert all(f"/verify/{entry['device']}/{entry['seq']}" in page for entry in other["evidence"])

    def test_names_the_threshold_with_its_version(self, pages: TestClient) -> None:
        page = pages.get("/radar?lang=en&kind=ghost-bin").text
        assert "Threshold ghost-bin, version 1: A device lifts bins that nobody has placed" in page

    def test_shows_one_kind_one_street_or_the_surest(self, pages: TestClient, programs: TestClient) -> None:
        for kind in HIDDEN:
            assert set(texts(pages.get(f"/radar?lang=en&kind={kind}").text)) == {TEXTS["en"][f"finding.{kind}"]}
        found = programs.get("/api/v1/radar").json()["findings"]
        street = next(one["site"] for one in found if one["site"])
        count = sum(one["site"] == street for one in found)
        assert len(texts(pages.get(f"/radar?site={street}").text)) == count
        surest = sum(one["confidence_permille"] >= 999 for one in found)
        assert 0 < len(texts(pages.get("/radar?confidence=999").text)) == surest < len(found)

    def test_takes_no_notice_of_what_cannot_be_asked(self, pages: TestClient) -> None:
        everything = texts(pages.get("/radar").text)
        assert texts(pages.get("/radar?kind=x&site='&confidence=-1&page=0").text) == everything
        assert texts(pages.get("/radar?page=999").text) == []

    def test_says_that_nothing_was_looked_at_yet(self, tmp_path: Path) -> None:
        empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
        empty.migrate()
        assert TEXTS["zh"]["radar.not_yet"] in pages_of(empty).get("/radar?lang=zh").text
        empty.close()


class TestJson:
    def test_tells_findings_newest_first_with_evidence_and_threshold(self, programs: TestClient) -> None:
        answer = programs.get("/api/v1/radar").json()
        found = answer["findings"]
        assert (answer["count"], answer["looked_at"]) == (len(found), "2026-03-07T04:00:00Z")
        assert [one["at"] for one in found] == sorted((one["at"] for one in found), reverse=True)
        for one in found:
            assert re.fullmatch(r"[0-9a-f]{32}", one["id"])
            assert one["evidence"]
            assert one["threshold"] == {"id": one["kind"], "version": 1}
            assert 0 < one["confidence_permille"] <= 999

    def test_names_entries_that_are_in_the_books(self, programs: TestClient) -> None:
        for one in programs.get("/api/v1/radar").json()["findings"]:
            for entry in one["evidence"][:2]:
                answer = programs.get(f"/api/v1/entries/{entry['device']}/{entry['seq']}")
                assert answer.status_code == 200

    def test_filters_and_pages(self, programs: TestClient) -> None:
        def ask(**query: Any) -> dict[str, Any]:
            answer: dict[str, Any] = programs.get("/api/v1/radar", params=query).json()
            return answer

        whole = ask()["findings"]
        assert ask(offset=1, limit=2)["findings"] == whole[1:3]
        ghosts = ask(kind="ghost-bin")
        assert ghosts["count"] == sum(one["kind"] == "ghost-bin" for one in whole)
        assert all(one["confidence_permille"] >= 999 for one in ask(confidence=999)["findings"])

    @pytest.mark.parametrize("query", ["kind=x", "site=1", "confidence=1001", "limit=0", "offset=-1"])
    def test_answers_a_bad_question_with_a_problem(self, programs: TestClient, query: str) -> None:
        answer = programs.get(f"/api/v1/radar?{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
        assert answer.json()["errors"][0]["pointer"] == "/" + query.partition("=")[0]

    def test_publishes_the_thresholds(self, programs: TestClient) -> None:
        rules = programs.get("/api/v1/rules/radar").json()["rules"]
        assert {rule["rule_id"] for rule in rules} == {kind.value for kind in FindingKind}
