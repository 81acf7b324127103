"""Every route, by every method, by people of every role and by nobody, against the one table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from people_city import METHODS, PeopleCity, address_of, form_token, group_of, routes_of

from backend.domain.permissions import PERMISSIONS, PersonRole, RouteGroup, is_permitted
from backend.store.tables import PersonSession

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "permissions.md").read_text(encoding="utf-8")
EVERYBODY = (None, *PersonRole)


def is_turned_away(answer: object) -> bool:
    status, headers = answer.status_code, answer.headers  # type: ignore[attr-defined]
    return status == 403 or (status == 303 and headers["location"].startswith("/sign-in"))


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
        routes = routes_of(people_city.app)
        allowed: dict[str, dict[str, RouteGroup | None]] = {}
        for route in routes:
            for method in route.methods:
                allowed.setdefault(route.path, {})[method] = group_of(route)
        person = None if role is None else people_city.person(role)
        for route in routes:
            address = address_of(route, people_city.city)
            for method in METHODS:
                if method in allowed[route.path] and method not in route.methods:
                    continue  # another route's
                browser = people_city.visitor() if person is None else people_city.browser_of(person)
                answer = self.ask(browser, method, address, is_signed_in=person is not None)
                where = f"{role} {method} {route.path}: {answer.status_code}"
                if method not in route.methods:
                    assert answer.status_code == 405, where
                    continue
                group = allowed[route.path][method]
                if group is None:
                    assert self.is_open(answer, route.path), where
                elif role is None:
                    assert answer.status_code == 303, where
                    assert answer.headers["location"].startswith("/sign-in"), where
                else:
                    assert (answer.status_code == 403) is not is_permitted(role, group), where
                    assert answer.status_code < 500, where

    def ask(self, browser: TestClient, method: str, address: str, *, is_signed_in: bool) -> object:
        if method in ("GET", "HEAD", "OPTIONS"):
            return browser.request(method, address)
        token = form_token(browser) if is_signed_in else ""
        return browser.request(method, address, data={"token": token})

    def is_open(self, answer: object, path: str) -> bool:
        """Whether a public route let somebody in; forms of the public have tokens of their own and say 403."""
        if path in ("/bins/{number}/complaint", "/demo/enter") or path.startswith(("/sign-in/", "/invitation/")):
            return answer.status_code != 303 or not is_turned_away(answer)  # type: ignore[attr-defined]
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
        attackers = {role: people_city.person(role) for role in PersonRole}
        for route in routes_of(app):
            for method in route.methods:
                for role in PersonRole if group_of(route) is not None else (PersonRole.CITY_ADMINISTRATOR,):
                    browser = people_city.browser_of(attackers[role], app=app)
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
