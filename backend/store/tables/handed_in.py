"""What was handed in, which is kept for ever, and what this server notes of its own work."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class AcceptedSegment(SQLModel, table=True):
    """A sealed segment that a device handed in; also the outbox: `state` says how far it got."""

    __tablename__ = "accepted_segment"
    __table_args__ = (
        UniqueConstraint("device", "first_seq"),
        Index("ix_accepted_segment_state", "state", "id"),
        # Answers when an entry arrived without reading past the words of its segment.
        Index("ix_accepted_segment_arrival", "device", "first_seq", "last_seq", "received_at"),
        # Lets anybody ask what became of all that was handed in since some day.
        Index("ix_accepted_segment_received", "received_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    receipt_id: str = Field(index=True)
    device: str
    first_seq: int = Field(sa_type=BigInteger)
    last_seq: int = Field(sa_type=BigInteger)
    words: bytes
    prev_head: bytes
    head: bytes
    x: bytes
    y: bytes
    r: bytes
    s: bytes
    assertion: bytes = b""
    received_at: int = Field(sa_type=BigInteger)
    state: str = "queued"
    attempts: int = 0
    reason: int | None = None


class KnownDevice(SQLModel, table=True):
    """A device whose enrolment this server has seen, on the ledger or on its way there."""

    __tablename__ = "known_device"

    device: str = Field(primary_key=True)
    organisation: str = Field(index=True)
    key_hash: str
    role: int
    not_after: int = Field(sa_type=BigInteger)
    is_revoked: bool = False
    origin: str | None = None
    registrar: str | None = None
    enrolled_seq: int | None = Field(default=None, sa_type=BigInteger)


class OutgoingTransaction(SQLModel, table=True):
    """A signed transaction, kept before it is sent."""

    __tablename__ = "outgoing_transaction"

    id: int | None = Field(default=None, primary_key=True)
    sender: str = Field(index=True)
    nonce: int = Field(sa_type=BigInteger, index=True)
    raw: bytes
    tx_hash: str = Field(unique=True)
    segment_ids: str
    lot: str | None = None
    state: str = Field(index=True)
    block_hash: str | None = None


class Lease(SQLModel, table=True):
    """Which process does a kind of work that only one may do; `until_ms` is in the database's own time."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True)
    holder: str
    term: int = Field(sa_type=BigInteger)
    until_ms: int = Field(sa_type=BigInteger)


class ContinuitySpan(SQLModel, table=True):
    """A stretch of time in which a server lived, the chain was silent, or segments waited too long.

    Written while it lasts, so `to_at` is the last that was seen of it; `is_over` once its end was seen too.
    """

    __tablename__ = "continuity_span"
    __table_args__ = (Index("ix_continuity_span_kind", "kind", "to_at"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    from_at: int = Field(sa_type=BigInteger)
    to_at: int = Field(sa_type=BigInteger)
    is_over: bool = False
    segments_max: int = 0
    age_max_seconds: int = Field(default=0, sa_type=BigInteger)


class Evidence(SQLModel, table=True):
    """The document and salt behind an entry's evidence digest; deleting the row erases it."""

    __tablename__ = "evidence"

    device: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    salt: bytes
    document: str


class Enrolment(SQLModel, table=True):
    """A one-time code under which a new device offers its key to a registrar."""

    __tablename__ = "enrolment"

    code: str = Field(primary_key=True)
    organisation: str
    role: int
    expires_at: int = Field(sa_type=BigInteger)
    x: bytes | None = None
    y: bytes | None = None
    device: str | None = None
    origin: str | None = None
    """The web origin of a passkey; none for a device's own key."""


class RenewalRequest(SQLModel, table=True):
    """A phone's next key, sealed by the one it has, until a registrar seals that it replaces the phone."""

    __tablename__ = "renewal_request"

    device: str = Field(primary_key=True)
    organisation: str = Field(index=True)
    key_hash: str
    x: bytes
    y: bytes
    r: bytes
    s: bytes
    asked_at: int = Field(sa_type=BigInteger)
