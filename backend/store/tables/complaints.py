"""Complaints: erasable, off chain."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, text
from sqlmodel import Field, SQLModel

_IS_UNANCHORED = text("anchor_seq IS NULL")


class Complaint(SQLModel, table=True):
    """A complaint as it stands; folded from its statements and kept beside them for lists.

    `code_digest` recognises the complainant's code, which is not kept. `owner` has the present stage. `told`
    counts the statements that the 12345 hotline knows of.
    """

    __tablename__ = "complaint"
    __table_args__ = (
        Index("ix_complaint_bin", "bin", "reported_at"),
        Index("ix_complaint_stage", "closed_at", "due_at"),
    )

    id: str = Field(primary_key=True)
    code_digest: str = Field(unique=True)
    bin: str
    site: str
    kind: int
    reported_at: int = Field(sa_type=BigInteger)
    stage: int
    owner: str
    due_at: int | None = Field(default=None, sa_type=BigInteger)
    closed_at: int | None = Field(default=None, sa_type=BigInteger)
    statements: int
    told: int = 0
    hotline_order: str | None = Field(default=None, unique=True)
    hotline_attempts: int = 0
    hotline_retry_at: int = Field(default=0, sa_type=BigInteger)


class ComplaintStatement(SQLModel, table=True):
    """One statement of a complaint; `text` and its salt are erased together, the document stays checkable."""

    __tablename__ = "complaint_statement"
    # The few that wait for an anchor are asked for every two seconds.
    __table_args__ = (
        Index(
            "ix_complaint_statement_unanchored",
            "case_id",
            "number",
            sqlite_where=_IS_UNANCHORED,
            postgresql_where=_IS_UNANCHORED,
        ),
    )

    case_id: str = Field(primary_key=True, foreign_key="complaint.id")
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    document: bytes
    salt: bytes
    digest: bytes
    text: str | None = None
    text_salt: bytes | None = None
    anchor_device: str | None = None
    anchor_seq: int | None = Field(default=None, sa_type=BigInteger)


class ComplaintPhoto(SQLModel, table=True):
    """The photo of a statement, re-encoded; deleting the row erases it."""

    __tablename__ = "complaint_photo"

    case_id: str = Field(primary_key=True, foreign_key="complaint.id")
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    salt: bytes
    jpeg: bytes
