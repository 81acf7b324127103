"""What the use cases about people need of the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.domain.people import PageRead, Person, Session


@dataclass(frozen=True)
class KeptPasskey:
    """A person's passkey: the key, the origin it was made on and answers on, and its last count."""

    credential_id: bytes
    person: Person
    origin: str
    x: int
    y: int
    count: int


@dataclass(frozen=True)
class Attempt:
    """A sign-in that a browser has begun: the answer must come from the same browser, once, and in time.

    `browser` is the digest of that browser's own secret; `invitation` the digest of the one that it accepts, or
    empty; `verifier` and `nonce` are for an identity provider.
    """

    digest: str
    browser: str
    expires_at: int
    invitation: str = ""
    verifier: str = ""
    nonce: str = ""
    next: str = "/"


class People(Protocol):
    """People, their keys and sessions. One value of it lives for one transaction."""

    def add_person(self, person: Person, *, invitation: str, until: int) -> None:
        """Keep a person; an empty `invitation` is none."""
        ...

    def find_person(self, person: str) -> Person | None:
        """Return a person by id."""
        ...

    def find_invitation(self, invitation: str) -> tuple[Person, int] | None:
        """Return whom an open invitation is for, and until when it is good."""
        ...

    def use_invitation(self, invitation: str) -> bool:
        """Close an invitation; say whether it was open."""
        ...

    def revoke(self, person: str, at: int) -> None:
        """Take a person's keys, identities, invitation and sessions away, for good."""
        ...

    def add_passkey(self, passkey: KeptPasskey, at: int) -> bool:
        """Keep a passkey; False where somebody has it already."""
        ...

    def find_passkey(self, credential_id: bytes) -> KeptPasskey | None:
        """Return a passkey by what the browser finds it by."""
        ...

    def count_passkey(self, credential_id: bytes, count: int) -> None:
        """Remember how often a passkey was used."""
        ...

    def add_identity(self, identity: str, person: str, at: int) -> bool:
        """Keep the digest of an identity; False where somebody has it already."""
        ...

    def find_identity(self, identity: str) -> Person | None:
        """Return whose identity this is."""
        ...

    def add_session(self, token: str, session: Session) -> None:
        """Keep a session under the digest of its token."""
        ...

    def find_session(self, token: str) -> Session | None:
        """Return a session by the digest of its token."""
        ...

    def sessions_of(self, person: str) -> Sequence[Session]:
        """Return a person's sessions, the newest first."""
        ...

    def see_session(self, session: str, at: int) -> None:
        """Remember that a session was used."""
        ...

    def end_session(self, session: str, *, person: str) -> bool:
        """End a session of this person; say whether there was one."""
        ...

    def end_sessions(self, person: str) -> None:
        """End all sessions of a person."""
        ...

    def forget_over(self, now: int) -> None:
        """Forget sessions and attempts that are over."""
        ...

    def add_attempt(self, attempt: Attempt) -> None:
        """Keep a sign-in that was begun."""
        ...

    def take_attempt(self, digest: str) -> Attempt | None:
        """Return a sign-in that was begun, and forget it."""
        ...

    def last_read(self) -> PageRead | None:
        """Return the newest line of the log of reads."""
        ...

    def add_read(self, read: PageRead) -> None:
        """Append a line to the log of reads."""
        ...
