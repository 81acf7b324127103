"""What became of a give: the entry of the same lot that ended it, if any."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from backend.domain.layout import Kind
from backend.domain.recorded import RecordedEntry
from backend.domain.types import Outcome


class HandoffEnd(Enum):
    """What became of a give."""

    AWAITING = "nobody has taken it yet"
    TAKEN = "it was taken whole"
    TAKEN_IN_PART = "it was taken in part"
    REFUSED = "the receiver refused it"
    WITHDRAWN = "the giver took it back"
    REDIRECTED = "the giver sent it elsewhere"


def end_of_give(give: RecordedEntry, entries: Iterable[RecordedEntry]) -> tuple[HandoffEnd, RecordedEntry | None]:
    """Return how a give ended, and the entry that ended it (None: awaiting); `entries` in the ledger's order."""
    lot = give.fields["lot"]
    for entry in entries:
        if entry.outcome != Outcome.APPLIED or entry.fields.get("lot") != lot:
            continue
        fields, kind = entry.fields, entry.entry.kind
        if kind in (Kind.TAKE, Kind.REFUSE) and (fields["giver"], fields["give_seq"]) == give.entry_id:
            if kind == Kind.REFUSE:
                return HandoffEnd.REFUSED, entry
            return (HandoffEnd.TAKEN_IN_PART if fields["into"] else HandoffEnd.TAKEN), entry
        if entry.device != give.device:
            continue
        if kind == Kind.WITHDRAW and fields["undone_seq"] == give.entry_id.seq:
            return HandoffEnd.WITHDRAWN, entry
        if kind == Kind.REDIRECT and fields["give_seq"] == give.entry_id.seq:
            return HandoffEnd.REDIRECTED, entry
    return HandoffEnd.AWAITING, None
