"""Requests of phones for their next key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, exists, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from backend.domain.seal import key_hash
from backend.domain.types import device_text, organisation_of, organisation_text
from backend.store.enrolments import find_enrolled
from backend.store.tables import KnownDevice, RenewalRequest, table_of
from backend.usecases.renewals import Asked, Renewal

_RENEWALS, _DEVICES = table_of(RenewalRequest), table_of(KnownDevice)


class RenewalStore:
    """The requests within one transaction; fulfils `Renewals`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, device: int) -> Asked | None:
        """Return what a device has asked for, and what it became once a registrar has sealed the offered key."""
        row = self._connection.execute(
            select(_RENEWALS).where(_RENEWALS.c.device == device_text(device))
        ).one_or_none()
        if row is None:
            return None
        renewed = find_enrolled(self._connection, row.organisation, row.key_hash)
        return Asked(_renewal(row), None if renewed is None else int(renewed, 16))

    def keep(self, renewal: Renewal) -> None:
        """Keep a request, unless its device has one already."""
        make = sqlite_insert if self._connection.dialect.name == "sqlite" else postgresql_insert
        row = {
            "device": device_text(renewal.device),
            "organisation": organisation_text(organisation_of(renewal.device)),
            "key_hash": f"{key_hash(renewal.x, renewal.y):040x}",
            **{name: getattr(renewal, name).to_bytes(32, "big") for name in "xyrs"},
            "asked_at": renewal.asked_at,
        }
        self._connection.execute(make(_RENEWALS).values(row).on_conflict_do_nothing(index_elements=["device"]))

    def waiting(self, organisation: int, limit: int) -> Sequence[Renewal]:
        """Return an organisation's unanswered requests, oldest first, those of revoked devices last."""
        enrolled = _DEVICES.alias("enrolled")
        is_answered = exists().where(
            enrolled.c.organisation == _RENEWALS.c.organisation,
            enrolled.c.key_hash == _RENEWALS.c.key_hash,
            enrolled.c.registrar.is_not(None),
        )
        rows = self._connection.execute(
            select(_RENEWALS)
            .join(_DEVICES, _DEVICES.c.device == _RENEWALS.c.device)
            .where(_RENEWALS.c.organisation == organisation_text(organisation), ~is_answered)
            .order_by(_DEVICES.c.is_revoked, _RENEWALS.c.asked_at, _RENEWALS.c.device)
            .limit(limit)
        )
        return [_renewal(row) for row in rows]


def _renewal(row: Row[Any]) -> Renewal:
    x, y, r, s = (int.from_bytes(value, "big") for value in (row.x, row.y, row.r, row.s))
    return Renewal(int(row.device, 16), x, y, r, s, row.asked_at)
