"""Alerts that were raised, and the messages that are sent of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel


class RaisedAlert(SQLModel, table=True):
    """Something that somebody should look at; `about` is JSON of ids and codes."""

    __tablename__ = "alert"

    id: str = Field(primary_key=True)
    kind: str
    at: int = Field(sa_type=BigInteger)
    about: str
    path: str
    raised_at: int = Field(sa_type=BigInteger, index=True)


class AlertMessageRow(SQLModel, table=True):
    """A message to one recipient; an outbox: it stays until it was taken."""

    __tablename__ = "alert_message"
    __table_args__ = (Index("ix_alert_message_due", "sent_at", "retry_at"),)

    id: str = Field(primary_key=True)
    recipient: str
    channel: str
    due_at: int = Field(sa_type=BigInteger)
    retry_at: int = Field(sa_type=BigInteger)
    attempts: int = 0
    sent_at: int | None = Field(default=None, sa_type=BigInteger)


class AlertMessageItem(SQLModel, table=True):
    """Which alerts are in a message: one, or a day's."""

    __tablename__ = "alert_message_item"

    message_id: str = Field(primary_key=True, foreign_key="alert_message.id")
    alert_id: str = Field(primary_key=True, foreign_key="alert.id")
