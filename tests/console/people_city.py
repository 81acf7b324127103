"""The whole application over the console's city, and people who may sign in to it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from console_city import CITY, CREW, MORNING, NETWORK, PARK, City
from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from fastapi.testclient import TestClient
from small_city import DEPLOYMENT
from sqlalchemy import Connection, func, select

from backend.api.app import create_api
from backend.api.deps import Services
from backend.console.deps import ConsoleDeps
from backend.console.routes import create_console_router
from backend.console.who import require
from backend.domain.people import Person, secret_digest
from backend.domain.permissions import PersonRole, RouteGroup
from backend.main import _page_for
from backend.store.people import PeopleStore
from backend.store.tables import (
    Complaint,
    ComplaintPhoto,
    ComplaintStatement,
    PageReadRow,
    PersonIdentity,
    PersonPasskey,
    PersonRow,
    PersonSession,
    SignInAttempt,
    table_of,
)
from backend.usecases.people import Invited, begin_session, invite

OWN = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
ORGANISATION_OF = {
    PersonRole.COMPANY_ADMINISTRATOR: CREW,
    PersonRole.DISPATCHER: CREW,
    PersonRole.PARK_OPERATOR: PARK,
}
_TABLES = (
    PageReadRow,
    PersonSession,
    PersonPasskey,
    PersonIdentity,
    SignInAttempt,
    PersonRow,
    ComplaintPhoto,
    ComplaintStatement,
    Complaint,
)


@dataclass
class PeopleCity:
    """A clock that can be moved, the application, and its people."""

    city: City
    deps: ConsoleDeps
    now: int = MORNING + 86_400
    app: FastAPI = field(init=False)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.deps = replace(self.deps, write=self.write, now=lambda: self.now)
        self.app = self.application()

    def application(self, **changed: Any) -> FastAPI:
        """The application as `main` builds it, without its periodic work; `changed` are other parts behind it."""
        services = Services(
            database=self.city.database,
            books=self.city.books,
            network=NETWORK,
            deployment=DEPLOYMENT,
            finality=1,
            public_base_url="http://testserver",
            chain_is_reachable=lambda: True,
            now=lambda: self.now,
        )
        deps = replace(self.deps, **changed)
        app = create_api(services, max_body_bytes=2 * 1024 * 1024, error_page=_page_for(deps))
        app.include_router(create_console_router(deps))
        return app

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self.city.database.transaction() as connection:
            yield connection

    @contextmanager
    def people(self) -> Iterator[PeopleStore]:
        with self.write() as connection:
            yield PeopleStore(connection)

    def visitor(self, app: FastAPI | None = None, *, scheme: str = "http") -> TestClient:
        """Somebody's browser with nothing in it."""
        return TestClient(
            app or self.app,
            base_url=f"{scheme}://testserver",
            headers=OWN,
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    def invited(self, role: PersonRole = PersonRole.REGULATOR, organisation: int = 0) -> Invited:
        number = organisation or ORGANISATION_OF.get(role, CITY)
        with self.people() as people:
            return invite(
                people, name=f"测试员 {next(self._numbers)}", role=role, organisation=number, now=self.now
            )

    def person(self, role: PersonRole, organisation: int = 0) -> Person:
        return self.invited(role, organisation).person

    def signed_in(self, role: PersonRole, *, app: FastAPI | None = None, organisation: int = 0) -> TestClient:
        """A browser in which a new person of this role is signed in."""
        return self.browser_of(self.person(role, organisation), app=app)

    def browser_of(self, person: Person, *, app: FastAPI | None = None) -> TestClient:
        with self.people() as people:
            token = begin_session(people, person, self.now).token
        browser = self.visitor(app)
        browser.cookies.set("huanlian", token)
        return browser

    def count(self, model: Any) -> int:
        with self.write() as connection:
            return int(connection.execute(select(func.count()).select_from(table_of(model))).scalar_one())

    def empty(self) -> None:
        with self.write() as connection:
            for model in _TABLES:
                connection.execute(table_of(model).delete())


def form_token(browser: TestClient) -> str:
    """What forms of this browser's session carry."""
    return secret_digest("form", browser.cookies["huanlian"])


def page_token(browser: TestClient) -> str:
    """Open the page to sign in; return the token that is on it."""
    text = browser.get("/sign-in").text
    return text.split('data-token="')[1].split('"')[0]


def routes_of(app: FastAPI) -> list[RouteContext]:
    """Every route of the application, with its whole path, its methods and its dependencies."""
    found = [each for each in iter_route_contexts(app.routes) if isinstance(each.original_route, APIRoute)]
    assert len(found) > 60, "the application's routes were not found"
    return found


def group_of(route: RouteContext) -> RouteGroup | None:
    """The group that a route's people are stated by; None: it is public."""
    groups = [each.call.group for each in route.dependant.dependencies if isinstance(each.call, require)]
    assert len(groups) <= 1, route.path
    return groups[0] if groups else None


def address_of(route: RouteContext, city: City) -> str:
    """An address of the route; what it names may or may not be there."""
    known = {"number": city.bins[1]["number"], "page": "1", "name": "console.css", "case": "0" * 24}
    parts = [
        known.get(part[1:-1].partition(":")[0], "1") if part.startswith("{") else part
        for part in route.path.split("/")
    ]
    return "/".join(parts)
