"""Alerts from the books to a real receiver and a real mail server that may be away for a while."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from custody_stories import NOON
from small_city import SITE, Clock
from sqlalchemy import insert
from store_support import finding

from backend.chain.anvil import free_port
from backend.exchange.alert_file import load_alert_settings
from backend.exchange.complaint_rules_file import load_complaint_rules
from backend.jobs.alerts import AlertJob
from backend.store.alerts import AlertStore
from backend.store.complaints import ComplaintStore
from backend.store.session import Database
from backend.store.tables import RadarFinding, table_of
from backend.usecases.complaints import Report, file_complaint

SECRET = bytes(range(32))
HOUR, DAY = 3600, 86_400
WRITTEN = "我叫陈某，电话 13800138000"


@dataclass
class Receiver:
    """A webhook's receiver as docs/alerts.md tells to write one; it can be away, or lose its answers."""

    status: int = 204
    loses_answers: bool = False
    heard: list[tuple[str, bytes]] = field(default_factory=list)

    def take(self, headers: Any, body: bytes) -> int:
        if self.status != 204:
            return self.status
        name, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        signed = hmac.new(SECRET, f"{name}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        assert headers["webhook-signature"] == "v1," + base64.b64encode(signed).decode()
        self.heard.append((name, body))
        return 500 if self.loses_answers else 204

    @property
    def alerts(self) -> Counter[str]:
        """How often each alert came."""
        told = (alert for _, body in self.heard for alert in json.loads(body)["data"]["alerts"])
        return Counter(alert["about"].get("finding", alert["kind"]) for alert in told)


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, str]]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(made.take(self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made, f"http://127.0.0.1:{server.server_port}/alerts"
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Mails:
    """What a mail server took."""

    taken: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.taken.append(envelope.content)
        return "250 taken"

    def texts(self) -> list[str]:
        return [message_from_bytes(mail, policy=policy.default).get_content() for mail in self.taken]


@pytest.fixture
def mails() -> Iterator[tuple[Mails, int]]:
    made = Mails()
    port = free_port()
    controller = Controller(made, hostname="127.0.0.1", port=port)
    controller.start()
    yield made, port
    controller.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


def find(database: Database, name: str, at: int = NOON) -> None:
    with database.transaction() as connection:
        connection.execute(insert(table_of(RadarFinding)).values(finding(name, at, SITE)))


def job_of(database: Database, clock: Clock, folder: Path, *recipients: dict[str, Any], port: int = 0) -> AlertJob:
    path = folder / "alerts.json"
    said: dict[str, Any] = {
        "roles": {"desk": {"kinds": ["finding", "complaint-overdue"]}},
        "recipients": [{"role": "desk", **recipient} for recipient in recipients],
    }
    if port:
        said["smtp"] = {"host": "127.0.0.1", "port": port, "sender": "huanlian@example.org", "has_tls": False}
    path.write_text(json.dumps(said))
    return AlertJob(database, load_alert_settings(path, base_url="https://huanlian.example"), clock)


def hook(url: str, **more: Any) -> dict[str, Any]:
    return {"name": "desk", "webhook": url, "secret": "whsec_" + base64.b64encode(SECRET).decode(), **more}


class TestAWebhook:
    def test_that_was_away_gets_every_alert_once(
        self, database: Database, clock: Clock, tmp_path: Path, receiver: tuple[Receiver, str]
    ) -> None:
        double, url = receiver
        job = job_of(database, clock, tmp_path, hook(url))
        double.status = 503
        for number in range(30):
            find(database, f"f{number}", at=clock.now)
            clock.now += 120
            if number % 6 == 0:
                assert job.run_once() == 0
        double.status = 204
        for _ in range(4):  # twenty messages a round, each when its pause is over
            clock.now += HOUR
            job.run_once()
        assert double.alerts == Counter(f"f{number}" for number in range(30))
        assert len({name for name, _ in double.heard}) == 30
        assert job.run_once() == 0

    def test_that_took_a_message_and_lost_its_answer_sees_the_same_id(
        self, database: Database, clock: Clock, tmp_path: Path, receiver: tuple[Receiver, str]
    ) -> None:
        double, url = receiver
        job = job_of(database, clock, tmp_path, hook(url))
        find(database, "f")
        double.loses_answers = True
        job.run_once()
        double.loses_answers = False
        assert job.run_once() == 0
        clock.now += 15
        assert job.run_once() == 1
        (first, _), (second, _) = double.heard
        assert first == second

    def test_of_nobody_does_not_stop_another(
        self, database: Database, clock: Clock, tmp_path: Path, receiver: tuple[Receiver, str]
    ) -> None:
        double, url = receiver
        away = {**hook("http://127.0.0.1:9/"), "name": "away"}
        job = job_of(database, clock, tmp_path, away, hook(url))
        find(database, "f")
        assert job.run_once() == 1
        assert double.alerts == Counter(["f"])
        with database.transaction(writes=False) as connection:
            (line,) = AlertStore(connection).newest(limit=9)
        assert (line.sent, line.waiting) == (1, 1)

    def test_is_not_told_of_what_is_long_past(
        self, database: Database, clock: Clock, tmp_path: Path, receiver: tuple[Receiver, str]
    ) -> None:
        double, url = receiver
        find(database, "old", at=clock.now - 3 * DAY)
        assert job_of(database, clock, tmp_path, hook(url)).run_once() == 0
        assert not double.heard

    def test_waits_for_the_morning(
        self, database: Database, clock: Clock, tmp_path: Path, receiver: tuple[Receiver, str]
    ) -> None:
        double, url = receiver
        job = job_of(database, clock, tmp_path, hook(url, quiet=["11:00", "13:30"]))
        find(database, "f")
        assert job.run_once() == 0
        clock.now += 89 * 60
        assert job.run_once() == 0
        clock.now += 60
        assert job.run_once() == 1
        assert double.alerts == Counter(["f"])


class TestADigest:
    def test_is_one_mail_with_all_of_a_day(
        self, database: Database, clock: Clock, tmp_path: Path, mails: tuple[Mails, int]
    ) -> None:
        double, port = mails
        recipient = {"name": "desk", "mail": "duty@example.org", "digest": "08:00"}
        job = job_of(database, clock, tmp_path, recipient, port=port)
        for name in ("f1", "f2", "f3"):
            find(database, name)
            assert job.run_once() == 0
        clock.now += 20 * HOUR
        find(database, "f4", at=clock.now)
        assert job.run_once() == 1
        (text,) = double.texts()
        assert [name in text for name in ("f1", "f2", "f3", "f4")] == [True, True, True, False]
        clock.now += DAY
        assert job.run_once() == 1
        assert "f4" in double.texts()[1]


class TestAMail:
    def test_waits_for_a_server_that_is_away_and_keeps_its_id(
        self, database: Database, clock: Clock, tmp_path: Path, mails: tuple[Mails, int]
    ) -> None:
        double, port = mails
        recipient = {"name": "desk", "mail": "duty@example.org"}
        find(database, "f")
        assert job_of(database, clock, tmp_path, recipient, port=9).run_once() == 0
        clock.now += 15
        assert job_of(database, clock, tmp_path, recipient, port=port).run_once() == 1
        (mail,) = double.taken
        headers = message_from_bytes(mail, policy=policy.default)
        assert headers["Message-ID"].startswith("<msg_")
        assert headers["To"] == "duty@example.org"
        assert "https://huanlian.example/radar?kind=ghost-bin#f-f" in double.texts()[0]


class TestAnOverdueComplaint:
    def test_is_told_once_a_stage_without_a_word_of_its_complainant(
        self, database: Database, clock: Clock, tmp_path: Path, receiver: tuple[Receiver, str]
    ) -> None:
        double, url = receiver
        report = Report(bin=5, site=SITE, kind=3, text=WRITTEN)
        with database.transaction() as connection:
            store = ComplaintStore(connection)
            code = file_complaint(store, report, load_complaint_rules(), token=b"t", now=clock.now)
            (row,) = store.open_cases()
        job = job_of(database, clock, tmp_path, hook(url))
        assert row.due_at is not None
        clock.now = row.due_at - 1
        assert job.run_once() == 0
        clock.now = row.due_at
        assert (job.run_once(), job.run_once()) == (1, 0)
        ((_, body),) = double.heard
        told = json.loads(body)["data"]["alerts"][0]
        assert (told["kind"], told["about"]["case"]) == ("complaint-overdue", row.case)
        for secret in (*WRITTEN.split("，"), "陈某", str(code)):
            assert secret not in body.decode()
