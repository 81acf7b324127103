"""Rows, constraints, indexes.

Three groups: what was handed in (kept for ever), the directory of names (erasable, off chain), and the
books (folded from the ledger; may be dropped and rebuilt). Ids are hex text of full width.
"""

from __future__ import annotations

from sqlalchemy import Table
from sqlmodel import SQLModel

from backend.store.tables.alerts import AlertMessageItem, AlertMessageRow, RaisedAlert
from backend.store.tables.books import (
    Block,
    CustodyStep,
    Disagreement,
    LedgerSegment,
    LiftRun,
    LotLink,
    LotRow,
    LotRun,
    MassDay,
    MassMove,
    MassStretch,
    OpenedSite,
    PlacedBin,
    Placement,
    ProductAmount,
    RefusedSegment,
    Slot,
)
from backend.store.tables.cases import CaseFile, CasePass, CaseSpan
from backend.store.tables.complaints import Complaint, ComplaintPhoto, ComplaintStatement
from backend.store.tables.directory import BinLabel, CollectionPoint, OrganisationName, SiteName
from backend.store.tables.handed_in import (
    AcceptedSegment,
    ContinuitySpan,
    Enrolment,
    Evidence,
    KnownDevice,
    Lease,
    OutgoingTransaction,
    RenewalRequest,
)
from backend.store.tables.inspections import InspectionList, InspectionStatement
from backend.store.tables.people import (
    PageReadRow,
    PersonIdentity,
    PersonPasskey,
    PersonRow,
    PersonSession,
    SignInAttempt,
)
from backend.store.tables.radar import RadarFinding, RadarPass
from backend.store.tables.tallies import HeardTally, LiftTally, QuarterTally, TallyPass

__all__ = [
    "AcceptedSegment",
    "AlertMessageItem",
    "AlertMessageRow",
    "BinLabel",
    "Block",
    "CaseFile",
    "CasePass",
    "CaseSpan",
    "CollectionPoint",
    "Complaint",
    "ComplaintPhoto",
    "ComplaintStatement",
    "ContinuitySpan",
    "CustodyStep",
    "Disagreement",
    "Enrolment",
    "Evidence",
    "HeardTally",
    "InspectionList",
    "InspectionStatement",
    "KnownDevice",
    "Lease",
    "LedgerSegment",
    "LiftRun",
    "LiftTally",
    "LotLink",
    "LotRow",
    "LotRun",
    "MassDay",
    "MassMove",
    "MassStretch",
    "OpenedSite",
    "OrganisationName",
    "OutgoingTransaction",
    "PageReadRow",
    "PersonIdentity",
    "PersonPasskey",
    "PersonRow",
    "PersonSession",
    "PlacedBin",
    "Placement",
    "ProductAmount",
    "QuarterTally",
    "RadarFinding",
    "RadarPass",
    "RaisedAlert",
    "RefusedSegment",
    "RenewalRequest",
    "SignInAttempt",
    "SiteName",
    "Slot",
    "TallyPass",
    "table_of",
]


def table_of(model: type[SQLModel]) -> Table:
    """Return the table behind a row class, for statements that handle many rows at once."""
    table: Table = SQLModel.metadata.tables[str(model.__tablename__)]
    return table
