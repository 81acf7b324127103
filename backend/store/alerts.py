"""Alerts, and the outbox of their messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, tuple_, update

from backend.domain.alerts import Alert, AlertKind, AlertMessage
from backend.store.alert_sources import candidates
from backend.store.tables import AlertMessageItem, AlertMessageRow, RaisedAlert, table_of

_ALERTS, _MESSAGES, _ITEMS = table_of(RaisedAlert), table_of(AlertMessageRow), table_of(AlertMessageItem)


@dataclass(frozen=True)
class AlertLine:
    """An alert as its page shows it: how many messages were sent of it, and how many wait."""

    alert: Alert
    raised_at: int
    sent: int
    waiting: int


class AlertStore:
    """Alerts within one transaction; fulfils the use cases' `AlertBox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def noticed(self, *, since: int, now: int) -> Iterator[Alert]:
        """Yield what was not raised yet since an instant."""
        # An alert is raised after what it is about, so all that could be known is among these.
        raised = self._connection.execute(select(_ALERTS.c.id).where(_ALERTS.c.raised_at >= since))
        known = set(raised.scalars())
        for alert in candidates(self._connection, since, now):
            if alert.alert_id not in known:
                yield alert

    def add(self, alert: Alert, messages: Sequence[tuple[str, str, str, int]], *, now: int) -> bool:
        """Keep an alert with its (message, recipient, channel, due at); False where it was raised before."""
        key = alert.alert_id
        if self._connection.execute(select(_ALERTS.c.id).where(_ALERTS.c.id == key)).first():
            return False
        about = json.dumps(dict(alert.about), ensure_ascii=False)
        values = {"id": key, "kind": str(alert.kind), "at": alert.at, "about": about, "path": alert.path}
        self._connection.execute(insert(_ALERTS).values(**values, raised_at=now))
        for message, recipient, channel, due_at in messages:
            known = select(_MESSAGES.c.id).where(_MESSAGES.c.id == message)
            if not self._connection.execute(known).first():
                self._connection.execute(
                    insert(_MESSAGES).values(
                        id=message,
                        recipient=recipient,
                        channel=channel,
                        due_at=due_at,
                        retry_at=due_at,
                        attempts=0,
                        sent_at=None,
                    )
                )
            self._connection.execute(insert(_ITEMS).values(message_id=message, alert_id=key))
        return True

    def due(self, now: int, *, recipients: Sequence[tuple[str, str]], limit: int) -> list[AlertMessage]:
        """Return the messages to these (recipient, channel) that are due by now, the longest waiting first."""
        rows = self._connection.execute(
            select(_MESSAGES)
            .where(
                _MESSAGES.c.sent_at.is_(None),
                _MESSAGES.c.retry_at <= now,
                tuple_(_MESSAGES.c.recipient, _MESSAGES.c.channel).in_(list(recipients)),
            )
            .order_by(_MESSAGES.c.retry_at, _MESSAGES.c.due_at, _MESSAGES.c.id)
            .limit(limit)
        ).all()
        return [
            AlertMessage(row.id, row.recipient, row.channel, tuple(self._alerts_in(row.id)), row.attempts)
            for row in rows
        ]

    def note_sent(self, message: str, *, now: int) -> None:
        """Note that a message was taken."""
        self._connection.execute(update(_MESSAGES).where(_MESSAGES.c.id == message).values(sent_at=now))

    def note_not_sent(self, message: str, *, retry_at: int) -> None:
        """Note that a message was not taken, and when it is sent again."""
        self._connection.execute(
            update(_MESSAGES)
            .where(_MESSAGES.c.id == message)
            .values(attempts=_MESSAGES.c.attempts + 1, retry_at=retry_at)
        )

    def newest(self, *, limit: int, offset: int = 0) -> list[AlertLine]:
        """Return alerts with how their messages are doing, the newest first."""
        rows = self._connection.execute(
            select(
                _ALERTS,
                func.count(_MESSAGES.c.sent_at).label("sent"),
                func.count(_MESSAGES.c.id).label("messages"),
            )
            .outerjoin(_ITEMS, _ITEMS.c.alert_id == _ALERTS.c.id)
            .outerjoin(_MESSAGES, _MESSAGES.c.id == _ITEMS.c.message_id)
            .group_by(*_ALERTS.c)
            .order_by(_ALERTS.c.raised_at.desc(), _ALERTS.c.at.desc(), _ALERTS.c.id)
            .limit(limit)
            .offset(offset)
        )
        return [AlertLine(_alert(row), row.raised_at, row.sent, row.messages - row.sent) for row in rows]

    def _alerts_in(self, message: str) -> Iterator[Alert]:
        rows = self._connection.execute(
            select(_ALERTS)
            .join(_ITEMS, _ITEMS.c.alert_id == _ALERTS.c.id)
            .where(_ITEMS.c.message_id == message)
            .order_by(_ALERTS.c.at, _ALERTS.c.id)
        )
        return (_alert(row) for row in rows.all())


def _alert(row: Row[Any]) -> Alert:
    return Alert(AlertKind(row.kind), row.at, json.loads(row.about), row.path)
