"""Rows, constraints, indexes.

Three groups: what was handed in (kept for ever), the directory of names (erasable, off chain), and the
books (folded from the ledger; may be dropped and rebuilt). Ids are hex text of full width.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, UniqueConstraint, text
from sqlmodel import Field, SQLModel

_IS_ANCHOR, _IS_DECLINE, _IS_GIVEN = text("kind = 17"), text("kind = 20"), text("status = 2")
_IS_UNANCHORED = text("anchor_seq IS NULL")

# --- handed in -------------------------------------------------------------------------------------------


class AcceptedSegment(SQLModel, table=True):
    """A sealed segment that a device handed in; also the outbox: `state` says how far it got."""

    __tablename__ = "accepted_segment"
    __table_args__ = (
        UniqueConstraint("device", "first_seq"),
        Index("ix_accepted_segment_state", "state", "id"),
        # Answers when an entry arrived without reading past the words of its segment.
        Index("ix_accepted_segment_arrival", "device", "first_seq", "last_seq", "received_at"),
        # Lets anybody ask what became of all that was handed in since some day.
        Index("ix_accepted_segment_received", "received_at"),
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
    assertion: bytes = b""
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
    origin: str | None = None
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


class Lease(SQLModel, table=True):
    """Which process does a kind of work that only one may do; `until_ms` is in the database's own time."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True)
    holder: str
    term: int = Field(sa_type=BigInteger)
    until_ms: int = Field(sa_type=BigInteger)


class ContinuitySpan(SQLModel, table=True):
    """A stretch of time in which a server lived, the chain was silent, or segments waited too long.

    Written while it lasts, so `to_at` is the last that was seen of it; `is_over` once its end was seen too.
    """

    __tablename__ = "continuity_span"
    __table_args__ = (Index("ix_continuity_span_kind", "kind", "to_at"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    from_at: int = Field(sa_type=BigInteger)
    to_at: int = Field(sa_type=BigInteger)
    is_over: bool = False
    segments_max: int = 0
    age_max_seconds: int = Field(default=0, sa_type=BigInteger)


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
    origin: str | None = None
    """The web origin of a passkey; none for a device's own key."""


# --- complaints: erasable, off chain -----------------------------------------------------------------------


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


# --- people of the console -------------------------------------------------------------------------------


class PersonRow(SQLModel, table=True):
    """Somebody who was invited; `invitation` is the digest of the secret that lets them in once."""

    __tablename__ = "person"

    id: str = Field(primary_key=True)
    name: str
    role: str
    organisation: str
    is_demo: bool = False
    invited_at: int = Field(sa_type=BigInteger)
    revoked_at: int | None = Field(default=None, sa_type=BigInteger)
    invitation: str | None = Field(default=None, unique=True)
    invitation_until: int = Field(sa_type=BigInteger)


class PersonPasskey(SQLModel, table=True):
    """A passkey that signs a person in, on pages of one origin."""

    __tablename__ = "person_passkey"

    credential_id: str = Field(primary_key=True)
    person: str = Field(foreign_key="person.id")
    origin: str
    x: bytes
    y: bytes
    uses: int = Field(sa_type=BigInteger)
    added_at: int = Field(sa_type=BigInteger)


class PersonIdentity(SQLModel, table=True):
    """The digest of what an identity provider calls a person."""

    __tablename__ = "person_identity"

    digest: str = Field(primary_key=True)
    person: str = Field(foreign_key="person.id")
    added_at: int = Field(sa_type=BigInteger)


class PersonSession(SQLModel, table=True):
    """A browser in which somebody is signed in; its token is kept as a digest only."""

    __tablename__ = "person_session"

    token_digest: str = Field(primary_key=True)
    id: str = Field(unique=True)
    person: str = Field(foreign_key="person.id", index=True)
    begun_at: int = Field(sa_type=BigInteger)
    seen_at: int = Field(sa_type=BigInteger)


class SignInAttempt(SQLModel, table=True):
    """A sign-in that waits for its answer."""

    __tablename__ = "sign_in_attempt"

    digest: str = Field(primary_key=True)
    browser: str
    expires_at: int = Field(sa_type=BigInteger, index=True)
    invitation: str
    verifier: str
    nonce: str
    next: str


class PageReadRow(SQLModel, table=True):
    """Who read which page and when; lines are only added, and each covers the one before it."""

    __tablename__ = "page_read"

    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: int = Field(sa_type=BigInteger)
    person: str = Field(foreign_key="person.id")
    page: str
    digest: bytes


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


class Disagreement(SQLModel, table=True):
    """A place where our own fold and the ledger's answer differ; must stay empty."""

    __tablename__ = "disagreement"

    id: int | None = Field(default=None, primary_key=True)
    block_number: int = Field(sa_type=BigInteger, index=True)
    device: str
    first_seq: int = Field(sa_type=BigInteger)
    ledger: str
    fold: str


# --- radar: found in the books, and found again when they are rebuilt -------------------------------------


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


# --- cases: found in the books, and found again when they are rebuilt --------------------------------------


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


# --- alerts: what was raised, and the messages that are sent of it ----------------------------------------


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


# --- tallies: counted in the books, and counted again when they are rebuilt -------------------------------


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


def table_of(model: type[SQLModel]) -> Table:
    """Return the table behind a row class, for statements that handle many rows at once."""
    table: Table = SQLModel.metadata.tables[str(model.__tablename__)]
    return table
