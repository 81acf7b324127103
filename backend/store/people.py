"""People of the console, their keys and sessions, and the log of what they read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from backend.domain.people import IDLE_SECONDS, SESSION_SECONDS, PageRead, Person, Session
from backend.domain.permissions import PersonRole
from backend.domain.types import organisation_text
from backend.store.tables import (
    PageReadRow,
    PersonIdentity,
    PersonPasskey,
    PersonRow,
    PersonSession,
    SignInAttempt,
    table_of,
)
from backend.usecases.people_ports import Attempt, KeptPasskey

_PERSONS, _PASSKEYS, _IDENTITIES = table_of(PersonRow), table_of(PersonPasskey), table_of(PersonIdentity)
_SESSIONS, _ATTEMPTS, _READS = table_of(PersonSession), table_of(SignInAttempt), table_of(PageReadRow)


@dataclass(frozen=True)
class PersonLine:
    """A person as lists show them: with how many keys, and until when their invitation is open."""

    person: Person
    passkeys: int
    identities: int
    invited_until: int | None


@dataclass(frozen=True)
class ReadLine:
    """A line of the log of reads, and who it was."""

    read: PageRead
    person: Person


class PeopleStore:
    """People within one transaction; fulfils the use cases' `People`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- persons and invitations ----------------------------------------------------------------------

    def add_person(self, person: Person, *, invitation: str, until: int) -> None:
        """Keep a person; an empty `invitation` is none."""
        self._connection.execute(
            insert(_PERSONS).values(
                id=person.id,
                name=person.name,
                role=person.role.value,
                organisation=organisation_text(person.organisation),
                is_demo=person.is_demo,
                invited_at=person.invited_at,
                invitation=invitation or None,
                invitation_until=until,
            )
        )

    def find_person(self, person: str) -> Person | None:
        """Return a person by id."""
        row = self._connection.execute(select(_PERSONS).where(_PERSONS.c.id == person)).one_or_none()
        return None if row is None else _person(row)

    def persons(self) -> list[PersonLine]:
        """Return everybody, the newest first."""
        passkeys = dict(self._counts(_PASSKEYS))
        identities = dict(self._counts(_IDENTITIES))
        rows = self._connection.execute(select(_PERSONS).order_by(_PERSONS.c.invited_at.desc(), _PERSONS.c.id))
        return [
            PersonLine(
                _person(row),
                passkeys.get(row.id, 0),
                identities.get(row.id, 0),
                None if row.invitation is None else row.invitation_until,
            )
            for row in rows
        ]

    def _counts(self, table: Any) -> list[tuple[str, int]]:
        rows = self._connection.execute(select(table.c.person, func.count()).group_by(table.c.person))
        return [(person, count) for person, count in rows]

    def find_invitation(self, invitation: str) -> tuple[Person, int] | None:
        """Return whom an open invitation is for, and until when it is good."""
        row = self._connection.execute(select(_PERSONS).where(_PERSONS.c.invitation == invitation)).one_or_none()
        return None if row is None else (_person(row), row.invitation_until)

    def use_invitation(self, invitation: str) -> bool:
        """Close an invitation; say whether it was open."""
        statement = update(_PERSONS).where(_PERSONS.c.invitation == invitation).values(invitation=None)
        return self._connection.execute(statement).rowcount == 1

    def revoke(self, person: str, at: int) -> None:
        """Take a person's keys, identities, invitation and sessions away, for good."""
        for table in (_PASSKEYS, _IDENTITIES, _SESSIONS):
            self._connection.execute(delete(table).where(table.c.person == person))
        first = func.coalesce(_PERSONS.c.revoked_at, at)
        self._connection.execute(
            update(_PERSONS).where(_PERSONS.c.id == person).values(invitation=None, revoked_at=first)
        )

    # --- keys and identities --------------------------------------------------------------------------

    def add_passkey(self, passkey: KeptPasskey, at: int) -> bool:
        """Keep a passkey; False where somebody has it already."""
        if self.find_passkey(passkey.credential_id) is not None:
            return False
        self._connection.execute(
            insert(_PASSKEYS).values(
                credential_id=passkey.credential_id.hex(),
                person=passkey.person.id,
                origin=passkey.origin,
                x=passkey.x.to_bytes(32, "big"),
                y=passkey.y.to_bytes(32, "big"),
                uses=passkey.count,
                added_at=at,
            )
        )
        return True

    def find_passkey(self, credential_id: bytes) -> KeptPasskey | None:
        """Return a passkey by what the browser finds it by; whoever uses it waits for others who do."""
        row: Any = self._connection.execute(
            select(_PASSKEYS, *_of_person())
            .join(_PERSONS, _PERSONS.c.id == _PASSKEYS.c.person)
            .where(_PASSKEYS.c.credential_id == credential_id.hex())
            .with_for_update()
        ).one_or_none()
        if row is None:
            return None
        x, y = int.from_bytes(row.x, "big"), int.from_bytes(row.y, "big")
        return KeptPasskey(credential_id, _joined_person(row), row.origin, x, y, row.uses)

    def count_passkey(self, credential_id: bytes, count: int) -> None:
        """Remember how often a passkey was used."""
        self._connection.execute(
            update(_PASSKEYS).where(_PASSKEYS.c.credential_id == credential_id.hex()).values(uses=count)
        )

    def add_identity(self, identity: str, person: str, at: int) -> bool:
        """Keep the digest of an identity; False where somebody has it already."""
        if self.find_identity(identity) is not None:
            return False
        self._connection.execute(insert(_IDENTITIES).values(digest=identity, person=person, added_at=at))
        return True

    def find_identity(self, identity: str) -> Person | None:
        """Return whose identity this is."""
        row = self._connection.execute(
            select(_PERSONS)
            .join(_IDENTITIES, _IDENTITIES.c.person == _PERSONS.c.id)
            .where(_IDENTITIES.c.digest == identity)
        ).one_or_none()
        return None if row is None else _person(row)

    # --- sessions -------------------------------------------------------------------------------------

    def add_session(self, token: str, session: Session) -> None:
        """Keep a session under the digest of its token."""
        self._connection.execute(
            insert(_SESSIONS).values(
                token_digest=token,
                id=session.id,
                person=session.person.id,
                begun_at=session.begun_at,
                seen_at=session.seen_at,
            )
        )

    def find_session(self, token: str) -> Session | None:
        """Return a session by the digest of its token."""
        found = self._sessions(_SESSIONS.c.token_digest == token)
        return found[0] if found else None

    def sessions_of(self, person: str) -> Sequence[Session]:
        """Return a person's sessions, the newest first."""
        return self._sessions(_SESSIONS.c.person == person)

    def _sessions(self, where: Any) -> list[Session]:
        rows: Any = self._connection.execute(
            select(_SESSIONS.c.id.label("session"), _SESSIONS.c.begun_at, _SESSIONS.c.seen_at, *_of_person())
            .join(_PERSONS, _PERSONS.c.id == _SESSIONS.c.person)
            .where(where)
            .order_by(_SESSIONS.c.begun_at.desc(), _SESSIONS.c.id)
        )
        return [Session(row.session, _joined_person(row), row.begun_at, row.seen_at) for row in rows]

    def see_session(self, session: str, at: int) -> None:
        """Remember that a session was used."""
        self._connection.execute(update(_SESSIONS).where(_SESSIONS.c.id == session).values(seen_at=at))

    def end_session(self, session: str, *, person: str) -> bool:
        """End a session of this person; say whether there was one."""
        statement = delete(_SESSIONS).where(_SESSIONS.c.id == session, _SESSIONS.c.person == person)
        return self._connection.execute(statement).rowcount == 1

    def end_sessions(self, person: str) -> None:
        """End all sessions of a person."""
        self._connection.execute(delete(_SESSIONS).where(_SESSIONS.c.person == person))

    def forget_over(self, now: int) -> None:
        """Forget sessions and attempts that are over."""
        begun_too_long_ago = _SESSIONS.c.begun_at <= now - SESSION_SECONDS
        seen_too_long_ago = _SESSIONS.c.seen_at <= now - IDLE_SECONDS
        self._connection.execute(delete(_SESSIONS).where(or_(begun_too_long_ago, seen_too_long_ago)))
        self._connection.execute(delete(_ATTEMPTS).where(_ATTEMPTS.c.expires_at <= now))

    # --- sign-ins that were begun ---------------------------------------------------------------------

    def add_attempt(self, attempt: Attempt) -> None:
        """Keep a sign-in that was begun."""
        self._connection.execute(insert(_ATTEMPTS).values(**vars(attempt)))

    def take_attempt(self, digest: str) -> Attempt | None:
        """Return a sign-in that was begun, and forget it; of two who take it at a time, one gets it."""
        row = self._connection.execute(
            select(_ATTEMPTS).where(_ATTEMPTS.c.digest == digest).with_for_update()
        ).one_or_none()
        if row is None:
            return None
        self._connection.execute(delete(_ATTEMPTS).where(_ATTEMPTS.c.digest == digest))
        return Attempt(**row._mapping)

    # --- what was read --------------------------------------------------------------------------------

    def last_read(self) -> PageRead | None:
        """Return the newest line of the log of reads."""
        row = self._connection.execute(select(_READS).order_by(_READS.c.number.desc()).limit(1)).one_or_none()
        return None if row is None else PageRead(**row._mapping)

    def add_read(self, read: PageRead) -> None:
        """Append a line to the log of reads."""
        self._connection.execute(insert(_READS).values(**vars(read)))

    def reads(self, *, offset: int, limit: int) -> list[ReadLine]:
        """Return lines of the log of reads, the newest first."""
        rows: Any = self._connection.execute(
            select(_READS, *_of_person())
            .join(_PERSONS, _PERSONS.c.id == _READS.c.person)
            .order_by(_READS.c.number.desc())
            .offset(offset)
            .limit(limit)
        )
        return [
            ReadLine(PageRead(row.number, row.at, row.person, row.page, row.digest), _joined_person(row))
            for row in rows
        ]

    def count_reads(self) -> int:
        """Return how many lines the log of reads has."""
        return int(self._connection.execute(select(func.count()).select_from(_READS)).scalar_one())


def _of_person() -> list[Any]:
    return [column.label(f"person_{column.name}") for column in _PERSONS.c]


def _joined_person(row: Any) -> Person:
    return _make_person({column.name: getattr(row, f"person_{column.name}") for column in _PERSONS.c})


def _person(row: Row[Any]) -> Person:
    return _make_person(dict(row._mapping))


def _make_person(row: dict[str, Any]) -> Person:
    return Person(
        id=row["id"],
        name=row["name"],
        role=PersonRole(row["role"]),
        organisation=int(row["organisation"], 16),
        invited_at=row["invited_at"],
        is_demo=row["is_demo"],
        revoked_at=row["revoked_at"],
    )
