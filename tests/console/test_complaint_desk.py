"""How organisations take a complaint on in the console: each its own step, and nobody another's."""

from __future__ import annotations

from typing import Any

import pytest
from console_city import CITY, CREW, STATION
from fastapi.testclient import TestClient
from people_city import PeopleCity, form_token
from test_complaint_pages import picture
from test_pages import Page

from backend.console.language import TEXTS
from backend.domain.case_code import code_digest, read_case_code
from backend.domain.permissions import PersonRole
from backend.store.complaints import ComplaintStore, case_text


@pytest.fixture
def case(people_city: PeopleCity) -> str:
    """A resident's complaint with a photo; its public id."""
    visitor, number = people_city.visitor(), people_city.city.bins[1]["number"]
    page = Page(visitor.get(f"/bins/{number}/complaint").text)
    token = next(str(each["value"]) for each in page.all("input") if each.get("name") == "token")
    sent = visitor.post(
        f"/bins/{number}/complaint",
        data={"token": token, "kind": "3", "text": "三天没人收", "website": ""},
        files={"photo": ("p", picture(), "image/jpeg")},
    )
    code = sent.headers["location"].split("/")[2]
    with people_city.write() as connection:
        found = ComplaintStore(connection).find_case(code_digest(read_case_code(code)))
    assert found is not None
    return case_text(found)


def step(browser: TestClient, case: str, name: str, **fields: Any) -> Any:
    return browser.post(f"/desk/complaints/{case}/{name}", data={"token": form_token(browser), **fields})


def facts_on(browser: TestClient, case: str) -> list[str]:
    page = Page(browser.get(f"/desk/complaints/{case}").text)
    return [str(each["value"]) for each in page.all("input") if each.get("name") == "fact"]


class TestTheDesk:
    def test_takes_a_complaint_from_assigning_to_closing(self, people_city: PeopleCity, case: str) -> None:
        city = people_city.signed_in(PersonRole.CITY_ADMINISTRATOR)
        crew = people_city.signed_in(PersonRole.DISPATCHER)
        assert f"/desk/complaints/{case}" in city.get("/desk/complaints").text
        assert case not in crew.get("/desk/complaints").text
        text = city.get(f"/desk/complaints/{case}").text
        assert "三天没人收" in text
        assert Page(text).flaws == []
        assert step(city, case, "assign", to=f"{CREW:06x}", text="请尽快").status_code == 303
        assert case in crew.get("/desk/complaints").text
        facts = facts_on(crew, case)
        assert facts
        assert step(crew, case, "answer", finding="1", fact=facts[:2], text="已收").status_code == 303
        assert step(city, case, "return", text="再看").status_code == 303
        assert step(crew, case, "answer", finding="2", fact=facts[:1]).status_code == 303
        assert step(city, case, "accept").status_code == 303
        early = step(city, case, "close")
        assert early.status_code == 422
        assert TEXTS["zh"]["signin.desk.wrong.rating-awaited"] in early.text
        people_city.now += 60 * 86_400
        city = people_city.signed_in(PersonRole.DISTRICT_ADMINISTRATOR)
        assert step(city, case, "close").status_code == 303
        text = city.get(f"/desk/complaints/{case}").text
        assert TEXTS["zh"]["complaint.closed"] in text
        assert "再看" in text

    def test_shows_each_person_their_own_step_only(self, people_city: PeopleCity, case: str) -> None:
        admin = people_city.signed_in(PersonRole.CITY_ADMINISTRATOR)
        clerk = people_city.signed_in(PersonRole.DISPATCHER, organisation=CITY)
        assert f"/desk/complaints/{case}/assign" in admin.get(f"/desk/complaints/{case}").text
        shown = clerk.get(f"/desk/complaints/{case}")
        assert shown.status_code == 200
        assert "/assign" not in shown.text
        assert step(clerk, case, "assign", to=f"{CREW:06x}").status_code == 403

    def test_is_empty_for_who_has_no_part_in_a_case(self, people_city: PeopleCity, case: str) -> None:
        for role, organisation in (
            (PersonRole.COMPANY_ADMINISTRATOR, CREW),
            (PersonRole.PARK_OPERATOR, STATION),
            (PersonRole.CITY_ADMINISTRATOR, STATION),
        ):
            stranger = people_city.signed_in(role, organisation=organisation)
            assert stranger.get(f"/desk/complaints/{case}").status_code == 404
            assert stranger.get(f"/desk/complaints/{case}/photo/0").status_code == 404
            assert step(stranger, case, "answer", finding="1").status_code == 404
        photo = people_city.signed_in(PersonRole.CITY_ADMINISTRATOR).get(f"/desk/complaints/{case}/photo/0")
        assert photo.headers["content-type"] == "image/jpeg"

    @pytest.mark.parametrize(
        ("name", "fields", "wrong"),
        [
            ("assign", {"to": ""}, "no-handler"),
            ("assign", {"to": "zz"}, "no-handler"),
            ("assign", {"to": "000002", "text": "长" * 501}, "text-too-long"),
            ("answer", {"finding": "1"}, "wrong-stage"),
            ("accept", {}, "wrong-stage"),
            ("close", {}, "wrong-stage"),
        ],
    )
    def test_says_why_a_step_is_not_possible(
        self, people_city: PeopleCity, case: str, name: str, fields: dict[str, str], wrong: str
    ) -> None:
        city = people_city.signed_in(PersonRole.CITY_ADMINISTRATOR)
        answer = step(city, case, name, **fields)
        assert answer.status_code == 422
        assert TEXTS["zh"][f"signin.desk.wrong.{wrong}"] in answer.text

    def test_wants_evidence_and_a_finding(self, people_city: PeopleCity, case: str) -> None:
        city = people_city.signed_in(PersonRole.CITY_ADMINISTRATOR)
        step(city, case, "assign", to=f"{CREW:06x}")
        crew = people_city.signed_in(PersonRole.COMPANY_ADMINISTRATOR)
        for fields, wrong in (
            ({"finding": "1"}, "no-evidence"),
            ({"finding": "1", "fact": "x/y"}, "no-evidence"),
            ({"finding": "9"}, "unknown-finding"),
        ):
            answer = step(crew, case, "answer", **fields)
            assert answer.status_code == 422
            assert TEXTS["zh"][f"signin.desk.wrong.{wrong}"] in answer.text
        late = step(city, case, "accept")
        assert late.status_code == 422
        unknown = step(crew, case, "answer", finding="1", fact=f"{'f' * 16}/1")
        assert TEXTS["zh"]["signin.desk.wrong"] in unknown.text

    def test_is_not_there_for_what_is_no_case(self, people_city: PeopleCity) -> None:
        city = people_city.signed_in(PersonRole.CITY_ADMINISTRATOR)
        for case in ("0" * 24, "x", "1" * 25):
            assert city.get(f"/desk/complaints/{case}").status_code == 404
            assert step(city, case, "assign", to="000002").status_code == 404
