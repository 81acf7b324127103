"""Tallies counted in the books; counted again when they are rebuilt."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer
from sqlmodel import Field, SQLModel


class LiftTally(SQLModel, table=True):
    """Lifts of a day or a month by crew's organisation, the street where the bin stands, and stream.

    `period` is a date or a month as text. `site` is "" for bins that nobody has placed. `delay_seconds` is the sum
    from the device's clock to the block.
    """

    __tablename__ = "lift_tally"
    __table_args__ = (Index("ix_lift_tally_site", "site", "period"),)

    period: str = Field(primary_key=True)
    site: str = Field(primary_key=True)
    organisation: str = Field(primary_key=True)
    stream: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    lifts: int = Field(sa_type=BigInteger)
    grams: int = Field(sa_type=BigInteger)
    clean: int = Field(sa_type=BigInteger)
    some_mixing: int = Field(sa_type=BigInteger)
    badly_mixed: int = Field(sa_type=BigInteger)
    wrong: int = Field(sa_type=BigInteger)
    declined: int = Field(sa_type=BigInteger)
    timely: int = Field(sa_type=BigInteger)
    delay_seconds: int = Field(sa_type=BigInteger)


class HeardTally(SQLModel, table=True):
    """Which bins of a street, or devices of an organisation, a day or a month has a lift of.

    `packed` holds their numbers in order, 8 bytes each. `owner` is "" for bins that nobody has placed. The kind
    `placed` counts the bins of a street by the day from which they stand there.
    """

    __tablename__ = "heard_tally"
    # Counts of a kind are answered without reading past the numbers beside them.
    __table_args__ = (Index("ix_heard_tally_kind", "kind", "period", "owner", "heard"),)

    period: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    owner: str = Field(primary_key=True)
    heard: int
    packed: bytes


class QuarterTally(SQLModel, table=True):
    """Lifts and grams of a street's day by quarter of an hour: see quarter_tallies.py for what is packed.

    `site` is "" for bins that nobody has placed.
    """

    __tablename__ = "quarter_tally"

    day: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    site: str = Field(primary_key=True)
    packed: bytes


class TallyPass(SQLModel, table=True):
    """How far lifts are counted: the newest segment, and the block it was in."""

    __tablename__ = "tally_pass"

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    segment_id: int = Field(sa_type=BigInteger)
    block_hash: str
    placed_block: int = Field(sa_type=BigInteger)
    """The newest block with a placement that was known when it was counted."""
