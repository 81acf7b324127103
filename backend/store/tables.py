"""Rows, constraints, indexes.

Three groups: what was handed in (kept for ever), the directory of names (erasable, off chain), and the
books (folded from the ledger; may be dropped and rebuilt). Ids are hex text of full width.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, UniqueConstraint
from sqlmodel import Field, SQLModel

# --- handed in -------------------------------------------------------------------------------------------


class AcceptedSegment(SQLModel, table=True):
    """A sealed segment that a device handed in; also the outbox: `state` says how far it got."""

    __tablename__ = "accepted_segment"
    __table_args__ = (
        UniqueConstraint("device", "first_seq"),
        Index("ix_accepted_segment_state", "state", "id"),
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


# --- directory -------------------------------------------------------------------------------------------


class OrganisationName(SQLModel, table=True):
    """What people call an organisation."""

    __tablename__ = "organisation_name"

    organisation: str = Field(primary_key=True)
    name_zh: str
    name_en: str
    part: str = ""


class SiteName(SQLModel, table=True):
    """What people call a site, and where it is."""

    __tablename__ = "site_name"

    site: str = Field(primary_key=True)
    organisation: str = Field(index=True)
    kind: int
    name_zh: str
    name_en: str
    parent: str | None = None
    lat: float | None = None
    lng: float | None = None
    facts: str = "{}"


class CollectionPoint(SQLModel, table=True):
    """Where bins stand."""

    __tablename__ = "collection_point"
    __table_args__ = (UniqueConstraint("source", "code"),)

    id: int | None = Field(default=None, primary_key=True)
    source: str
    code: str
    site: str | None = Field(default=None, index=True)
    name_zh: str
    name_en: str = ""
    address: str = ""
    district: str = ""
    lat: float | None = None
    lng: float | None = None
    streams: str = ""
    details: str = "{}"


class BinLabel(SQLModel, table=True):
    """A bin: its number on the ledger, the serial on its label, its stream and its place."""

    __tablename__ = "bin_label"

    number: str = Field(primary_key=True)
    serial: str
    serial_digest: str = Field(unique=True)
    stream: int
    site: str = Field(index=True)
    point_id: int | None = Field(default=None, foreign_key="collection_point.id", index=True)
    placed_from: int = Field(default=0, sa_type=BigInteger)


# --- books -----------------------------------------------------------------------------------------------


class Block(SQLModel, table=True):
    """A block the books have folded, or the newest one of an empty range."""

    __tablename__ = "block"

    number: int = Field(primary_key=True, sa_type=BigInteger)
    hash: str
    parent_hash: str
    timestamp: int = Field(sa_type=BigInteger)


class LedgerSegment(SQLModel, table=True):
    """A segment as the ledger recorded it, with one outcome byte an entry."""

    __tablename__ = "ledger_segment"
    __table_args__ = (UniqueConstraint("device", "first_seq"),)

    id: int | None = Field(default=None, primary_key=True)
    device: str
    first_seq: int = Field(sa_type=BigInteger)
    last_seq: int = Field(sa_type=BigInteger)
    words: bytes
    outcomes: bytes
    prev_head: bytes
    head: bytes
    seal: bytes
    block_number: int = Field(sa_type=BigInteger, index=True)
    block_hash: str
    block_time: int = Field(sa_type=BigInteger)
    tx_hash: str
    log_index: int


class LiftRow(SQLModel, table=True):
    """Where the lifts of a bin are: a position in a ledger segment. The key is the whole row."""

    __tablename__ = "lift"
    __table_args__ = {"sqlite_with_rowid": False}

    bin: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    segment_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    position: int = Field(primary_key=True)


class LotRun(SQLModel, table=True):
    """A run of lifts of one segment that went into one lot."""

    __tablename__ = "lot_run"

    lot: str = Field(primary_key=True)
    segment_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    first_position: int = Field(primary_key=True)
    last_position: int
    applied: int
    grams: int = Field(sa_type=BigInteger)


class CustodyStep(SQLModel, table=True):
    """An entry other than a lift, as the ledger answered it (and answered it again when it settled)."""

    __tablename__ = "custody_step"
    __table_args__ = (Index("ix_custody_step_lot", "lot"), Index("ix_custody_step_into", "into_lot"))

    device: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    kind: int
    segment_id: int = Field(sa_type=BigInteger, index=True)
    lot: str | None = None
    into_lot: str | None = None
    outcome: int
    recorded_outcome: int
    settled_block: int | None = Field(default=None, sa_type=BigInteger)


class LotRow(SQLModel, table=True):
    """A lot as it stands now."""

    __tablename__ = "lot"
    __table_args__ = (Index("ix_lot_given_to", "given_to_organisation", "status"),)

    lot: str = Field(primary_key=True)
    holder: str = Field(index=True)
    grams: int = Field(sa_type=BigInteger)
    lifts: int = Field(sa_type=BigInteger)
    stream: int
    status: int
    pendings: int
    given_to: str | None = None
    given_to_organisation: str | None = None
    give_seq: int | None = Field(default=None, sa_type=BigInteger)
    give_head13: str | None = None


class Slot(SQLModel, table=True):
    """One value of the fold's state as of a block; the newest is in force, older ones allow a rollback."""

    __tablename__ = "slot"

    name: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    block_number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False, index=True))
    value: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))


class RefusedSegment(SQLModel, table=True):
    """The ledger's public note that it refused a segment."""

    __tablename__ = "refused_segment"

    id: int | None = Field(default=None, primary_key=True)
    device: str
    first_seq: int = Field(sa_type=BigInteger)
    reason: int
    block_number: int = Field(sa_type=BigInteger, index=True)
    tx_hash: str


class PlacedBin(SQLModel, table=True):
    """A bin as the chain says it was placed."""

    __tablename__ = "placed_bin"

    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    serial_digest: str = Field(primary_key=True)
    site: str = Field(index=True)
    stream: int
    placed_from: int = Field(sa_type=BigInteger)
    block_number: int = Field(sa_type=BigInteger, index=True)
    tx_hash: str


class Disagreement(SQLModel, table=True):
    """A place where our own fold and the ledger's answer differ; must stay empty."""

    __tablename__ = "disagreement"

    id: int | None = Field(default=None, primary_key=True)
    block_number: int = Field(sa_type=BigInteger, index=True)
    device: str
    first_seq: int = Field(sa_type=BigInteger)
    ledger: str
    fold: str


def table_of(model: type[SQLModel]) -> Table:
    """Return the table behind a row class, for statements that handle many rows at once."""
    table: Table = SQLModel.metadata.tables[str(model.__tablename__)]
    return table
