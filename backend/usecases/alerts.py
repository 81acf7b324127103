"""To raise alerts and to send them. What is not taken is sent again, later and later, under the same id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final, Protocol

from backend.domain.alerts import Alert, AlertMessage, Preference, message_id
from backend.usecases.tell_hotline import pause_seconds

FRESH_SECONDS: Final = 2 * 86_400
"""What is older is not raised: who turns alerts on is not told of all that ever was."""
_AT_A_TIME: Final = 20


class ReceiverAway(Exception):
    """A receiver did not take a message; it is sent again."""


class Channel(Protocol):
    """One way to one recipient."""

    def send(self, message: AlertMessage, now: int) -> None:
        """Hand a message over.

        Raises:
            ReceiverAway: it was not taken.
        """
        ...


class AlertBox(Protocol):
    """Alerts and their messages. One value of it lives for one transaction."""

    def noticed(self, *, since: int, now: int) -> Iterable[Alert]:
        """Return what there is to be raised since an instant."""
        ...

    def add(self, alert: Alert, messages: Sequence[tuple[str, str, str, int]], *, now: int) -> bool:
        """Keep an alert with its (message, recipient, channel, due at); False where it was raised before."""
        ...

    def due(self, now: int, *, recipients: Sequence[tuple[str, str]], limit: int) -> list[AlertMessage]:
        """Return the messages to these (recipient, channel) that are due by now, the longest waiting first."""
        ...

    def note_sent(self, message: str, *, now: int) -> None:
        """Note that a message was taken."""
        ...

    def note_not_sent(self, message: str, *, retry_at: int) -> None:
        """Note that a message was not taken, and when it is sent again."""
        ...


Channels = Mapping[tuple[str, str], Channel]
"""By recipient and the channel's name."""
Boxes = Callable[[], AbstractContextManager[AlertBox]]


def raise_alerts(boxes: Boxes, preferences: Sequence[Preference], channels: Channels, *, now: int) -> int:
    """Raise what was noticed and not raised before; return how many. An alert is kept with its messages."""
    raised = 0
    with boxes() as box:
        for alert in box.noticed(since=now - FRESH_SECONDS, now=now):
            messages = []
            for preference in preferences:
                if not preference.wants(alert):
                    continue
                due_at = preference.due_at(alert.kind, now)
                messages += [
                    (message_id(preference, channel, alert, due_at), recipient, channel, due_at)
                    for recipient, channel in channels
                    if recipient == preference.recipient
                ]
            raised += box.add(alert, messages, now=now)
    return raised


def send_alerts(boxes: Boxes, channels: Channels, *, now: int) -> int:
    """Send what is due; return how many messages were taken.

    No transaction is open while a receiver is waited for.
    """
    with boxes() as box:
        waiting = box.due(now, recipients=list(channels), limit=_AT_A_TIME)
    sent = 0
    for message in waiting:
        try:
            channels[message.recipient, message.channel].send(message, now)
        except ReceiverAway:
            with boxes() as box:
                box.note_not_sent(message.message_id, retry_at=now + pause_seconds(message.attempts))
        else:
            with boxes() as box:
                box.note_sent(message.message_id, now=now)
            sent += 1
    return sent
