"""People of the console: who they are, how long they stay signed in, and what a secret of theirs is kept as."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from backend.domain.people_errors import BadName
from backend.domain.permissions import PersonRole

IDLE_SECONDS: Final = 2 * 3600
"""A session ends when nothing was asked in it for so long."""
SESSION_SECONDS: Final = 12 * 3600
"""A session ends so long after it began, whatever was asked."""
SEEN_EVERY_SECONDS: Final = 60
"""How exactly it is known when a session was last used: not every page is a row to write."""
INVITATION_SECONDS: Final = 72 * 3600
ATTEMPT_SECONDS: Final = 300
"""How long a person may take to answer with a passkey, or with an identity provider."""
NAME_CHARACTERS_MAX: Final = 60


@dataclass(frozen=True)
class Person:
    """Somebody who was invited. `id` is random; `name` is what the inviter calls them, and all that is known."""

    id: str
    name: str
    role: PersonRole
    organisation: int
    invited_at: int
    is_demo: bool = False
    revoked_at: int | None = None

    @property
    def may_sign_in(self) -> bool:
        """Whether nobody took it back."""
        return self.revoked_at is None


@dataclass(frozen=True)
class Session:
    """A browser in which somebody is signed in; `id` names it, its secret token is not kept."""

    id: str
    person: Person
    begun_at: int
    seen_at: int

    def ends_at(self) -> int:
        """Return when it ends (Unix seconds) unless it is used before."""
        return min(self.begun_at + SESSION_SECONDS, self.seen_at + IDLE_SECONDS)

    def is_over(self, now: int) -> bool:
        """Say whether it has ended by itself."""
        return now >= self.ends_at()


@dataclass(frozen=True)
class PageRead:
    """That somebody read a page. `digest` covers this line and the one before it: none can leave unseen."""

    number: int
    at: int
    person: str
    page: str
    digest: bytes

    def follows(self, before: PageRead | None) -> bool:
        """Say whether this line is what was written after the one before it."""
        number, digest = (0, b"") if before is None else (before.number, before.digest)
        return self.number == number + 1 and self.digest == read_digest(
            digest, number=self.number, at=self.at, person=self.person, page=self.page
        )


def read_digest(previous: bytes, *, number: int, at: int, person: str, page: str) -> bytes:
    """Return what binds a line of the log of reads to all lines before it (SHA-256)."""
    return hashlib.sha256(previous + f"{number}\n{at}\n{person}\n{page}".encode()).digest()


def require_name(text: str) -> str:
    """Return a display name without blanks around it.

    Raises:
        BadName: empty, longer than 60 characters, or with characters that cannot be printed.
    """
    name = text.strip()
    if not 0 < len(name) <= NAME_CHARACTERS_MAX or not name.isprintable():
        raise BadName
    return name


def secret_digest(purpose: str, secret: str) -> str:
    """Return what is kept of a random secret (hex): enough to recognise it, of no use to whoever reads it."""
    return hashlib.sha256(f"huanlian {purpose}\n{secret}".encode()).hexdigest()
