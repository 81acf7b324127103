from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.alerts import Alert, AlertKind, Preference, message_id

FINDING, OVERDUE = AlertKind.FINDING, AlertKind.COMPLAINT_OVERDUE
SITE = "0000020000000001"
ALERT = Alert(FINDING, 1_000, {"finding": "ab", "site": SITE}, "/radar")
NIGHT = (22 * 60, 7 * 60)
WANTS = Preference("desk", frozenset((FINDING, OVERDUE)))


def at(text: str) -> int:
    """An instant on the clock in Guangzhou."""
    return int((datetime.fromisoformat(text).replace(tzinfo=UTC) - timedelta(hours=8)).timestamp())


class TestAnAlert:
    def test_has_one_id_however_often_it_is_noticed(self) -> None:
        assert replace(ALERT, at=2_000, path="/elsewhere").alert_id == ALERT.alert_id
        assert replace(ALERT, about={"site": SITE, "finding": "ab"}).alert_id == ALERT.alert_id
        assert replace(ALERT, kind=OVERDUE).alert_id != ALERT.alert_id
        assert replace(ALERT, about={"finding": "ac", "site": SITE}).alert_id != ALERT.alert_id


class TestAPreference:
    def test_wants_its_kinds_and_sites_only(self) -> None:
        assert WANTS.wants(ALERT)
        assert replace(WANTS, sites=frozenset((SITE,))).wants(ALERT)
        assert not replace(WANTS, sites=frozenset(("0000020000000002",))).wants(ALERT)
        assert not replace(WANTS, sites=frozenset((SITE,))).wants(replace(ALERT, about={"finding": "ab"}))
        assert not replace(WANTS, kinds=frozenset((OVERDUE,))).wants(ALERT)

    @pytest.mark.parametrize(
        ("now", "due"),
        [
            ("2026-03-01 21:59:59", "2026-03-01 21:59:59"),
            ("2026-03-01 22:00:00", "2026-03-02 07:00:00"),
            ("2026-03-01 23:59:59", "2026-03-02 07:00:00"),
            ("2026-03-02 00:00:00", "2026-03-02 07:00:00"),
            ("2026-03-02 06:59:59", "2026-03-02 07:00:00"),
            ("2026-03-02 07:00:00", "2026-03-02 07:00:00"),
        ],
    )
    def test_is_left_alone_at_night(self, now: str, due: str) -> None:
        assert replace(WANTS, quiet=NIGHT).due_at(FINDING, at(now)) == at(due)
        assert replace(WANTS, quiet=NIGHT, urgent=frozenset((FINDING,))).due_at(FINDING, at(now)) == at(now)

    def test_may_be_left_alone_at_noon(self) -> None:
        noon = replace(WANTS, quiet=(12 * 60, 14 * 60))
        assert noon.due_at(FINDING, at("2026-03-01 12:30:00")) == at("2026-03-01 14:00:00")
        for awake in ("2026-03-01 11:59:00", "2026-03-01 14:00:00", "2026-03-01 23:00:00"):
            assert noon.due_at(FINDING, at(awake)) == at(awake)

    @pytest.mark.parametrize(
        ("now", "due"),
        [
            ("2026-03-01 07:59:59", "2026-03-01 08:00:00"),
            ("2026-03-01 08:00:00", "2026-03-02 08:00:00"),
            ("2026-03-01 08:00:01", "2026-03-02 08:00:00"),
        ],
    )
    def test_gets_a_digest_later_than_now(self, now: str, due: str) -> None:
        daily = replace(WANTS, digest_minute=8 * 60, urgent=frozenset((OVERDUE,)))
        assert daily.due_at(FINDING, at(now)) == at(due)
        assert daily.due_at(OVERDUE, at(now)) == at(now)


class TestAMessage:
    def test_is_one_for_all_that_a_digest_holds(self) -> None:
        other = replace(ALERT, about={"finding": "ac"})
        daily = replace(WANTS, digest_minute=480)
        assert message_id(daily, "mail", ALERT, 9) == message_id(daily, "mail", other, 9)
        assert message_id(daily, "mail", ALERT, 9) != message_id(daily, "mail", ALERT, 10)
        assert message_id(WANTS, "mail", ALERT, 9) != message_id(WANTS, "mail", other, 9)

    def test_is_another_for_each_recipient_and_channel(self) -> None:
        ids = {
            message_id(replace(WANTS, recipient=r), c, ALERT, 9) for r in ("a", "b") for c in ("mail", "webhook")
        }
        assert len(ids) == 4
