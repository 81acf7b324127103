"""One-time codes under which a new device offers its key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from backend.domain.seal import key_hash
from backend.store.tables import Enrolment, KnownDevice, table_of

_ENROLMENTS, _DEVICES = table_of(Enrolment), table_of(KnownDevice)


@dataclass(frozen=True)
class EnrolmentRecord:
    """A code, the key offered under it, and the device it became."""

    code: str
    organisation: str
    role: int
    expires_at: int
    key: tuple[int, int] | None
    device: str | None
    origin: str | None = None
    """Of the page that made the passkey; None for a device's own key."""


class EnrolmentStore:
    """Enrolment codes within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, *, code: str, organisation: str, role: int, expires_at: int) -> None:
        """Keep a new code."""
        self._connection.execute(
            insert(_ENROLMENTS).values(code=code, organisation=organisation, role=role, expires_at=expires_at)
        )

    def find(self, code: str) -> EnrolmentRecord | None:
        """Return a code; `device` is set once a registrar has sealed an enrolment of the offered key."""
        row: Any = self._connection.execute(select(_ENROLMENTS).where(_ENROLMENTS.c.code == code)).one_or_none()
        if row is None:
            return None
        key = None
        device = None
        if row.x is not None:
            key = (int.from_bytes(row.x, "big"), int.from_bytes(row.y, "big"))
            device = find_enrolled(self._connection, row.organisation, f"{key_hash(*key):040x}")
        return EnrolmentRecord(code, row.organisation, row.role, row.expires_at, key, device, row.origin)

    def offer_key(self, code: str, x: int, y: int, origin: str | None = None) -> None:
        """Keep the key that a phone offers under a code, and the origin of one that is a passkey's."""
        self._connection.execute(
            update(_ENROLMENTS)
            .where(_ENROLMENTS.c.code == code)
            .values(x=x.to_bytes(32, "big"), y=y.to_bytes(32, "big"), origin=origin)
        )


def find_enrolled(connection: Connection, organisation: str, key: str) -> str | None:
    """Return the device that a registrar of the organisation enrolled with the key of this hash.

    A registrar may enrol one key twice, after a slip in the id for instance; the newest counts.
    """
    return connection.execute(
        select(_DEVICES.c.device)
        .where(
            _DEVICES.c.organisation == organisation,
            _DEVICES.c.key_hash == key,
            _DEVICES.c.registrar.is_not(None),
        )
        .order_by(_DEVICES.c.enrolled_seq.desc())
        .limit(1)
    ).scalar_one_or_none()
