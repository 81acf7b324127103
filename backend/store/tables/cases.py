"""Cases found in the books; found again when they are rebuilt."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer
from sqlmodel import Field, SQLModel


class CaseFile(SQLModel, table=True):
    """Something that waits, or waited, for somebody; entries, parties and numbers are JSON.

    `root` is what it was found in: a lot, a fact or a finding; all cases of one root are written together.
    """

    __tablename__ = "case_file"

    code: str = Field(primary_key=True)
    root: str = Field(index=True)
    kind: str
    subject_kind: str
    subject: str = Field(index=True)
    opened_at: int = Field(sa_type=BigInteger)
    entries: str
    parties: str
    numbers: str
    rule_id: str | None = None
    rule_version: int | None = None


class CaseSpan(SQLModel, table=True):
    """A stage of a case, from `from_at` until `until_at`, which is far away where nothing ends it."""

    __tablename__ = "case_span"
    __table_args__ = (
        Index("ix_case_span_waiting", "is_done", "until_at", "due_at"),
        Index("ix_case_span_done", "is_done", "from_at"),
    )

    code: str = Field(primary_key=True)
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    kind: str
    stage: str
    is_done: bool
    owner: str
    owner_role: int
    from_at: int = Field(sa_type=BigInteger)
    until_at: int = Field(sa_type=BigInteger)
    due_at: int | None = Field(default=None, sa_type=BigInteger)


class CasePass(SQLModel, table=True):
    """How far was looked for cases: the newest segment and block that were seen, and the radar's pass."""

    __tablename__ = "case_pass"

    name: str = Field(primary_key=True)
    segment_id: int = Field(sa_type=BigInteger)
    block_hash: str
    block_number: int = Field(sa_type=BigInteger)
    findings_at: int = Field(sa_type=BigInteger)
