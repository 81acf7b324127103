"""The right to do work that only one process may do, of all that share a database.

Time is the database's: the processes may be on machines whose clocks differ. A holder that was away too long
may wake up and go on where it was, so whatever must be done by one alone asks `require` in the very transaction
that does it.
"""

from __future__ import annotations

import secrets
import time

from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from backend.store.session import Database
from backend.store.tables import Lease as LeaseRow
from backend.store.tables import table_of

_LEASES = table_of(LeaseRow)
LEASE_SECONDS = 5.0
_SURE_PART = 0.2
"""How much of a lease's time passes before it is asked for again; the rest is for work that takes longer."""

_NOW_MS = {
    "sqlite": text("SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"),
    "postgresql": text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"),
}


class LeaseLost(Exception):
    """Another process does this work now; what was about to be done was not."""


class Lease:
    """One process's claim to one kind of work."""

    def __init__(self, database: Database, name: str, *, seconds: float = LEASE_SECONDS) -> None:
        self._database, self._name, self._ms = database, name, int(seconds * 1000)
        self._holder = secrets.token_hex(8)
        self.term = 0
        """Counts the holders there have been; when it grows, somebody else may have worked in between."""
        self._sure_seconds, self._sure_until = seconds * _SURE_PART, 0.0

    def hold(self) -> bool:
        """Take or renew the lease; say whether this process may work.

        One that was renewed a moment ago is ours without asking: nobody else can have it until it runs out.
        """
        began = time.monotonic()
        if began < self._sure_until:
            return True
        self._sure_until = 0.0
        try:
            with self._database.transaction() as connection:
                is_held = self._hold(connection)
        except IntegrityError:  # two processes began at once, and the other was first
            return False
        if is_held:
            self._sure_until = began + self._sure_seconds
        return is_held

    def _hold(self, connection: Connection) -> bool:
        row = connection.execute(
            select(_LEASES).where(_LEASES.c.name == self._name).with_for_update()
        ).one_or_none()
        now = self._now(connection)
        if row is None:
            self.term = 1
            connection.execute(
                insert(_LEASES).values(
                    name=self._name, holder=self._holder, term=self.term, until_ms=now + self._ms
                )
            )
            return True
        is_mine = row.holder == self._holder
        if not is_mine and row.until_ms > now:
            return False
        self.term = row.term if is_mine else row.term + 1
        connection.execute(
            update(_LEASES)
            .where(_LEASES.c.name == self._name)
            .values(holder=self._holder, term=self.term, until_ms=now + self._ms)
        )
        return True

    def require(self, connection: Connection) -> None:
        """Renew the lease within a transaction that does what only its holder may.

        Raises:
            LeaseLost: somebody else has taken it since.
        """
        renewed = connection.execute(
            update(_LEASES)
            .where(_LEASES.c.name == self._name, _LEASES.c.holder == self._holder, _LEASES.c.term == self.term)
            .values(until_ms=self._now(connection) + self._ms)
        )
        if renewed.rowcount != 1:
            self._sure_until = 0.0
            raise LeaseLost(f"another process is to {self._name} now")

    def release(self) -> None:
        """Let somebody else begin at once."""
        self._sure_until = 0.0
        with self._database.transaction() as connection:
            connection.execute(
                update(_LEASES)
                .where(_LEASES.c.name == self._name, _LEASES.c.holder == self._holder)
                .values(until_ms=0)
            )

    def _now(self, connection: Connection) -> int:
        return int(connection.execute(_NOW_MS[connection.dialect.name]).scalar_one())
