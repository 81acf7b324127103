"""How long people stay signed in, what they are called, and the log that none can leave unseen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.domain.people import (
    IDLE_SECONDS,
    SESSION_SECONDS,
    PageRead,
    Person,
    Session,
    read_digest,
    require_name,
    secret_digest,
)
from backend.domain.people_errors import BadName
from backend.domain.permissions import PERMISSIONS, PersonRole, RouteGroup, is_permitted

PERSON = Person("00" * 12, "老王", PersonRole.REGULATOR, 1, invited_at=0)


def lines(count: int) -> list[PageRead]:
    made: list[PageRead] = []
    for number in range(1, count + 1):
        previous = made[-1].digest if made else b""
        digest = read_digest(previous, number=number, at=number * 10, person="p", page="/reads")
        made.append(PageRead(number, number * 10, "p", "/reads", digest))
    return made


class TestASession:
    def test_is_over_at_its_end_and_not_before(self) -> None:
        fresh = Session("s", PERSON, begun_at=1000, seen_at=1000)
        assert not fresh.is_over(1000 + IDLE_SECONDS - 1)
        assert fresh.is_over(1000 + IDLE_SECONDS)
        used = replace(fresh, seen_at=1000 + SESSION_SECONDS - 5)
        assert used.ends_at() == 1000 + SESSION_SECONDS
        assert used.is_over(1000 + SESSION_SECONDS)


class TestAName:
    def test_is_taken_without_blanks(self) -> None:
        assert require_name("  老王 \u3000") == "老王"

    @pytest.mark.parametrize("text", ["", "  ", "x" * 61, "a\nb", "a\x00", "\u202egnaw"])
    def test_is_one_line_that_can_be_printed(self, text: str) -> None:
        with pytest.raises(BadName):
            require_name(text)


class TestTheLogOfReads:
    def test_follows_line_by_line(self) -> None:
        first, second, third = lines(3)
        assert first.follows(None)
        assert second.follows(first)
        assert not third.follows(first)
        assert not second.follows(None)

    @pytest.mark.parametrize("changed", [{"at": 11}, {"person": "q"}, {"page": "/lots"}, {"number": 3}])
    def test_notices_a_changed_line(self, changed: dict[str, object]) -> None:
        first, second = lines(2)
        assert not replace(second, **changed).follows(first)  # type: ignore[arg-type]


class TestThePermissions:
    def test_speak_of_every_group(self) -> None:
        assert set(PERMISSIONS) == set(RouteGroup)

    def test_let_a_regulator_read_and_take_no_step(self) -> None:
        groups = {group for group in RouteGroup if is_permitted(PersonRole.REGULATOR, group)}
        assert groups == {RouteGroup.ACCOUNT, RouteGroup.OVERSIGHT, RouteGroup.READS}


def test_a_secret_is_known_by_its_purpose() -> None:
    assert secret_digest("session", "x") != secret_digest("form", "x")
