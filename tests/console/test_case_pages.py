"""The inbox and one case, over the console's city: every figure leads to signed entries, in both languages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from case_seeking import cases_at, seek
from console_city import CREW, HOSTILE, MORNING, PARK, City
from console_client import client_of
from fastapi.testclient import TestClient
from test_pages import Page

from backend.console.deps import ConsoleDeps
from backend.console.language import TEXTS
from backend.domain.cases import CaseKind, CaseState
from backend.domain.types import device_text, lot_text, organisation_text

LANGUAGES = ("zh", "en")


@pytest.fixture(scope="module")
def now(city: City) -> int:
    with city.read() as reader:
        present = reader.present(MORNING)
    seek(city.database, present)
    return present


@pytest.fixture
def pages(deps: ConsoleDeps, now: int) -> TestClient:
    return client_of(replace(deps, now=lambda: now))


def shown(pages: TestClient, address: str, language: str = "zh") -> str:
    answer = pages.get(address, headers={"accept-language": language})
    assert answer.status_code == 200, address
    return answer.text


def codes(html: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r'href="/cases/([a-z-]+-[0-9a-f]{16}[0-9a-f-]*)"', html)))


class TestTheInbox:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_lists_what_waits_in_well_formed_pages_with_all_their_words(
        self, pages: TestClient, city: City, now: int, language: str
    ) -> None:
        html = shown(pages, "/cases?state=all", language)
        page = Page(html)
        assert page.flaws == []
        assert HOSTILE not in html
        assert sorted(codes(html)) == sorted(case.code for case in cases_at(city.database, now))
        for case in cases_at(city.database, now):
            one = shown(pages, f"/cases/{case.code}", language)
            assert Page(one).flaws == []
            assert HOSTILE not in one
            # A key that is missing shows itself.
            assert not re.search(r">[^<]*\b(case|cases|act)\.[a-z-]+", one), case.code

    def test_filters_by_kind_owner_and_state(self, pages: TestClient, city: City, now: int) -> None:
        everything = cases_at(city.database, now)
        for kind in {case.kind for case in everything}:
            found = codes(shown(pages, f"/cases?state=all&kind={kind.value}"))
            assert sorted(found) == sorted(case.code for case in everything if case.kind is kind)
        for state in CaseState:
            found = codes(shown(pages, f"/cases?state={state.value}"))
            assert sorted(found) == sorted(case.code for case in everything if case.state is state)
        mine = codes(shown(pages, f"/cases?organisation={organisation_text(PARK)}"))
        waiting = [case for case in everything if case.state is not CaseState.DONE]
        assert sorted(mine) == sorted(
            case.code
            for case in waiting
            if case.span.owner is not None and case.span.owner.organisation == organisation_text(PARK)
        )
        assert mine

    def test_has_the_kinds_that_this_city_made(self, city: City, now: int) -> None:
        assert {case.kind for case in cases_at(city.database, now)} >= {
            CaseKind.AMENDMENT,
            CaseKind.DISPUTE,
            CaseKind.REFUSAL_TO_COLLECT,
            CaseKind.ODD_ENTRY,
        }

    def test_counts_the_overdue_in_red(self, deps: ConsoleDeps, city: City, now: int) -> None:
        later = now + 60 * 86_400
        html = shown(client_of(replace(deps, now=lambda: later)), "/cases", "en")
        overdue = [case for case in cases_at(city.database, later) if case.state is CaseState.OVERDUE]
        assert overdue
        assert f'<a href="/cases?state=overdue">{len(overdue)}</a>' in html
        assert html.count('<tr class="red">') == min(len(overdue), 25)

    def test_asks_for_nothing_that_is_not_there(self, pages: TestClient) -> None:
        for address in ("/cases?kind=nonsense&organisation=zz&state=odd&page=0", "/cases?page=99999"):
            assert shown(pages, address)
        for address in ("/cases/nonsense", "/cases/amendment-0000000000000001-1", f"/cases/finding-{'0' * 32}"):
            assert pages.get(address).status_code == 404


class TestACase:
    def test_links_every_entry_behind_it_with_its_bundle(self, pages: TestClient, city: City, now: int) -> None:
        for case in cases_at(city.database, now):
            html = shown(pages, f"/cases/{case.code}")
            for entry in case.entries:
                place = f"{device_text(entry.device)}/{entry.seq}"
                assert f'href="/verify/{place}"' in html
                assert f'href="/api/v1/entries/{place}/bundle"' in html

    def test_offers_its_actions_to_those_whose_word_counts(self, pages: TestClient, city: City, now: int) -> None:
        (refusal,) = cases_at(city.database, now, CaseKind.REFUSAL_TO_COLLECT)
        html = shown(pages, f"/cases/{refusal.code}")
        (place,) = [tag for tag in Page(html).all("div") if tag.get("id") == "act-place"]
        offered = json.loads(place["data-act"] or "")
        assert [action["name"] for action in offered["actions"]] == ["acknowledge", "contest"]
        entry = refusal.entries[0]
        for action, verdict in zip(offered["actions"], ("1", "2"), strict=True):
            assert action["kind"] == "acknowledge"
            assert action["organisations"] == [organisation_text(1)]
            fields = action["fields"]
            assert (fields["device"], fields["seq"]) == (device_text(entry.device), str(entry.seq))
            assert fields["verdict"] == verdict
        assert json.loads(place["data-words"] or "")["act.seal"] == TEXTS["zh"]["act.seal"]

    def test_offers_nothing_once_it_is_done(self, pages: TestClient, city: City, now: int) -> None:
        (amendment,) = cases_at(city.database, now, CaseKind.AMENDMENT)
        assert amendment.state is CaseState.DONE
        assert "act-place" not in shown(pages, f"/cases/{amendment.code}")

    def test_is_named_on_its_lots_page(self, pages: TestClient, city: City, now: int) -> None:
        (dispute,) = cases_at(city.database, now, CaseKind.DISPUTE)
        assert dispute.subject == lot_text(city.lots["food truck 2"])
        assert dispute.code in codes(shown(pages, f"/lots/{dispute.subject}"))
        assert {party.organisation for party in dispute.parties} == {
            organisation_text(CREW),
            organisation_text(PARK),
        }

    def test_says_when_the_script_was_not_built_and_loads_it_when_it_was(
        self, deps: ConsoleDeps, city: City, now: int, tmp_path: Path
    ) -> None:
        (refusal,) = cases_at(city.database, now, CaseKind.REFUSAL_TO_COLLECT)
        without = client_of(replace(deps, now=lambda: now, app_dist=tmp_path))
        assert TEXTS["zh"]["act.not_built"] in shown(without, f"/cases/{refusal.code}")
        (tmp_path / "act.js").write_text("export {};")
        html = shown(without, f"/cases/{refusal.code}")
        assert re.search(r'<script type="module" src="/app/act\.js\?v=[0-9a-f]{12}">', html)
        assert 'id="passkey-place"' in shown(without, "/cases/passkey")
