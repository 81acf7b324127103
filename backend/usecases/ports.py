"""What the use cases need of the database, as Protocols and the values that cross them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.domain.complaints import Case
from backend.domain.custody_state import Gap
from backend.domain.journal import Segment
from backend.domain.recorded import EntryId


@dataclass(frozen=True)
class KnownDevice:
    """A device whose enrolment has been seen."""

    device: int
    key_hash: int
    role: int
    not_after: int
    is_revoked: bool
    registrar: int | None
    enrolled_seq: int | None
    origin: int | None = None
    """Of a passkey: the digest of the web origin that it belongs to."""


@dataclass(frozen=True)
class Accepted:
    """A segment that was handed in, as it is kept; its fields are those of its upload receipt."""

    receipt_id: str
    segment: Segment
    last_seq: int
    prev_head: bytes
    head: bytes
    received_at: int


@dataclass(frozen=True)
class KnownJournal:
    """A device whose enrolment has been seen, and (last seq, head) of what is kept of its journal."""

    device: KnownDevice
    end: tuple[int, bytes] | None


class Intake(Protocol):
    """What was handed in. One value of it lives for one transaction."""

    def hold_journals(self, devices: Collection[int]) -> None:
        """Let nobody else write to these journals until the transaction ends."""

    def find_journals(self, devices: Collection[int]) -> Mapping[int, KnownJournal]:
        """Return the journals of those of these devices whose enrolment has been seen."""

    def hold_journal(self, device: int) -> None:
        """Let nobody else write to this journal until the transaction ends."""

    def find_device(self, device: int) -> KnownDevice | None:
        """Return a device whose enrolment has been seen."""

    def find_end(self, device: int) -> tuple[int, bytes] | None:
        """Return (last seq, head) of what is kept of a journal."""

    def find_open_gap(self, device: int, now: int) -> Gap | None:
        """Return the gap in a journal that was announced on the ledger and may be passed by now."""

    def find_covering(self, device: int, from_seq: int, to_seq: int) -> Sequence[Accepted]:
        """Return the kept segments that hold any of these entries, oldest first."""

    def find_lot_stream(self, device: int, *, before_seq: int, head: bytes) -> int | None:
        """Return the stream of the lot open before this entry; `head` is the journal's head there.

        A head stands for all that came before it, so what was found for one may be remembered.
        """

    def keep(self, accepted: Accepted) -> None:
        """Keep a segment and queue it for the chain."""

    def keep_evidence(self, device: int, seq: int, salt: bytes, document: str) -> None:
        """Keep the document behind an entry's digest."""

    def know_device(self, device: KnownDevice) -> None:
        """Remember a device that a registrar enrolled."""

    def forget_trust(self, device: int) -> None:
        """Remember that a device was revoked."""

    def find_streams(self, bins: Collection[int]) -> dict[int, int]:
        """Return the stream of each of these bins that exists."""


@dataclass(frozen=True)
class KeptPhoto:
    """A photo with the salt of its digest."""

    salt: bytes
    jpeg: bytes


@dataclass(frozen=True)
class KeptStatement:
    """A statement of a complaint as it is stored.

    `text` is None where there was none or it was erased; `photo` is only there when it is being kept. `anchor`
    is the entry that is said to hold the digest on the ledger.
    """

    number: int
    document: bytes
    salt: bytes
    digest: bytes
    text: str | None = None
    text_salt: bytes | None = None
    photo: KeptPhoto | None = None
    anchor: EntryId | None = None


class Complaints(Protocol):
    """Complaints, their statements and photos. One value of it lives for one transaction."""

    def find_case(self, code_digest: str) -> int | None:
        """Return the complaint that a code belongs to."""
        ...

    def count_since(self, bin_number: int, since: int) -> int:
        """Return how many complaints about a bin came since an instant."""
        ...

    def statements_of(self, case: int) -> list[KeptStatement]:
        """Return a complaint's statements in order; none where there is no such complaint."""
        ...

    def is_recorded(self, fact: EntryId) -> bool:
        """Say whether the ledger holds an entry."""
        ...

    def add(self, case: Case, report: KeptStatement, code_digest: str) -> None:
        """Keep a new complaint."""
        ...

    def append(self, case: Case, statement: KeptStatement) -> None:
        """Keep one more statement, and where it leaves the complaint."""
        ...


@dataclass(frozen=True)
class HotlineNews:
    """What the hotline is told of a complaint: where it stands, and no word of what anybody wrote."""

    case: int
    statements: int
    bin: int
    site: int
    kind: int
    reported_at: int
    stage: int
    owner: int
    due_at: int | None
    closed_at: int | None
    attempts: int


class HotlineAway(Exception):
    """The hotline did not take the news; it is tried again."""


class Hotline(Protocol):
    """The city's 12345 hotline."""

    def tell(self, news: HotlineNews) -> str:
        """Tell the hotline where a complaint stands; return the number of its work order.

        Raises:
            HotlineAway: it did not answer, or not as agreed.
        """
        ...
