"""What the radar found in the books; found again when they are rebuilt."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel


class RadarFinding(SQLModel, table=True):
    """Something that looks wrong; subjects, evidence, numbers and doubted grams by lot are JSON."""

    __tablename__ = "radar_finding"
    __table_args__ = (
        Index("ix_radar_finding_newest", "at", "finding_id"),
        Index("ix_radar_finding_period", "sought_in", "period"),
    )

    finding_id: str = Field(primary_key=True)
    kind: str = Field(index=True)
    variant: str
    at: int = Field(sa_type=BigInteger)
    confidence_permille: int
    site: str | None = Field(default=None, index=True)
    subjects: str
    evidence: str
    numbers: str
    rule_id: str
    rule_version: int
    sought_in: str
    period: int = Field(sa_type=BigInteger)
    follows_from: str | None = Field(default=None, index=True)
    doubted_grams: str = "{}"


class RadarPass(SQLModel, table=True):
    """How far the radar has looked: the newest segment that it saw, the block it was in, and when it looked."""

    __tablename__ = "radar_pass"

    sought_in: str = Field(primary_key=True)
    segment_id: int = Field(sa_type=BigInteger)
    block_hash: str
    day: int = Field(sa_type=BigInteger)
    looked_at: int = Field(sa_type=BigInteger)
