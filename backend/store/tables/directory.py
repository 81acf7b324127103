"""The directory of names: erasable, off chain."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel


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
    __table_args__ = (
        UniqueConstraint("source", "code"),
        # How far a street reaches is answered without reading a row.
        Index("ix_collection_point_place", "site", "district", "lat", "lng"),
    )

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
