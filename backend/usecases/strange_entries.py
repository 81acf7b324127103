"""What is strange about entries that are kept all the same: the lorry is never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.domain.journal import read_entry
from backend.domain.layout import Kind
from backend.domain.lifts import bin_of, lifted_at, stream_of
from backend.domain.offered import Offered
from backend.domain.types import bin_text
from backend.usecases.ports import KnownDevice

CLOCK_SKEW_SECONDS = 15 * 60


@dataclass(frozen=True)
class Warning:
    """A soft fault: the entry is kept all the same."""

    index: int
    seq: int
    code: str
    message: str


def has_expired(device: KnownDevice, now: int) -> bool:
    """Say whether a device's enrolment is over."""
    return device.not_after != 0 and now > device.not_after


def warnings_of(
    offered: Offered,
    *,
    device: KnownDevice,
    lot_stream: int | None,
    streams: Mapping[int, int],
    now: int,
) -> tuple[Warning, ...]:
    """Return what is strange.

    Args:
        lot_stream: that of the lot open before the first entry.
        streams: those of the bins that exist.
    """
    found: list[Warning] = []

    def warn(index: int, code: str, message: str) -> None:
        found.append(Warning(index, offered.segment.first_seq + index, code, message))

    if device.is_revoked:
        warn(0, "revoked-device", "This device was revoked; its entries are quarantined.")
    if has_expired(device, now):
        warn(0, "expired-device", "This device's enrolment has expired; its entries are quarantined.")
    for index, words in enumerate(offered.entries):
        if words[0] == Kind.LIFT:  # nearly all of them: not worth reading every field
            at = lifted_at(words)
        else:
            entry = read_entry(words)
            at = entry.fields["occurred_at"]
        if at > now + CLOCK_SKEW_SECONDS:
            warn(index, "clock-skew", "The device's clock is ahead of the server's.")
        if words[0] == Kind.LIFT:
            for code, message in _faults_of(words, streams, lot_stream):
                warn(index, code, message)
        elif not entry.is_well_formed:
            warn(index, "unknown-kind", f"Kind {entry.kind} is not known; it is recorded without effect.")
        elif entry.kind == Kind.LOAD:
            lot_stream = entry.fields["stream"]
    return tuple(found)


def _faults_of(lift: bytes, streams: Mapping[int, int], lot_stream: int | None) -> list[tuple[str, str]]:
    faults = []
    stream, known = stream_of(lift), streams.get(bin_of(lift))
    if known is None:
        faults.append(("unknown-bin", f"Bin {bin_text(bin_of(lift))} is not in the register."))
    elif known != stream:
        faults.append(("wrong-stream", "The bin is placed for another stream than the lift says."))
    if lot_stream is None:
        faults.append(("no-lot", "No lot is open for this lift."))
    elif lot_stream != stream:
        faults.append(("wrong-stream", "The lift's stream is not that of the lot it goes into."))
    return faults
