"""What is raised out of the books, and what of them is not; every kind once, and no word or device of anybody."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from custody_stories import NETWORK, NOON
from small_city import CREW, SITE
from sqlalchemy import insert
from store_support import finding

from backend.domain.alerts import Alert, AlertKind, AlertMessage
from backend.domain.layout import Kind
from backend.domain.types import Role, device_id, device_text, organisation_text
from backend.domain.writer import JournalWriter, SigningKey
from backend.exchange.complaint_rules_file import load_complaint_rules
from backend.exchange.webhooks import message_body
from backend.store.alert_sources import BACKLOG_SECONDS, SILENT_SECONDS, candidates
from backend.store.complaints import ComplaintStore
from backend.store.session import Database
from backend.store.tables import (
    CaseFile,
    CaseSpan,
    ContinuitySpan,
    KnownDevice,
    LedgerSegment,
    RadarFinding,
    table_of,
)
from backend.usecases.alerts import FRESH_SECONDS
from backend.usecases.complaints import Report, file_complaint

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
DAY, FAR = 86_400, 1 << 62
CASE = f"weight-difference-{'0' * 15}7-3"


def raised(database: Database, now: int) -> list[Alert]:
    with database.transaction(writes=False) as connection:
        return list(candidates(connection, now - FRESH_SECONDS, now))


def put(database: Database, model: Any, **values: Any) -> None:
    with database.transaction() as connection:
        connection.execute(insert(table_of(model)).values(**values))


def put_case(database: Database, *, opened_at: int, kind: str = "weight-difference") -> None:
    put(
        database,
        CaseFile,
        code=CASE,
        root="lot",
        kind=kind,
        subject_kind="lot",
        subject="0" * 24,
        opened_at=opened_at,
        entries="[]",
        parties="[]",
        numbers="{}",
    )


def put_span(database: Database, *, due_at: int | None, until_at: int = FAR, is_done: bool = False) -> None:
    put(
        database,
        CaseSpan,
        code=CASE,
        number=0,
        kind="weight-difference",
        stage="open",
        is_done=is_done,
        owner=organisation_text(CREW),
        owner_role=int(Role.OFFICE),
        from_at=NOON - 9 * DAY,
        until_at=until_at,
        due_at=due_at,
    )


def put_segments(
    database: Database, *recorded_at: int, role: Role = Role.CREW, is_revoked: bool = False, last: Kind = Kind.LOAD
) -> int:
    """A device that recorded a segment at each of these times; the last entry is of this kind."""
    device = device_id(CREW, 7)
    writer = JournalWriter(NETWORK, device, SigningKey.from_secret(7))
    put(
        database,
        KnownDevice,
        device=device_text(device),
        organisation=organisation_text(CREW),
        key_hash="0" * 40,
        role=int(role),
        not_after=0,
        is_revoked=is_revoked,
    )
    for number, at in enumerate(recorded_at, 1):
        if last is Kind.SHIFT_END and number == len(recorded_at):
            seq = writer.write(Kind.SHIFT_END, lifts=1, grams=1)
        else:
            seq = writer.write(Kind.LOAD, lot=number, stream=4)
        segment = writer.cut()
        put(
            database,
            LedgerSegment,
            id=number,  # as the books number them
            device=device_text(device),
            first_seq=seq,
            last_seq=seq,
            words=segment.words,
            outcomes=b"\1",
            prev_head=bytes(32),
            head=bytes(32),
            seal=bytes(64),
            block_number=number,
            block_hash="0" * 64,
            block_time=at,
            tx_hash="0" * 64,
            log_index=0,
        )
    return device


class TestACase:
    def test_is_raised_when_its_deadline_passed_and_somebody_still_has_to_act(self, database: Database) -> None:
        put_span(database, due_at=NOON)
        assert raised(database, NOON - 1) == []
        (alert,) = raised(database, NOON)
        assert (alert.kind, alert.path) == (AlertKind.CASE_OVERDUE, f"/cases/{CASE}")
        assert alert.about["owner"] == organisation_text(CREW)

    @pytest.mark.parametrize(
        "values",
        [
            {"due_at": None},
            {"due_at": NOON - 3 * DAY},
            {"due_at": NOON - 60, "is_done": True},
            {"due_at": NOON - 60, "until_at": NOON - 30},
        ],
        ids=["has no deadline", "is long past", "is done", "went on by itself"],
    )
    def test_is_not_raised_where_it(self, database: Database, values: dict[str, Any]) -> None:
        put_span(database, **values)
        assert raised(database, NOON) == []

    def test_of_a_weight_difference_is_raised_as_it_is_opened(self, database: Database) -> None:
        put_case(database, opened_at=NOON)
        (alert,) = raised(database, NOON + 60)
        assert (alert.kind, alert.at, alert.about["case"]) == (AlertKind.WEIGHT_DIFFERENCE, NOON, CASE)
        assert raised(database, NOON + 3 * DAY) == []

    def test_of_another_kind_is_not_raised_as_it_is_opened(self, database: Database) -> None:
        put_case(database, opened_at=NOON, kind="amendment")
        assert raised(database, NOON + 60) == []


class TestAJournal:
    def test_is_raised_a_day_after_it_fell_silent_in_the_middle_of_a_shift(self, database: Database) -> None:
        device = put_segments(database, NOON - 600, NOON)
        assert raised(database, NOON + SILENT_SECONDS - 1) == []
        (alert,) = raised(database, NOON + SILENT_SECONDS + 1)
        assert (alert.kind, alert.path) == (AlertKind.JOURNAL_SILENT, "/devices")
        assert alert.about == {"organisation": organisation_text(CREW), "silent_since": str(NOON)}
        assert device_text(device) not in json.dumps(dict(alert.about))

    @pytest.mark.parametrize(
        "values",
        [{"last": Kind.SHIFT_END}, {"role": Role.OFFICE}, {"role": Role.REGISTRAR}, {"is_revoked": True}],
        ids=["ended its shift", "is an office", "is a registrar", "was revoked"],
    )
    def test_is_not_raised_where_it(self, database: Database, values: dict[str, Any]) -> None:
        put_segments(database, NOON, **values)
        assert raised(database, NOON + SILENT_SECONDS + 1) == []

    def test_is_not_raised_where_it_went_on(self, database: Database) -> None:
        put_segments(database, NOON, NOON + DAY)
        assert raised(database, NOON + SILENT_SECONDS + 1) == []


class TestABacklog:
    @pytest.mark.parametrize(("age", "count"), [(BACKLOG_SECONDS - 1, 0), (BACKLOG_SECONDS, 1)])
    def test_is_raised_once_it_is_old_enough(self, database: Database, age: int, count: int) -> None:
        span = {"from_at": NOON, "to_at": NOON + age, "age_max_seconds": age, "segments_max": 3}
        put(database, ContinuitySpan, kind="backlog", **span)
        put(database, ContinuitySpan, kind="server-up", **span)
        alerts = raised(database, NOON + age)
        assert [(a.kind, a.path) for a in alerts] == [(AlertKind.RELAYER_BACKLOG, "/continuity")] * count


class TestTheDocumentation:
    def test_names_every_kind(self) -> None:
        assert re.findall(r"^\| `([a-z-]+)` \| \S", DOCS, re.M)[: len(AlertKind)] == [
            kind.value for kind in AlertKind
        ]

    def test_shows_a_message_of_every_kind_with_the_fields_that_it_has(self, database: Database) -> None:
        put_span(database, due_at=NOON)
        put_case(database, opened_at=NOON)
        put_segments(database, NOON - SILENT_SECONDS - 60)
        span = {"from_at": NOON - 900, "to_at": NOON, "age_max_seconds": 900, "segments_max": 3}
        put(database, ContinuitySpan, kind="backlog", **span)
        put(database, RadarFinding, **finding("f", NOON, SITE))
        with database.transaction() as connection:
            store = ComplaintStore(connection)
            report = Report(bin=5, site=SITE, kind=3, text="我叫陈某")
            file_complaint(store, report, load_complaint_rules(), token=b"t", now=NOON - 30 * DAY)
        with database.transaction() as connection:
            connection.exec_driver_sql(f"UPDATE complaint SET due_at = {NOON - 60}")
        samples = [json.loads(line) for line in re.findall(r'^(\{"type": "huanlian.alerts".*)$', DOCS, re.M)]
        shown = {one["kind"]: one for sample in samples for one in sample["data"]["alerts"]}
        found = {alert.kind: alert for alert in raised(database, NOON)}
        assert set(shown) == set(found) == set(AlertKind)
        for kind, alert in found.items():
            assert set(shown[kind]) == set(
                message_body(AlertMessage("m", "desk", "webhook", (alert,)))["data"]["alerts"][0]
            )
            assert set(shown[kind]["about"]) == set(alert.about), kind
            assert shown[kind]["path"].split("?")[0].split("/")[1] == alert.path.split("?")[0].split("/")[1]
