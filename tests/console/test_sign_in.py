"""Signing in, staying in, and going out; and what strangers try meanwhile."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from fastapi.testclient import TestClient
from made_passkey import MadePasskeyInSoftware
from people_city import OWN, PeopleCity, address_of, form_token, group_of, page_token, routes_of
from test_pages import Page

from backend.console.language import TEXTS
from backend.console.sign_in import ASKED_A_WINDOW
from backend.console.who import own_page
from backend.domain.people import ATTEMPT_SECONDS, IDLE_SECONDS, INVITATION_SECONDS, SESSION_SECONDS
from backend.domain.permissions import PersonRole
from backend.store.tables import PageReadRow, PersonRow, PersonSession, table_of
from backend.usecases.people import revoke

ORIGIN = "http://testserver"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Owner:
    """Somebody with a browser and a passkey in software."""

    browser: TestClient
    passkey: MadePasskeyInSoftware = field(default_factory=lambda: MadePasskeyInSoftware(ORIGIN))

    def ask(self, address: str, **said: str) -> Any:
        return self.browser.post(address, json={"token": page_token(self.browser), **said})

    def make(self, challenge: str) -> dict[str, str]:
        client_data, data = self.passkey.make(unb64(challenge))
        return {"challenge": challenge, "client_data": b64(client_data), "authenticator_data": b64(data)}

    def accept(self, secret: str) -> Any:
        question = self.ask("/invitation/question", secret=secret)
        if question.status_code != 200:
            return question
        return self.ask("/invitation/passkey", **self.make(question.json()["challenge"]))

    def answer_to(self, challenge: str) -> dict[str, str]:
        client_data, data, signature = self.passkey.answer(unb64(challenge))
        return {
            "challenge": challenge,
            "credential_id": b64(self.passkey.credential_id),
            "client_data": b64(client_data),
            "authenticator_data": b64(data),
            "signature": b64(signature),
        }

    def question(self) -> str:
        challenge: str = self.ask("/sign-in/question").json()["challenge"]
        return challenge

    def sign_in(self, **more: str) -> Any:
        return self.ask("/sign-in/passkey", **self.answer_to(self.question()), **more)

    @property
    def is_in(self) -> bool:
        return bool(self.browser.get("/account").status_code == 200)


@pytest.fixture
def owner(people_city: PeopleCity) -> Owner:
    return Owner(people_city.visitor())


def accepted(people_city: PeopleCity, role: PersonRole = PersonRole.REGULATOR) -> Owner:
    owner = Owner(people_city.visitor())
    assert owner.accept(people_city.invited(role).secret).status_code == 200
    return owner


class TestAnInvitation:
    def test_says_whom_it_is_for_and_lets_them_in(self, people_city: PeopleCity, owner: Owner) -> None:
        invited = people_city.invited(PersonRole.DISPATCHER)
        question = owner.ask("/invitation/question", secret=invited.secret).json()
        assert question["name"] == invited.person.name
        assert question["role"] == TEXTS["zh"]["signin.role.dispatcher"]
        assert question["organisation"] == "松洲环卫公司"
        assert not owner.is_in
        answer = owner.accept(invited.secret)
        assert answer.json() == {"next": "/account"}
        page = Page(owner.browser.get("/account").text)
        assert invited.person.name in page.text
        assert page.flaws == []

    def test_works_once(self, people_city: PeopleCity, owner: Owner) -> None:
        secret = people_city.invited().secret
        assert owner.accept(secret).status_code == 200
        second = Owner(people_city.visitor()).accept(secret)
        assert (second.status_code, second.json()["wrong"]) == (403, "unknown-invitation")

    def test_is_used_by_one_of_two_who_opened_it(self, people_city: PeopleCity) -> None:
        secret = people_city.invited().secret
        first, second = Owner(people_city.visitor()), Owner(people_city.visitor())
        questions = [o.ask("/invitation/question", secret=secret).json()["challenge"] for o in (first, second)]
        answers = [
            o.ask("/invitation/passkey", **o.make(q)) for o, q in zip((first, second), questions, strict=True)
        ]
        assert [answer.status_code for answer in answers] == [200, 403]
        assert not second.is_in

    def test_expires(self, people_city: PeopleCity, owner: Owner) -> None:
        secret = people_city.invited().secret
        people_city.now += INVITATION_SECONDS
        answer = owner.accept(secret)
        assert answer.json()["wrong"] == "invitation-expired"
        assert answer.json()["message"] == TEXTS["zh"]["signin.wrong.invitation-expired"]

    def test_is_of_no_use_once_its_person_is_revoked(self, people_city: PeopleCity, owner: Owner) -> None:
        invited = people_city.invited()
        with people_city.people() as people:
            revoke(people, invited.person.id, people_city.now)
        assert owner.accept(invited.secret).json()["wrong"] == "unknown-invitation"

    def test_gives_a_passkey_to_one_person_only(self, people_city: PeopleCity, owner: Owner) -> None:
        assert owner.accept(people_city.invited().secret).status_code == 200
        again = Owner(people_city.visitor(), owner.passkey).accept(people_city.invited().secret)
        assert again.json()["wrong"] == "identity-taken"

    def test_keeps_its_secret_out_of_addresses_logs_and_the_database(
        self, people_city: PeopleCity, owner: Owner, capsys: pytest.CaptureFixture[str]
    ) -> None:
        structlog.reset_defaults()
        invited = people_city.invited()
        owner.accept(invited.secret)
        token = owner.browser.cookies["huanlian"]
        owner.browser.get("/account")
        said = "".join(capsys.readouterr())
        with people_city.write() as connection:
            kept = repr([connection.execute(table_of(t).select()).all() for t in (PersonRow, PersonSession)])
        assert "/invitation/passkey" in said
        for secret in (invited.secret, token):
            assert secret not in said + kept
        assert invited.person.name not in said
        assert invited.person.name in kept


class TestAPasskey:
    def test_signs_its_owner_in_again(self, people_city: PeopleCity) -> None:
        owner = accepted(people_city)
        owner.browser = people_city.visitor()
        assert not owner.is_in
        assert owner.sign_in(next="/reads").json() == {"next": "/reads"}
        assert owner.is_in

    def test_of_a_stranger_signs_nobody_in(self, people_city: PeopleCity, owner: Owner) -> None:
        accepted(people_city)
        answer = owner.sign_in()
        assert (answer.status_code, answer.json()["wrong"]) == (403, "unknown-passkey")
        assert "huanlian" not in owner.browser.cookies

    def test_answers_each_question_once(self, people_city: PeopleCity) -> None:
        owner = accepted(people_city)
        said = owner.answer_to(owner.question())
        assert owner.ask("/sign-in/passkey", **said).status_code == 200
        assert owner.ask("/sign-in/passkey", **said).json()["wrong"] == "unknown-attempt"

    def test_has_one_try_at_each_question(self, people_city: PeopleCity) -> None:
        owner = accepted(people_city)
        said = owner.answer_to(owner.question())
        bad = said | {"signature": b64(b"0" * 70)}
        assert owner.ask("/sign-in/passkey", **bad).json()["wrong"] == "bad-passkey"
        assert owner.ask("/sign-in/passkey", **said).json()["wrong"] == "unknown-attempt"

    def test_answers_in_the_browser_that_asked_and_in_time(self, people_city: PeopleCity) -> None:
        owner = accepted(people_city)
        said = owner.answer_to(owner.question())
        other = Owner(people_city.visitor(), owner.passkey)
        assert other.ask("/sign-in/passkey", **said).json()["wrong"] == "unknown-attempt"
        said = owner.answer_to(owner.question())
        people_city.now += ATTEMPT_SECONDS
        assert owner.ask("/sign-in/passkey", **said).json()["wrong"] == "unknown-attempt"

    def test_does_not_answer_an_invitations_question_as_a_sign_in(self, people_city: PeopleCity) -> None:
        owner = accepted(people_city)
        secret = people_city.invited().secret
        challenge = owner.ask("/invitation/question", secret=secret).json()["challenge"]
        answer = owner.ask("/sign-in/passkey", **owner.answer_to(challenge))
        assert answer.json()["wrong"] == "unknown-attempt"

    def test_that_was_copied_is_noticed(self, people_city: PeopleCity) -> None:
        owner = accepted(people_city)
        owner.passkey.count = 5
        assert owner.sign_in().status_code == 200
        owner.passkey.count = 3
        assert owner.sign_in().json()["wrong"] == "bad-passkey"

    def test_of_somebody_who_was_revoked_is_of_no_use(self, people_city: PeopleCity) -> None:
        owner = accepted(people_city)
        with people_city.people() as people:
            (line,) = people.persons()
            revoke(people, line.person.id, people_city.now)
        assert not owner.is_in
        assert owner.sign_in().json()["wrong"] == "unknown-passkey"

    @pytest.mark.parametrize(
        "content", [b"", b"[]", b"{", b'{"token": 1}', b'{"a": "1", "a": "2"}', b"x" * 70_000]
    )
    def test_is_not_read_out_of_what_no_page_sends(self, owner: Owner, content: bytes) -> None:
        page_token(owner.browser)
        assert owner.browser.post("/sign-in/passkey", content=content).status_code == 422

    def test_is_refused_where_its_answer_is_no_base64(self, people_city: PeopleCity) -> None:
        owner = accepted(people_city)
        said = owner.answer_to(owner.question()) | {"signature": "ä*"}
        assert owner.ask("/sign-in/passkey", **said).json()["wrong"] == "bad-passkey"


class TestASession:
    def test_ends_when_it_is_not_used(self, people_city: PeopleCity) -> None:
        owner = accepted(people_city)
        people_city.now += IDLE_SECONDS - 1
        assert owner.is_in
        people_city.now += IDLE_SECONDS - 1
        assert owner.is_in
        people_city.now += IDLE_SECONDS
        assert not owner.is_in

    def test_ends_after_a_day_of_work_whatever_happens(self, people_city: PeopleCity) -> None:
        owner = accepted(people_city)
        began = people_city.now
        while people_city.now < began + SESSION_SECONDS - 3600:
            people_city.now += 3600
            assert owner.is_in
        people_city.now = began + SESSION_SECONDS
        assert not owner.is_in

    def test_is_never_one_that_the_browser_brought(self, people_city: PeopleCity, owner: Owner) -> None:
        planted = "p" * 43
        owner.browser.cookies.set("huanlian", planted)
        owner.accept(people_city.invited().secret)
        token = next(c.value for c in owner.browser.cookies.jar if c.name == "huanlian" and c.value != planted)
        thief = people_city.visitor()
        thief.cookies.set("huanlian", planted)
        assert thief.get("/account").status_code == 303
        thief.cookies.set("huanlian", token or "")
        assert thief.get("/account").status_code == 200

    def test_before_a_sign_in_is_ended_by_it(self, people_city: PeopleCity) -> None:
        owner = accepted(people_city)
        before = people_city.visitor()
        before.cookies.set("huanlian", owner.browser.cookies["huanlian"])
        assert owner.sign_in().status_code == 200
        assert owner.is_in
        assert before.get("/account").status_code == 303

    def test_is_listed_and_ended_one_by_one(self, people_city: PeopleCity) -> None:
        person = people_city.person(PersonRole.REGULATOR)
        here, there = people_city.browser_of(person), people_city.browser_of(person)
        ids = [str(i["value"]) for i in Page(here.get("/account").text).all("input") if i.get("name") == "session"]
        assert len(ids) == 2
        with people_city.people() as people:
            other = next(s.id for s in people.sessions_of(person.id) if s.id in ids)
        answer = here.post("/account/sessions/end", data={"token": form_token(here), "session": other})
        assert answer.status_code == 303
        assert sorted((here.get("/account").status_code, there.get("/account").status_code)) == [200, 303]

    def test_is_ended_with_all_others(self, people_city: PeopleCity) -> None:
        person = people_city.person(PersonRole.REGULATOR)
        here, there = people_city.browser_of(person), people_city.browser_of(person)
        stranger = people_city.signed_in(PersonRole.REGULATOR)
        here.post("/account/sessions/end-all", data={"token": form_token(here)})
        statuses = [each.get("/account").status_code for each in (here, there, stranger)]
        assert statuses == [303, 303, 200]

    def test_of_somebody_else_is_not_there(self, people_city: PeopleCity) -> None:
        victim = people_city.person(PersonRole.CITY_ADMINISTRATOR)
        theirs = people_city.browser_of(victim)
        with people_city.people() as people:
            (session,) = people.sessions_of(victim.id)
        thief = people_city.signed_in(PersonRole.CITY_ADMINISTRATOR)
        answer = thief.post("/account/sessions/end", data={"token": form_token(thief), "session": session.id})
        assert answer.status_code == 404
        assert theirs.get("/account").status_code == 200

    def test_is_ended_by_signing_out(self, people_city: PeopleCity) -> None:
        browser = people_city.signed_in(PersonRole.REGULATOR)
        again = people_city.visitor()
        again.cookies.set("huanlian", browser.cookies["huanlian"])
        answer = browser.post("/sign-out", data={"token": form_token(browser)})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert again.get("/account").status_code == 303

    def test_is_shown_on_every_page_and_kept_by_no_cache(self, people_city: PeopleCity) -> None:
        browser = people_city.signed_in(PersonRole.PARK_OPERATOR)
        for address in ("/", "/lots", "/nowhere"):
            answer = browser.get(address)
            page = Page(answer.text)
            assert TEXTS["zh"]["signin.role.park-operator"] in page.text
            assert TEXTS["zh"]["signin.out"] in page.text
            assert "/sign-in" not in [a["href"] for a in page.all("a")]
            assert answer.headers["cache-control"] == "private, no-store"
        nobody = people_city.visitor().get("/")
        assert nobody.headers["cache-control"] == "no-cache"
        assert "/sign-in" in [a["href"] for a in Page(nobody.text).all("a")]


class TestAForm:
    def guarded(self, people_city: PeopleCity) -> list[tuple[str, PersonRole]]:
        """Each address that changes something, and somebody who may."""
        found = [
            (address_of(route, people_city.city), PersonRole.CITY_ADMINISTRATOR)
            for route in routes_of(people_city.app)
            if "POST" in route.methods and group_of(route) is not None
        ]
        assert len(found) >= 8
        return found

    def test_without_its_sessions_token_changes_nothing(self, people_city: PeopleCity) -> None:
        for address, role in self.guarded(people_city):
            browser, other = people_city.signed_in(role), people_city.signed_in(role)
            for token in ("", "x", "令牌", form_token(other), browser.cookies["huanlian"]):
                for answer in (
                    browser.post(address, data={"token": token}),
                    browser.post(address, headers={b"X-Form-Token": token.encode()}),
                    browser.post(f"{address}?token={form_token(browser)}"),
                ):
                    assert answer.status_code == 403, address
                    assert TEXTS["zh"]["error.not-token.title"] in answer.text
            assert browser.get("/account").status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "none"},
            {"Origin": "https://evil.example"},
            {"Origin": "http://testserver.evil.example"},
            {"Origin": "http://testserver:81"},
        ],
        ids=str,
    )
    def test_of_another_site_changes_nothing_on_any_page(
        self, people_city: PeopleCity, headers: dict[str, str]
    ) -> None:
        browser = people_city.signed_in(PersonRole.CITY_ADMINISTRATOR)
        for name in OWN:
            del browser.headers[name]
        asked = 0
        for route in routes_of(people_city.app):
            if route.path.startswith("/api/") or not route.methods - {"GET", "HEAD"}:
                continue  # programs bring no cookie: what they may do hangs on what they sign
            asked += 1
            answer = browser.post(
                address_of(route, people_city.city), data={"token": form_token(browser)}, headers=headers
            )
            assert answer.status_code == 403, route.path
        assert asked > 15
        assert browser.get("/account").status_code == 200

    def test_without_a_browsers_own_token_signs_nobody_in(self, people_city: PeopleCity) -> None:
        mine, other = people_city.visitor(), people_city.visitor()
        page_token(mine)
        for token in ("", "x", page_token(other)):
            answer = mine.post("/sign-in/question", json={"token": token})
            assert (answer.status_code, answer.json()["wrong"]) == (403, "token")
            assert mine.post("/demo/enter", data={"token": token, "role": "regulator"}).status_code == 403
        assert people_city.count(PersonSession) == 0

    def test_is_refused_when_it_is_sent_too_often(self, people_city: PeopleCity, owner: Owner) -> None:
        token = page_token(owner.browser)
        answers = [
            owner.browser.post("/sign-in/question", json={"token": token}).status_code
            for _ in range(ASKED_A_WINDOW + 1)
        ]
        assert answers == [200] * ASKED_A_WINDOW + [429]
        people_city.now += 600
        assert owner.ask("/sign-in/question").status_code == 200


class TestTheWayOn:
    @pytest.mark.parametrize(
        "address",
        [
            "https://evil.example/",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "javascript:alert(1)",
            "evil.example",
            "http:/\\evil.example",
            "@evil.example",
            "",
            " /",
        ],
    )
    def test_never_leads_to_another_site(self, people_city: PeopleCity, address: str) -> None:
        assert own_page(address) == "/"
        browser = people_city.visitor()
        answer = browser.get("/sign-in", params={"next": address})
        assert 'data-next="/"' in answer.text
        said = {"token": page_token(browser), "role": "regulator", "next": address}
        assert browser.post("/demo/enter", data=said).headers["location"] == "/"
        owner = accepted(people_city)
        assert owner.sign_in(next=address).json() == {"next": "/"}

    def test_leads_back_to_the_page_that_was_asked_for(self, people_city: PeopleCity) -> None:
        browser = people_city.visitor()
        answer = browser.get("/reads?page=2&lang=en")
        assert answer.headers["location"] == "/sign-in?next=/reads%3Fpage%3D2%26lang%3Den"
        assert 'data-next="/reads?page=2&amp;lang=en"' in browser.get(answer.headers["location"]).text


class TestADemonstration:
    def test_lets_anybody_in_and_says_so_on_every_page(self, people_city: PeopleCity) -> None:
        for role in PersonRole:
            browser = people_city.visitor()
            said = {"token": page_token(browser), "role": role.value, "next": "/account"}
            assert browser.post("/demo/enter", data=said).headers["location"] == "/account"
            for address in ("/", "/account", "/nowhere"):
                assert TEXTS["zh"]["signin.demo.banner"] in browser.get(address).text
            assert TEXTS["zh"][f"signin.role.{role}"] in browser.get("/account").text

    def test_has_no_other_people(self, people_city: PeopleCity) -> None:
        browser = people_city.visitor()
        for role in ("", "root", "Regulator"):
            said = {"token": page_token(browser), "role": role}
            assert browser.post("/demo/enter", data=said).status_code == 422
        assert people_city.count(PersonRow) == 0

    def test_is_over_where_there_is_none(self, people_city: PeopleCity) -> None:
        visitor = people_city.visitor()
        visitor.post("/demo/enter", data={"token": page_token(visitor), "role": "regulator"})
        assert visitor.get("/reads").status_code == 200
        real = people_city.application(is_demo=False)
        browser = people_city.visitor(real)
        browser.cookies.set("huanlian", visitor.cookies["huanlian"])
        assert browser.get("/reads").status_code == 303
        page = browser.get("/sign-in").text
        assert "/demo/enter" not in page
        assert TEXTS["zh"]["signin.demo.title"] not in page
        said = {"token": page_token(browser), "role": "regulator"}
        assert browser.post("/demo/enter", data=said).status_code == 404


class TestTheLogOfReads:
    def test_says_who_read_what_before_it_is_shown(self, people_city: PeopleCity) -> None:
        number = people_city.city.bins[0]["number"]
        inspector = people_city.signed_in(PersonRole.REGULATOR)
        inspector.get("/lots")
        inspector.get("/account")
        assert people_city.count(PageReadRow) == 0
        assert inspector.get(f"/bins/{number}/oversight?lang=zh").status_code == 200
        page = Page(inspector.get("/reads").text)
        assert page.flaws == []
        links = [a["href"] for a in page.all("a")]
        assert f"/bins/{number}/oversight" in links
        assert "/reads" in links
        assert TEXTS["zh"]["signin.reads.whole"] in page.text
        assert people_city.count(PageReadRow) == 2

    def test_says_nothing_of_what_was_refused(self, people_city: PeopleCity) -> None:
        people_city.signed_in(PersonRole.DISPATCHER).get("/reads")
        people_city.visitor().get("/reads")
        assert people_city.count(PageReadRow) == 0

    @pytest.mark.parametrize("change", ["delete", "update", "first"])
    def test_shows_that_somebody_changed_it(self, people_city: PeopleCity, change: str) -> None:
        inspector = people_city.signed_in(PersonRole.REGULATOR)
        for _ in range(4):
            inspector.get("/reads")
        table = table_of(PageReadRow)
        with people_city.write() as connection:
            if change == "update":
                connection.execute(table.update().where(table.c.number == 2).values(page="/lots"))
            else:
                connection.execute(table.delete().where(table.c.number == (1 if change == "first" else 2)))
        assert TEXTS["zh"]["signin.reads.broken"] in inspector.get("/reads").text

    def test_has_pages(self, people_city: PeopleCity) -> None:
        inspector = people_city.signed_in(PersonRole.REGULATOR)
        for _ in range(101):
            inspector.get("/reads")
        for page, lines in (("1", 100), ("2", 3)):
            text = inspector.get(f"/reads?page={page}").text
            assert TEXTS["zh"]["signin.reads.whole"] in text
            assert len(re.findall(r'<a href="/reads"><code>', text)) == lines


class TestAnInspectorsBranch:
    def test_is_on_the_bins_pages_for_those_who_inspect(self, people_city: PeopleCity) -> None:
        from backend.domain.label import giai_of

        number = people_city.city.bins[0]["number"]
        label = f"/8004/{giai_of(people_city.city.serial(0))}"
        address = f"/bins/{number}/oversight"
        for role, sees in (
            (PersonRole.REGULATOR, True),
            (PersonRole.CITY_ADMINISTRATOR, True),
            (PersonRole.DISPATCHER, False),
        ):
            browser = people_city.signed_in(role)
            for page in (f"/bins/{number}", label):
                links = [a["href"] for a in Page(browser.get(page).text).all("a")]
                assert (address in links) is sees
        links = [a["href"] for a in Page(people_city.visitor().get(label).text).all("a")]
        assert "#oversight" in links
        assert address not in links

    @pytest.mark.parametrize("language", ["zh", "en"])
    def test_shows_findings_complaints_and_refusals(self, people_city: PeopleCity, language: str) -> None:
        number = people_city.city.bins[0]["number"]
        page = Page(
            people_city.signed_in(PersonRole.REGULATOR).get(f"/bins/{number}/oversight?lang={language}").text
        )
        assert page.flaws == []
        assert {"findings", "complaints", "refusals"} <= {attrs.get("id") for _, attrs in page.tags}
        assert TEXTS[language]["signin.oversight.logged"] in page.text

    def test_is_not_found_for_what_is_no_bin(self, people_city: PeopleCity) -> None:
        browser = people_city.signed_in(PersonRole.REGULATOR)
        for number in ("0000000000", "x", "../etc"):
            assert browser.get(f"/bins/{number}/oversight").status_code == 404
