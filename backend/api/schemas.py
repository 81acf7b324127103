"""Request and response shapes; never imported by the domain."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


def _hex(digits: str) -> Any:
    return StringConstraints(pattern=rf"^[0-9a-f]{{{digits}}}$")


OrganisationText = Annotated[str, _hex("6")]
DeviceText = Annotated[str, _hex("16")]
LotText = Annotated[str, _hex("24")]
BinText = Annotated[str, _hex("10")]
Word = Annotated[str, _hex("64")]
AfterText = Annotated[str, _hex("0,24")]
Seq = Annotated[int, Field(ge=1, lt=1 << 40)]
MAX_WORDS_HEX = 256 * 255 * 64
KindName = Literal[
    "not-collected", "mixed-loading", "overflow", "smell-or-noise", "staff", "wrong-information", "other"
]


class Shape(BaseModel):
    """Every shape refuses fields it does not know."""

    model_config = ConfigDict(extra="forbid")


class PublicKey(Shape):
    """A P-256 public key."""

    x: Word
    y: Word


class SealShape(Shape):
    """A P-256 signature."""

    r: Word
    s: Word


class EvidenceShape(Shape):
    """The document behind an entry's evidence digest; kept off the chain, erasable."""

    seq: int = Field(ge=1, lt=1 << 40)
    salt: Annotated[str, _hex("32")]
    document: str = Field(max_length=65_536, pattern=r"^[^\x00]*$", description="canonical JSON (RFC 8785)")


class Upload(Shape):
    """A sealed segment of one device's journal."""

    device: DeviceText
    first_seq: int = Field(ge=1, lt=1 << 40)
    words: str = Field(
        pattern=r"^([0-9a-f]{64})+$",
        max_length=MAX_WORDS_HEX,
        description="entries, as docs/spec/entries.md packs them",
    )
    key: PublicKey
    seal: SealShape
    assertion: str = Field(
        default="", max_length=2048, pattern=r"^([0-9a-f]{2})*$", description="a passkey's, beside its seal"
    )
    evidence: list[EvidenceShape] = Field(default_factory=list, max_length=256)


class UploadBatch(Shape):
    """Many segments of any devices; each is read, and answered, for itself."""

    segments: list[Any] = Field(
        json_schema_extra={"minItems": 1}, description="uploads, as POST /segments takes them"
    )


class Receipt(Shape):
    """An upload receipt: what was kept, and when."""

    id: str
    device: DeviceText
    first_seq: int
    last_seq: int
    head: Word
    received_at: str


class OverdueReceipt(Shape):
    """An upload receipt that is not on the ledger; its device is not told."""

    id: str
    organisation: str
    received_at: str
    entries: int
    state: str
    reason: str | None


class OverdueAnswer(Shape):
    """Receipts older than so many minutes that are not on the ledger, the oldest first."""

    minutes: int
    receipts: list[OverdueReceipt]


class OutageShape(Shape):
    """A time in which the server did not run or the chain did not answer.

    `drained_at` is when nothing waited too long any more; `drain_seconds` is null while that or the outage lasts.
    """

    kind: Literal["server", "chain"]
    from_at: str
    to_at: str
    seconds: int
    is_running: bool
    drained_at: str | None
    drain_seconds: int | None


class BacklogShape(Shape):
    """A time in which segments waited too long for the chain: how many, and how old the oldest was."""

    from_at: str
    to_at: str
    is_running: bool
    segments_max: int
    age_max_seconds: int


class OutageSeconds(Shape):
    """Seconds of outage by what was not there; in `either` a second that both missed counts once."""

    server: int
    chain: int
    either: int


class WaitingShape(Shape):
    """What waits for the chain now; `overdue` receipts are listed under /receipts/overdue."""

    segments: int
    oldest_received_at: str | None
    oldest_age_seconds: int
    overdue: int


class AccountShape(Shape):
    """Where the segments are that were handed in during the period; the parts add up to `accepted`."""

    accepted: int
    on_ledger: int
    waiting: int
    refused: int
    in_block: int
    lost: int


class ContinuityAnswer(Shape):
    """The server's own record of its outages. `recorded_since` is null where nothing was written down yet.

    A server without a sign of life for more than `stale_seconds` counts as down, from its last sign on.
    """

    from_at: str
    to_at: str
    recorded_since: str | None
    observed_seconds: int
    stale_seconds: int
    outage_seconds: OutageSeconds
    outages: list[OutageShape]
    backlogs: list[BacklogShape]
    waiting: WaitingShape
    account: AccountShape


class WarningShape(Shape):
    """A soft fault; the entry is kept all the same."""

    pointer: str
    seq: int
    code: str
    message: str


class UploadAnswer(Shape):
    """The receipt, and what is strange about the entries."""

    receipt: Receipt
    warnings: list[WarningShape]


class OneAccepted(Shape):
    """The answer to one of many segments: 201 when it is new, 200 when it was known."""

    status: Literal[200, 201]
    receipt: Receipt
    warnings: list[WarningShape]


class OneRefused(Shape):
    """The answer to one of many segments that was refused; nothing of it is kept."""

    status: int
    problem: dict[str, Any]


class BatchAnswer(Shape):
    """The answers, in the order of the segments."""

    answers: list[OneAccepted | OneRefused]


class DomainShape(Shape):
    """The EIP-712 domain's name and version."""

    name: str
    version: str


class NetworkShape(Shape):
    """Where journals are recorded."""

    chain_id: int
    genesis_hash: str
    ledger: str
    actor_registry: str
    bin_registry: str
    ledger_versions: str
    domain: DomainShape
    finality: Literal["tag"] | int
    public_base_url: str
    nodes: list[str]
    now: str


class Position(Shape):
    """How far a journal is."""

    seq: int
    head: Word


class Certificate(Shape):
    """The registrar's sealed segment that holds a device's enrolment."""

    registrar: DeviceText
    first_seq: int
    words: str
    seq: int
    prev_head: Word
    key: PublicKey
    seal: SealShape


class DeviceShape(Shape):
    """A device, and how far its journal is."""

    device: DeviceText
    organisation: OrganisationText
    role: int
    not_after: int
    revoked: bool
    accepted: Position
    recorded: Position
    certificate: Certificate | None


class SegmentRange(Shape):
    """The segment an entry came in."""

    first_seq: int
    last_seq: int


class EntryShape(Shape):
    """One entry, and how far it got. Integers of more than 53 bits are decimal strings."""

    device: DeviceText
    seq: int
    kind: int
    kind_name: str
    fields: dict[str, int | str]
    occurred_at: str
    received_at: str | None
    recorded_at: str | None
    state: Literal["queued", "sent", "refused", "recorded", "included", "finalized"]
    outcome: str | None
    flaw: str | None
    tx_hash: str | None
    block_number: int | None
    block_hash: str | None
    blocks_to_final: int | None
    segment: SegmentRange


class EnrolmentRequest(Shape):
    """What a registrar's screen asks a code for."""

    organisation: OrganisationText
    role: int = Field(ge=1, le=5)


class EnrolmentCode(Shape):
    """A one-time code."""

    code: str
    expires_at: str


class OfferedKey(PublicKey):
    """A new device's public key; a passkey's names the origin of its page, which its registrar compares."""

    origin: str | None = Field(default=None, max_length=200, pattern=r"^https?://[a-z0-9.:\[\]-]+$")


class EnrolmentOffer(Shape):
    """What both screens show after a phone has offered its key."""

    state: str
    check: str


class EnrolmentShape(Shape):
    """How far an enrolment is."""

    code: str
    organisation: OrganisationText
    role: int
    state: Literal["open", "waiting", "approved", "expired"]
    key: PublicKey | None
    origin: str | None = None
    check: str | None
    device: DeviceText | None
    certificate: Certificate | None


class RenewalAsked(Shape):
    """A phone's next key, sealed by the one it has (docs/spec/renewal.md)."""

    key: PublicKey
    new_key: PublicKey
    seal: SealShape


class RenewalShape(Shape):
    """How far a phone's renewal is; when approved, with its next id and certificate."""

    device: DeviceText
    state: Literal["waiting", "approved"]
    asked_at: str
    renewed: DeviceText | None
    certificate: Certificate | None


class WaitingRenewal(Shape):
    """A request that waits for a registrar, with what the page needs to check it by itself."""

    device: DeviceText
    new_key: PublicKey
    seal: SealShape
    asked_at: str
    revoked: bool
    certificate: Certificate | None


class WaitingRenewals(Shape):
    """The requests of an organisation that no registrar has answered."""

    renewals: list[WaitingRenewal]


class HotlineComplaint(Shape):
    """A complaint that somebody telephoned; `text` names no caller."""

    bin: BinText
    kind: KindName
    text: str = Field(default="", max_length=500, pattern=r"^[^\x00]*$")


class HotlineStanding(Shape):
    """Where a complaint stands."""

    case: LotText
    order: str
    stage: str
    owner: OrganisationText
    reported_at: str
    due_at: str | None
    closed_at: str | None
    is_overdue: bool


class HotlineFiled(Shape):
    """A complaint that was taken; `code` is for the caller alone."""

    case: LotText
    code: str
    standing: HotlineStanding


class InspectionStatement(Shape):
    """A statement of a random inspection, and the entry in which its organisation sealed its digest."""

    device: DeviceText
    seq: Seq
    document: str = Field(max_length=65_536, description="canonical JSON (RFC 8785)")
    listed: list[Annotated[str, _hex("10,24")]] | None = Field(
        default=None, alias="list", description="with an opening: what is drawn from, ascending"
    )


class InspectionKept(Shape):
    """What became of a statement that was handed in."""

    inspection: LotText
    digest: Word
    is_new: bool
