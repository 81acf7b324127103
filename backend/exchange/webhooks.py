"""Alerts as signed webhooks, by the Standard Webhooks specification (https://www.standardwebhooks.com).

`webhook-signature` is "v1," and the base64 of HMAC-SHA256 over id, timestamp and body, joined by full stops. A
message that is sent again keeps its id; its timestamp is that of the attempt.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import orjson

from backend.domain.alerts import Alert, AlertMessage
from backend.usecases.alerts import ReceiverAway

_TIMEOUT_SECONDS: Final = 10.0


class Webhook:
    """Posts to one address; fulfils the use cases' `Channel`."""

    def __init__(self, url: str, secret: bytes) -> None:
        self._url, self._secret = url, secret
        self._client = httpx.Client(timeout=_TIMEOUT_SECONDS)

    def send(self, message: AlertMessage, now: int) -> None:
        """Post a message; anything but a 2xx is not taken, and no redirection is followed."""
        body = orjson.dumps(message_body(message))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message.message_id,
            "webhook-timestamp": str(now),
            "webhook-signature": signature_of(self._secret, message.message_id, now, body),
        }
        try:
            answer = self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise ReceiverAway(type(error).__name__) from error
        if not answer.is_success:
            raise ReceiverAway(f"status {answer.status_code}")


def signature_of(secret: bytes, message: str, timestamp: int, body: bytes) -> str:
    """Return the signature's header."""
    signed = f"{message}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def message_body(message: AlertMessage) -> dict[str, Any]:
    """Return what is posted: each alert with an id of its own, that tells it when it comes again."""
    return {"type": "huanlian.alerts", "data": {"alerts": [_alert(alert) for alert in message.alerts]}}


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.alert_id,
        "kind": str(alert.kind),
        "at": datetime.fromtimestamp(alert.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "about": dict(alert.about),
        "path": alert.path,
    }
