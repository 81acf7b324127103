"""To sign in by an identity provider that really runs, and every lie that it could tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from oidc_provider import Provider, serve_provider
from people_city import PeopleCity, page_token

from backend.console.language import TEXTS
from backend.domain.permissions import PersonRole
from backend.exchange.oidc import OidcProvider
from backend.store.tables import PersonIdentity, PersonRow, PersonSession, SignInAttempt, table_of
from backend.usecases.people import revoke


@dataclass
class Office:
    """The application with a provider behind it, and browsers that go to and fro."""

    people_city: PeopleCity
    provider: Provider
    app: FastAPI

    def browser(self) -> TestClient:
        made = self.people_city.visitor(self.app)
        page_token(made)
        return made

    def leave(self, browser: TestClient, next_page: str = "/") -> str:
        """Go to the provider; return the address at which it sends the browser back."""
        away = browser.get("/sign-in/oidc", params={"next": next_page})
        assert away.status_code == 303, away.text
        answer = httpx.get(away.headers["location"])
        return answer.headers["location"].removeprefix("http://testserver")

    def sign_in(self, browser: TestClient, next_page: str = "/") -> Any:
        return browser.get(self.leave(browser, next_page), headers={"Sec-Fetch-Site": "cross-site"})

    def accept(self, browser: TestClient, secret: str) -> Any:
        said = {"token": page_token(browser), "secret": secret}
        answer = browser.post("/invitation/identity", json=said)
        if answer.status_code != 200:
            return answer
        back = httpx.get(answer.json()["address"]).headers["location"]
        return browser.get(back.removeprefix("http://testserver"), headers={"Sec-Fetch-Site": "cross-site"})


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with serve_provider() as running:
        yield running


@pytest.fixture
def office(people_city: PeopleCity, provider: Provider) -> Office:
    fresh = Provider(rsa=provider.rsa, ec=provider.ec, issuer=provider.issuer, now=people_city.now)
    vars(provider).update(vars(fresh))
    behind = OidcProvider(provider.issuer, provider.client_id, provider.client_secret)
    return Office(people_city, provider, people_city.application(identity_provider=behind))


@pytest.fixture
def known(office: Office) -> Office:
    """The provider's person was invited, and came."""
    answer = office.accept(office.browser(), office.people_city.invited(PersonRole.REGULATOR).secret)
    assert answer.headers["location"] == "/account", answer.text
    return office


class TestTheIdentityProvider:
    def test_signs_in_whom_an_invitation_made_known(self, known: Office) -> None:
        for algorithm, key_id in (("RS256", "k1"), ("ES256", "k2")):
            known.provider.algorithm, known.provider.key_id = algorithm, key_id
            browser = known.browser()
            assert known.sign_in(browser, "/reads?page=1").headers["location"] == "/reads?page=1"
            assert browser.get("/reads").status_code == 200

    def test_is_asked_with_pkce_and_a_nonce(self, office: Office) -> None:
        away = office.browser().get("/sign-in/oidc").headers["location"]
        asked = {name: value[0] for name, value in parse_qs(urlsplit(away).query).items()}
        assert {"state", "nonce", "code_challenge"} <= set(asked)
        assert asked["code_challenge_method"] == "S256"
        assert asked["redirect_uri"] == "http://testserver/sign-in/oidc/back"

    def test_leaves_nothing_but_a_digest(self, known: Office) -> None:
        with known.people_city.write() as connection:
            tables = (PersonRow, PersonIdentity, PersonSession, SignInAttempt)
            kept = repr([connection.execute(table_of(t).select()).all() for t in tables])
        for personal in ("employee-4711", "lao.wang", "王某某", "never-used", known.provider.issuer):
            assert personal not in kept
        assert known.people_city.count(PersonIdentity) == 1

    def test_signs_in_nobody_who_was_not_invited(self, office: Office) -> None:
        browser = office.browser()
        answer = office.sign_in(browser)
        assert answer.status_code == 403
        assert TEXTS["zh"]["signin.wrong.unknown-identity"] in answer.text
        assert browser.get("/account").status_code == 303

    def test_signs_in_nobody_who_was_revoked(self, known: Office) -> None:
        with known.people_city.people() as people:
            (line,) = people.persons()
            revoke(people, line.person.id, known.people_city.now)
        assert known.sign_in(known.browser()).status_code == 403

    def test_makes_one_person_of_an_identity(self, known: Office) -> None:
        answer = known.accept(known.browser(), known.people_city.invited().secret)
        assert answer.status_code == 403
        assert TEXTS["zh"]["signin.wrong.identity-taken"] in answer.text

    def test_takes_no_invitation_that_is_none(self, office: Office) -> None:
        answer = office.accept(office.browser(), "x" * 43)
        assert answer.json()["wrong"] == "unknown-invitation"

    def test_sends_back_once(self, known: Office) -> None:
        browser = known.browser()
        back = known.leave(browser)
        assert browser.get(back).status_code == 303
        assert browser.get(back).status_code == 403

    def test_sends_back_to_the_browser_that_left(self, known: Office) -> None:
        back = known.leave(known.browser())
        victim = known.browser()
        answer = victim.get(back, headers={"Sec-Fetch-Site": "cross-site"})
        assert TEXTS["zh"]["signin.wrong.unknown-attempt"] in answer.text
        assert victim.get("/account").status_code == 303

    @pytest.mark.parametrize("query", ["", "?state=zz&code=1", "?code=1", "?state=00&code=1"])
    def test_is_not_believed_without_the_state(self, office: Office, query: str) -> None:
        assert office.browser().get(f"/sign-in/oidc/back{query}").status_code == 403

    def test_can_say_that_the_person_changed_their_mind(self, known: Office) -> None:
        browser = known.browser()
        state = parse_qs(urlsplit(known.leave(browser)).query)["state"][0]
        answer = browser.get(f"/sign-in/oidc/back?error=access_denied&state={state}")
        assert answer.status_code == 403
        assert TEXTS["zh"]["signin.wrong.unknown-identity"] in answer.text

    def test_leads_nobody_astray(self, known: Office) -> None:
        assert known.sign_in(known.browser(), "https://evil.example").headers["location"] == "/"

    @pytest.mark.parametrize(
        "lie",
        [
            {"claims": {"nonce": "another"}},
            {"claims": {"nonce": None}},
            {"claims": {"aud": "another-client"}},
            {"claims": {"aud": ["huanlian", "another"], "azp": "another"}},
            {"claims": {"aud": ["huanlian", "another"]}},
            {"claims": {"iss": "https://evil.example"}},
            {"claims": {"exp": 1}},
            {"claims": {"exp": None}},
            {"claims": {"iat": 9_999_999_999}},
            {"claims": {"iat": None}},
            {"claims": {"sub": ""}},
            {"claims": {"sub": None}},
            {"claims": {"sub": 4711}},
            {"algorithm": "none"},
            {"algorithm": "HS256", "signs_with": "huanlian-shared-secret-of-32-bytes!"},
            {"algorithm": "HS256", "signs_with": b"secret-secret-secret-secret-1234", "key_id": "k3"},
            {"key_id": "k2"},
            {"key_id": "unknown"},
            {"client_secret": "another"},
        ],
        ids=str,
    )
    def test_is_not_believed_when_it_lies(self, known: Office, lie: dict[str, Any]) -> None:
        vars(known.provider).update(lie)
        browser = known.browser()
        answer = known.sign_in(browser)
        assert answer.status_code == 403
        assert TEXTS["zh"]["signin.wrong.bad-identity"] in answer.text
        assert browser.get("/account").status_code == 303

    @pytest.mark.parametrize(
        "lie",
        [
            {"discovery": {"issuer": "https://evil.example"}},
            {"discovery": {"token_endpoint": "http://evil.example/token"}},
            {"discovery": {"jwks_uri": None}},
            {"fails_with": 404},
        ],
        ids=str,
    )
    def test_is_not_asked_when_it_says_odd_things_of_itself(self, office: Office, lie: dict[str, Any]) -> None:
        vars(office.provider).update(lie)
        answer = office.browser().get("/sign-in/oidc")
        assert answer.status_code == 403
        assert TEXTS["zh"]["signin.wrong.bad-identity"] in answer.text

    def test_is_waited_for_when_it_is_away(self, people_city: PeopleCity, office: Office) -> None:
        office.provider.fails_with = 503
        answer = office.browser().get("/sign-in/oidc")
        assert answer.status_code == 503
        assert TEXTS["zh"]["signin.wrong.provider-away"] in answer.text
        nowhere = OidcProvider("http://127.0.0.1:1", "huanlian")
        browser = people_city.visitor(people_city.application(identity_provider=nowhere))
        page_token(browser)
        assert browser.get("/sign-in/oidc").status_code == 503

    def test_over_a_line_that_others_read_is_not_asked(self, people_city: PeopleCity) -> None:
        plain = OidcProvider("http://idp.example", "huanlian")
        browser = people_city.visitor(people_city.application(identity_provider=plain))
        page_token(browser)
        assert browser.get("/sign-in/oidc").status_code == 403

    def test_is_not_there_where_none_is_set(self, people_city: PeopleCity) -> None:
        browser = people_city.visitor()
        assert browser.get("/sign-in/oidc").status_code == 404
        assert TEXTS["zh"]["signin.provider"] not in browser.get("/sign-in").text
