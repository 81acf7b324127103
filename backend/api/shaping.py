"""Domain values and views → response shapes."""

from __future__ import annotations

from dataclasses import asdict, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

from backend.api.schemas import (
    AccountShape,
    BacklogShape,
    Certificate,
    ContinuityAnswer,
    EntryShape,
    OutageSeconds,
    OutageShape,
    PublicKey,
    Receipt,
    SealShape,
    SegmentRange,
    WaitingShape,
)
from backend.domain.types import Flaw, Outcome, device_text
from backend.usecases.continuity import Continuity
from backend.usecases.ports import Accepted
from backend.usecases.views import EntryView

_SAFE_INTEGER = 1 << 53
_OUTCOME_NAMES = {int(outcome): outcome.name.lower() for outcome in Outcome}
_FLAW_NAMES = {int(flaw): flaw.name.lower() for flaw in Flaw if flaw}
_ID_DIGITS = {
    "bin": 10, "lot": 24, "into": 24,
    "to": 16, "giver": 16, "weigher": 16, "device": 16, "vehicle": 16, "site": 16,
    "principal": 16, "parent": 16, "replaced": 16, "origin": 16,
    "give_head": 64, "to_head": 64, "lifts_root": 64, "digest": 64, "hash": 64,
    "head": 64, "before": 64, "x": 64, "y": 64,
    "r": 64, "s": 64, "value": 64, "ledger": 40, "head17": 34,
    "evidence": 30,
}  # fmt: skip


def instant(unix_seconds: int) -> str:
    """Return an RFC 3339 instant in UTC."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def maybe_instant(unix_seconds: int | None) -> str | None:
    """Return an instant, or None for none; a device's clock may say a time that no calendar holds."""
    if unix_seconds is None:
        return None
    try:
        return instant(unix_seconds)
    except (OverflowError, ValueError):
        return None


def outcome_name(outcome: int | None) -> str | None:
    """Return the outcome's word; None for none, and for one that a lying node made up."""
    return None if outcome is None else _OUTCOME_NAMES.get(outcome)


def receipt_shape(accepted: Accepted) -> Receipt:
    """Return an upload receipt."""
    return Receipt(
        id=accepted.receipt_id,
        device=device_text(accepted.segment.device),
        first_seq=accepted.segment.first_seq,
        last_seq=accepted.last_seq,
        head=accepted.head.hex(),
        received_at=instant(accepted.received_at),
    )


def continuity_shape(found: Continuity, stale_seconds: int) -> ContinuityAnswer:
    """Return an account of outages."""
    oldest = found.waiting.oldest_received_at
    return ContinuityAnswer(
        from_at=instant(found.from_at),
        to_at=instant(found.to_at),
        recorded_since=maybe_instant(found.since),
        observed_seconds=found.observed_seconds,
        stale_seconds=stale_seconds,
        outage_seconds=OutageSeconds(
            server=found.server_seconds, chain=found.chain_seconds, either=found.either_seconds
        ),
        outages=[
            OutageShape(
                kind=outage.kind.value,
                from_at=instant(outage.from_at),
                to_at=instant(outage.to_at),
                seconds=outage.seconds,
                is_running=outage.is_running,
                drained_at=maybe_instant(outage.drained_at),
                drain_seconds=outage.drain_seconds,
            )
            for outage in found.outages
        ],
        backlogs=[
            BacklogShape(
                from_at=instant(span.from_at),
                to_at=instant(span.to_at),
                is_running=span.is_running,
                segments_max=span.segments_max,
                age_max_seconds=span.age_max_seconds,
            )
            for span in found.backlogs
        ],
        waiting=WaitingShape(
            segments=found.waiting.segments,
            oldest_received_at=maybe_instant(oldest),
            oldest_age_seconds=0 if oldest is None else max(found.to_at - oldest, 0),
            overdue=found.waiting.overdue,
        ),
        account=AccountShape(**asdict(found.account)),
    )


def field_value(name: str, value: int) -> int | str:
    """Return an entry's field: ids and hashes as hex, other large integers as decimal text."""
    digits = _ID_DIGITS.get(name)
    if digits is not None:
        return f"{value:0{digits}x}"
    return value if value < _SAFE_INTEGER else str(value)


def entry_shape(view: EntryView) -> EntryShape:
    """Return an entry."""
    return EntryShape(
        device=view.device,
        seq=view.seq,
        kind=view.kind,
        kind_name=view.kind_name,
        fields={
            name: field_value(name, value)
            for name, value in view.fields.items()
            if not name.startswith("spare") and name not in ("kind", "words")
        },
        occurred_at=maybe_instant(view.occurred_at) or str(view.occurred_at),
        received_at=maybe_instant(view.received_at),
        recorded_at=maybe_instant(view.recorded_at),
        state=view.state,
        outcome=outcome_name(view.outcome),
        flaw=_FLAW_NAMES.get(view.flaw),
        tx_hash=view.tx_hash,
        block_number=view.block_number,
        block_hash=view.block_hash,
        blocks_to_final=view.blocks_to_final,
        segment=SegmentRange(first_seq=view.segment_first_seq, last_seq=view.segment_last_seq),
    )


def certificate_shape(accepted: Accepted, seq: int) -> Certificate:
    """Return the certificate that a registrar's segment makes for the enrolment at `seq`."""
    segment = accepted.segment
    return Certificate(
        registrar=device_text(segment.device),
        first_seq=segment.first_seq,
        words=segment.words.hex(),
        seq=seq,
        prev_head=accepted.prev_head.hex(),
        key=PublicKey(x=f"{segment.x:064x}", y=f"{segment.y:064x}"),
        seal=SealShape(r=f"{segment.r:064x}", s=f"{segment.s:064x}"),
    )


def plain(value: Any) -> Any:
    """Return a view as JSON values: entries as their shape, other dataclasses field by field."""
    if isinstance(value, EntryView):
        return entry_shape(value).model_dump()
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
