"""People of the console: who they are, their sessions, and what they read."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel


class PersonRow(SQLModel, table=True):
    """Somebody who was invited; `invitation` is the digest of the secret that lets them in once."""

    __tablename__ = "person"

    id: str = Field(primary_key=True)
    name: str
    role: str
    organisation: str
    is_demo: bool = False
    invited_at: int = Field(sa_type=BigInteger)
    revoked_at: int | None = Field(default=None, sa_type=BigInteger)
    invitation: str | None = Field(default=None, unique=True)
    invitation_until: int = Field(sa_type=BigInteger)


class PersonPasskey(SQLModel, table=True):
    """A passkey that signs a person in, on pages of one origin."""

    __tablename__ = "person_passkey"

    credential_id: str = Field(primary_key=True)
    person: str = Field(foreign_key="person.id")
    origin: str
    x: bytes
    y: bytes
    uses: int = Field(sa_type=BigInteger)
    added_at: int = Field(sa_type=BigInteger)


class PersonIdentity(SQLModel, table=True):
    """The digest of what an identity provider calls a person."""

    __tablename__ = "person_identity"

    digest: str = Field(primary_key=True)
    person: str = Field(foreign_key="person.id")
    added_at: int = Field(sa_type=BigInteger)


class PersonSession(SQLModel, table=True):
    """A browser in which somebody is signed in; its token is kept as a digest only."""

    __tablename__ = "person_session"

    token_digest: str = Field(primary_key=True)
    id: str = Field(unique=True)
    person: str = Field(foreign_key="person.id", index=True)
    begun_at: int = Field(sa_type=BigInteger)
    seen_at: int = Field(sa_type=BigInteger)


class SignInAttempt(SQLModel, table=True):
    """A sign-in that waits for its answer."""

    __tablename__ = "sign_in_attempt"

    digest: str = Field(primary_key=True)
    browser: str
    expires_at: int = Field(sa_type=BigInteger, index=True)
    invitation: str
    verifier: str
    nonce: str
    next: str


class PageReadRow(SQLModel, table=True):
    """Who read which page and when; lines are only added, and each covers the one before it."""

    __tablename__ = "page_read"

    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: int = Field(sa_type=BigInteger)
    person: str = Field(foreign_key="person.id")
    page: str
    digest: bytes
