"""Who is alerted, of what, how and when: a JSON file that the operator writes (docs/alerts.md)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from backend.domain.alerts import AlertKind, Preference, UnusableAlerts
from backend.domain.strict_json import InvalidJson, read_json
from backend.exchange.mail import Mailbox, MailServer
from backend.exchange.webhooks import Webhook
from backend.usecases.alerts import Channel

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_SITE: Final = re.compile(r"[0-9a-f]{16}")
_SECRET_BYTES_MIN: Final = 24
_FILE_KEYS, _ROLE_KEYS = {"roles", "recipients", "smtp"}, {"kinds", "urgent"}
_RECIPIENT_KEYS = {"name", "role", "kinds", "urgent", "sites", "quiet", "digest", "webhook", "secret", "mail"}


@dataclass(frozen=True)
class AlertSettings:
    """What recipients prefer, and the ways to them by (recipient, channel)."""

    preferences: tuple[Preference, ...] = ()
    channels: Mapping[tuple[str, str], Channel] = field(default_factory=dict)


def load_alert_settings(path: Path, *, base_url: str) -> AlertSettings:
    """Return the settings in a file.

    Raises:
        UnusableAlerts: it is no JSON, or says something that cannot be meant. No secret is in the message.
    """
    try:
        return _read(read_json(path.read_bytes()), base_url)
    except InvalidJson as error:
        raise UnusableAlerts(f"{path.name}: {error}") from None
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise UnusableAlerts(f"{path.name}: {type(error).__name__}: {error}") from None


def _read(document: Any, base_url: str) -> AlertSettings:
    _require_keys("the file", document, _FILE_KEYS)
    roles = document["roles"]
    for name, role in roles.items():
        _require_keys(f"role {name}", role, _ROLE_KEYS)
    server = MailServer(**document["smtp"]) if "smtp" in document else None
    preferences: dict[str, Preference] = {}
    channels: dict[tuple[str, str], Channel] = {}
    for said in document["recipients"]:
        _require_keys(f"recipient {said['name']}", said, _RECIPIENT_KEYS)
        preference = _preference(said, roles[said["role"]])
        if preference.recipient in preferences:
            raise ValueError(f"two recipients are called {preference.recipient}")
        preferences[preference.recipient] = preference
        if "webhook" in said:
            channels[preference.recipient, "webhook"] = Webhook(said["webhook"], _secret(said["secret"]))
        if "mail" in said:
            if server is None:
                raise ValueError("a mail is asked for, but no smtp is there")
            channels[preference.recipient, "mail"] = Mailbox(server, said["mail"], base_url)
    return AlertSettings(tuple(preferences.values()), channels)


def _preference(said: Mapping[str, Any], role: Mapping[str, Any]) -> Preference:
    sites = frozenset(said.get("sites", ()))
    if any(not _SITE.fullmatch(site) for site in sites):
        raise ValueError("a site is not 16 hex digits")
    quiet = said.get("quiet")
    return Preference(
        said["name"],
        kinds=_kinds(said.get("kinds", role["kinds"])),
        sites=sites,
        quiet=None if quiet is None else (_minute(quiet[0]), _minute(quiet[1])),
        urgent=_kinds(said.get("urgent", role.get("urgent", ()))),
        digest_minute=_minute(said["digest"]) if "digest" in said else None,
    )


def _kinds(names: Any) -> frozenset[AlertKind]:
    return frozenset(AlertKind(name) for name in names)


def _minute(text: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time of day")
    return 60 * int(found[1]) + int(found[2])


def _secret(text: str) -> bytes:
    """Return the bytes of a secret as Standard Webhooks writes it: whsec_ and base64."""
    try:
        secret = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, AttributeError):
        secret = b""
    if len(secret) < _SECRET_BYTES_MIN:
        raise ValueError(f"a secret is not whsec_ and the base64 of at least {_SECRET_BYTES_MIN} bytes")
    return secret


def _require_keys(where: str, found: Mapping[str, Any], known: set[str]) -> None:
    unknown = set(found) - known
    if unknown:
        raise ValueError(f"{where} has the unknown {', '.join(sorted(unknown))}")
