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
    evidence: list[EvidenceShape] = Field(default_factory=list, max_length=256)


class Receipt(Shape):
    """An upload receipt: what was kept, and when."""

    id: str
    device: DeviceText
    first_seq: int
    last_seq: int
    head: Word
    received_at: str


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
    finality_depth: int
    public_base_url: str
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
    tx_hash: str | None
    block_number: int | None
    block_hash: str | None
    segment: SegmentRange


class EnrolmentRequest(Shape):
    """What a registrar's screen asks a code for."""

    organisation: OrganisationText
    role: int = Field(ge=1, le=5)


class EnrolmentCode(Shape):
    """A one-time code."""

    code: str
    expires_at: str


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
    check: str | None
    device: DeviceText | None
    certificate: Certificate | None
