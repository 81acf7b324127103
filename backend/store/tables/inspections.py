"""Inspections: what was stated of each, and the list it was drawn from."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class InspectionStatement(SQLModel, table=True):
    """A published statement of a random inspection; the entry is where its publisher says that its digest is."""

    __tablename__ = "inspection_statement"

    digest: str = Field(primary_key=True)
    inspection: str = Field(index=True)
    act: str
    document: bytes
    device: str
    seq: int = Field(sa_type=BigInteger)
    published_at: int = Field(sa_type=BigInteger)


class InspectionList(SQLModel, table=True):
    """The list that an inspection draws from: an item a line, as hex text."""

    __tablename__ = "inspection_list"

    inspection: str = Field(primary_key=True)
    lines: bytes
