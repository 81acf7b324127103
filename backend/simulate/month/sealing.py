"""The month as segments, sealed by its devices' own keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from backend.domain.days import day_of, end_of
from backend.domain.journal import Segment
from backend.domain.layout import Kind
from backend.domain.writer import JournalWriter
from backend.simulate.month.month import Month


@dataclass(frozen=True)
class Arrival:
    """What reaches the ledger at one time (Unix seconds)."""

    at: int
    segments: list[Segment]


def seal(month: Month, writers: Mapping[int, JournalWriter], *, step_seconds: int = 1) -> Iterator[Arrival]:
    """Yield what reaches the ledger, oldest first; each device's upload is sealed by itself.

    What arrives within a step comes together, at its end or the day's. The devices' journals are still empty.
    """
    uploads: dict[int, list[tuple[int, int, int, int]]] = {}
    for device, lines in month.journals.lines.items():
        first = 0
        for end in range(1, len(lines) + 1):
            at = lines[first].recorded_at
            if end == len(lines) or lines[end].recorded_at != at:
                step = min(-(-at // step_seconds) * step_seconds, _last_second_of_day(at))
                uploads.setdefault(step, []).append((at, device, first, end))
                first = end
    # A take names the head of the giver's journal, which only the signed journal has.
    heads: dict[tuple[int, int], int] = {}
    for step in sorted(uploads):
        segments: list[Segment] = []
        for _, device, first, end in sorted(uploads[step]):
            writer = writers[device]
            for line in month.journals.lines[device][first:end]:
                fields = dict(line.fields)
                if line.kind == "take":
                    fields["give_head"] = heads[fields["giver"], fields["give_seq"]]
                seq = writer.write(Kind[line.kind.upper()], (), **fields)
                if line.kind == "give":
                    heads[device, seq] = int.from_bytes(writer.head, "big")
            segments += writer.cut_all()
        yield Arrival(step, segments)


def _last_second_of_day(at: int) -> int:
    """In Shanghai."""
    return end_of(day_of(at)) - 1
