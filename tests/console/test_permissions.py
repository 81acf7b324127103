"""Every route, by every method, by people of every role and by nobody, against the one table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from people_city import METHODS, PeopleCity, address_of, form_token, group_of, routes_of

from backend.domain.people import Person
from backend.domain.permissions import PERMISSIONS, PersonRole, RouteGroup, is_permitted
from backend.store.tables import PersonSession

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "permissions.md").read_text(encoding="utf-8")
EVERYBODY = (None, *PersonRole)


def is_turned_away(answer: Any) -> bool:
    status, headers = answer.status_code, answer.headers
    return status == 403 or (status == 303 and headers["location"].startswith("/sign-in"))


@dataclass
class Browsers:
    """A person's browser, and another one once the first was signed out; None: somebody who never signed in."""

    people_city: PeopleCity
    person: Person | None
    app: FastAPI | None = None
    _now: TestClient | None = None

    def one(self) -> TestClient:
        if self._now is None or (self.person is not None and not self.is_in()):
            city = self.people_city
            self._now = city.browser_of(self.person, app=self.app) if self.person else city.visitor(self.app)
        return self._now

    def is_in(self) -> bool:
        """Whether what was asked last did not sign the person out."""
        assert self.person is not None
        with self.people_city.people() as people:
            return bool(people.sessions_of(self.person.id))


class TestTheTable:
    def test_is_the_one_on_the_page(self) -> None:
        rows = dict(re.findall(r"^\| `([a-z]+)` \| [^|]+ \| ([a-z, -]+) \|", PAGE, re.M))
        told = {group: set(roles.split(", ")) for group, roles in rows.items()}
        assert told == {str(group): {str(role) for role in rule.roles} for group, rule in PERMISSIONS.items()}
        logged = set(re.findall(r"^\| `([a-z]+)` \|.*\| yes \|$", PAGE, re.M))
        assert logged == {str(group) for group, rule in PERMISSIONS.items() if rule.is_read_logged}

    def test_names_every_route_with_power_and_no_other(self, people_city: PeopleCity) -> None:
        told = set(re.findall(r"^\* `([A-Z]+) (/\S+)`: `([a-z]+)`$", PAGE, re.M))
        found = {
            (method, route.path, str(group_of(route)))
            for route in routes_of(people_city.app)
            for method in route.methods
            if group_of(route) is not None
        }
        assert told == found

    def test_lets_a_regulator_take_no_step(self, people_city: PeopleCity) -> None:
        for route in routes_of(people_city.app):
            group = group_of(route)
            if group not in (None, RouteGroup.ACCOUNT) and is_permitted(PersonRole.REGULATOR, group):
                assert route.methods == {"GET"}, route.path

    @pytest.mark.parametrize("role", EVERYBODY)
    def test_is_what_every_route_does(self, people_city: PeopleCity, role: PersonRole | None) -> None:
        person = None if role is None else people_city.person(role)
        browsers = Browsers(people_city, person)
        for route in routes_of(people_city.app):
            for method in route.methods or ():
                answer = self.ask(browsers.one(), method, address_of(route, people_city.city))
                where = f"{role} {method} {route.path}: {answer.status_code}"
                group = group_of(route)
                if group is None:
                    assert self.is_open(answer, str(route.path)), where
                elif role is None:
                    assert answer.status_code == 303, where
                    assert answer.headers["location"].startswith("/sign-in"), where
                else:
                    assert is_turned_away(answer) is not is_permitted(role, group), where
                    assert is_permitted(role, group) or answer.status_code == 403, where
                    assert answer.status_code < 500, where

    @pytest.mark.parametrize("role", [None, PersonRole.CITY_ADMINISTRATOR])
    def test_knows_no_other_method_whoever_asks(self, people_city: PeopleCity, role: PersonRole | None) -> None:
        """The router says so before anybody is asked who they are."""
        routes = routes_of(people_city.app)
        known: dict[str, set[str]] = {}
        for route in routes:
            known.setdefault(str(route.path), set()).update(route.methods or ())
        browsers = Browsers(people_city, None if role is None else people_city.person(role))
        for route in routes:
            for method in set(METHODS) - known[str(route.path)]:
                answer = browsers.one().request(method, address_of(route, people_city.city))
                assert answer.status_code == 405, f"{method} {route.path}"

    def ask(self, browser: TestClient, method: str, address: str) -> Any:
        if method in ("GET", "HEAD", "OPTIONS"):
            return browser.request(method, address)
        token = form_token(browser) if "huanlian" in browser.cookies else ""
        return browser.request(method, address, data={"token": token})

    def is_open(self, answer: Any, path: str) -> bool:
        """Whether a public route let somebody in; forms of the public have tokens of their own and say 403."""
        if path in ("/bins/{number}/complaint", "/demo/enter") or path.startswith(("/sign-in/", "/invitation/")):
            return answer.status_code != 303 or not is_turned_away(answer)
        return not is_turned_away(answer)


class TestAnotherPersonsName:
    def test_is_taken_on_by_no_route(self, people_city: PeopleCity) -> None:
        """Whatever a request says, nobody but a person's own key makes a session of theirs."""
        victim = people_city.person(PersonRole.CITY_ADMINISTRATOR)
        people_city.browser_of(victim)
        app = people_city.application(is_demo=False)
        names = ("person", "person_id", "user", "username", "as", "act_as", "impersonate", "sub", "id", "role")
        said = dict.fromkeys(names, victim.id) | {"name": victim.name}
        headers = {f"X-{name.title().replace('_', '-')}": victim.id for name in names}
        headers |= {"X-Remote-User": victim.id, "X-Forwarded-User": victim.id}
        attackers = {role: Browsers(people_city, people_city.person(role), app) for role in PersonRole}
        for route in routes_of(app):
            for method in route.methods or ():
                for role in PersonRole if group_of(route) is not None else (PersonRole.CITY_ADMINISTRATOR,):
                    browser = attackers[role].one()
                    mine, address = form_token(browser), address_of(route, people_city.city)
                    body = {"data": said | {"token": mine}} if method == "POST" else {}
                    answer = browser.request(method, address, params=said, headers=headers, **body)
                    given = [c for c in answer.headers.get_list("set-cookie") if c.startswith("huanlian=")]
                    # A browser that leaves has its cookie emptied.
                    assert all(cookie.startswith('huanlian="";') for cookie in given), (method, route.path)
                    assert victim.name not in answer.text, (method, route.path)
        with people_city.people() as people:
            assert len(people.sessions_of(victim.id)) == 1

    def test_is_no_routes_business_by_its_address(self, people_city: PeopleCity) -> None:
        words = re.compile(r"impersonat|sudo|act-?as|switch-?user|become|on-behalf", re.I)
        assert not [route.path for route in routes_of(people_city.app) if words.search(route.path)]

    def test_leaves_the_sessions_as_they_were(self, people_city: PeopleCity) -> None:
        before = people_city.count(PersonSession)
        people_city.visitor().get("/sign-in", headers={"X-Remote-User": "demo-regulator"})
        assert people_city.count(PersonSession) == before
