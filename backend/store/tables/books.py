"""The books: folded from the ledger; may be dropped and rebuilt."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

_IS_ANCHOR = text("kind = 17")
_IS_DECLINE = text("kind = 20")
_IS_GIVEN = text("status = 2")


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
    assertion: bytes = b""
    block_number: int = Field(sa_type=BigInteger, index=True)
    block_hash: str
    block_time: int = Field(sa_type=BigInteger)
    tx_hash: str
    log_index: int
    lifts_to: int = Field(default=0, sa_type=BigInteger)
    """How many lifts all segments hold up to and with this one."""


class LiftRun(SQLModel, table=True):
    """Some of the lifts of a run of segments, sorted by bin from `first_bin` on: see lift_runs.py."""

    __tablename__ = "lift_run"

    level: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    first_bin: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    packed: bytes


class LotRun(SQLModel, table=True):
    """A run of lifts of one segment that went into one lot."""

    __tablename__ = "lot_run"

    lot: str = Field(primary_key=True)
    segment_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False, index=True))
    first_position: int = Field(primary_key=True)
    last_position: int
    applied: int
    grams: int = Field(sa_type=BigInteger)


class CustodyStep(SQLModel, table=True):
    """An entry other than a lift, as the ledger answered it (and answered it again when it settled).

    `about` is the entry that an amendment, a dispute or an acknowledgement names.
    """

    __tablename__ = "custody_step"
    __table_args__ = (
        Index("ix_custody_step_lot", "lot"),
        Index("ix_custody_step_into", "into_lot"),
        Index("ix_custody_step_about", "about_device", "about_seq"),
        Index("ix_custody_step_settled", "settled_block"),
        Index("ix_custody_step_anchor", "segment_id", sqlite_where=_IS_ANCHOR, postgresql_where=_IS_ANCHOR),
        Index("ix_custody_step_decline", "segment_id", sqlite_where=_IS_DECLINE, postgresql_where=_IS_DECLINE),
    )

    device: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    kind: int
    segment_id: int = Field(sa_type=BigInteger, index=True)
    lot: str | None = None
    into_lot: str | None = None
    outcome: int
    flaw: int = 0
    recorded_outcome: int
    settled_block: int | None = Field(default=None, sa_type=BigInteger)
    settled_at: int | None = Field(default=None, sa_type=BigInteger)
    about_device: str | None = None
    about_seq: int | None = Field(default=None, sa_type=BigInteger)


class LotLink(SQLModel, table=True):
    """What an entry, once applied, makes of one lot out of another: by merge, split, take in part, transform."""

    __tablename__ = "lot_link"
    __table_args__ = (Index("ix_lot_link_into", "into_lot"),)

    lot: str = Field(primary_key=True)
    into_lot: str = Field(primary_key=True)
    device: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    segment_id: int = Field(sa_type=BigInteger, index=True)


class LotRow(SQLModel, table=True):
    """A lot as it stands now."""

    __tablename__ = "lot"
    __table_args__ = (
        Index("ix_lot_given_to", "given_to_organisation", "status"),
        Index("ix_lot_offered", "lot", sqlite_where=_IS_GIVEN, postgresql_where=_IS_GIVEN),
    )

    lot: str = Field(primary_key=True)
    holder: str = Field(index=True)
    grams: int = Field(sa_type=BigInteger)
    lifts: int = Field(sa_type=BigInteger)
    stream: int
    status: int
    pendings: int
    shut: bool = False
    mixture: int = 0
    given_to: str | None = None
    given_to_organisation: str | None = None
    give_seq: int | None = Field(default=None, sa_type=BigInteger)
    give_head13: str | None = None


class OpenedSite(SQLModel, table=True):
    """A site as a registrar of its organisation sealed it."""

    __tablename__ = "opened_site"

    device: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    site: str = Field(index=True)
    organisation: str
    site_kind: int
    block_number: int = Field(sa_type=BigInteger, index=True)


class MassMove(SQLModel, table=True):
    """What one entry does to one lot at one place, in the ledger's order: see docs/spec/mass-balance.md."""

    __tablename__ = "mass_move"
    __table_args__ = (
        Index("ix_mass_move_figure", "day", "flow", "organisation", "site", "stream"),
        Index("ix_mass_move_lot", "lot"),
    )

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    device: str
    seq: int = Field(sa_type=BigInteger)
    lot: str
    organisation: str
    site: str
    stream: int
    occurred_at: int = Field(sa_type=BigInteger)
    day: int
    recorded_day: int
    flow: int
    grams: int = Field(sa_type=BigInteger)
    delta: int = Field(sa_type=BigInteger)
    basis: int
    given: int = Field(sa_type=BigInteger)
    given_basis: int
    block_number: int = Field(sa_type=BigInteger, index=True)


class MassDay(SQLModel, table=True):
    """The sums of a day's moves by place, stream and flow; no row of them is without a fact."""

    __tablename__ = "mass_day"

    day: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    organisation: str = Field(primary_key=True)
    site: str = Field(primary_key=True)
    stream: int = Field(primary_key=True)
    flow: int = Field(primary_key=True)
    is_late: bool = Field(primary_key=True)
    grams: int = Field(sa_type=BigInteger)
    delta: int = Field(sa_type=BigInteger)
    given: int = Field(sa_type=BigInteger)
    facts: int = Field(sa_type=BigInteger)


class ProductAmount(SQLModel, table=True):
    """What an applied transformation made, or a closed lot left as.

    `fate` is 0 for what was made; `source` the lot that was worked or closed, `lot` what came of it ("" for
    energy, gas and water). `amount` is in the product's own unit.
    """

    __tablename__ = "product_amount"
    __table_args__ = (
        Index("ix_product_amount_figure", "site", "day", "product"),
        Index("ix_product_amount_source", "source"),
    )

    device: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    place: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    source: str
    lot: str
    organisation: str
    site: str
    stream: int
    occurred_at: int = Field(sa_type=BigInteger)
    day: int
    product: int
    amount: int = Field(sa_type=BigInteger)
    fate: int
    block_number: int = Field(sa_type=BigInteger, index=True)


class MassStretch(SQLModel, table=True):
    """What stocks changed by in 32 days, so that no opening asks for every day there was."""

    __tablename__ = "mass_stretch"

    stretch: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    organisation: str = Field(primary_key=True)
    site: str = Field(primary_key=True)
    stream: int = Field(primary_key=True)
    delta: int = Field(sa_type=BigInteger)
    facts: int = Field(sa_type=BigInteger)


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


class Placement(SQLModel, table=True):
    """Bins that the registry announced, with the sealed entry that attests them.

    `packed` are 43 bytes a bin, in the order that the entry's digest is of: docs/spec/entries.md, "Labels".
    """

    __tablename__ = "placement"

    device: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    site: str = Field(index=True)
    packed: bytes
    block_number: int = Field(sa_type=BigInteger, index=True)


class Disagreement(SQLModel, table=True):
    """A place where our own fold and the ledger's answer differ; must stay empty."""

    __tablename__ = "disagreement"

    id: int | None = Field(default=None, primary_key=True)
    block_number: int = Field(sa_type=BigInteger, index=True)
    device: str
    first_seq: int = Field(sa_type=BigInteger)
    ledger: str
    fold: str
