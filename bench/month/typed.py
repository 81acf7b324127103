"""The month as the radar's facts, straight from the journals: what a reader of perfect books would see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from backend.domain.days import DAY_SECONDS, day_of
from backend.domain.radar.facts import Bins, Handoff, HeldLot, Lifts, Ticket
from backend.domain.recorded import EntryId
from backend.simulate.month.month import Month


def bins_of(month: Month) -> Bins:
    """Return where all bins stand."""
    district = month.district
    return Bins.of(
        (b.number, district.site(b.street), b.stream, month.midnight + b.placed_day * DAY_SECONDS,
         *district.place(b.metres))
        for b in district.bins
    )  # fmt: skip


def lift_days(month: Month) -> Iterator[Lifts]:
    """Yield the lifts recorded on each day, together with those of the day before."""
    by_day: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for device, lines in month.journals.lines.items():
        lot, lot_stream = 0, 0
        for seq, line in enumerate(lines, 1):
            f = line.fields
            if line.kind == "load":
                lot, lot_stream = f["lot"] & 0xFFFFFFFF, f["stream"]
            if line.kind == "lift":
                day = day_of(line.recorded_at)
                row = (device, seq, f["bin"], f["stream"], f["basis"], f["grams"], f["occurred_at"])
                by_day[day].append((*row, line.recorded_at, lot, lot_stream))
    for day in sorted(by_day):
        yield Lifts.of([(*r, 0) for r in by_day.get(day - 1, [])] + [(*r, 1) for r in by_day[day]])


def tickets_of(month: Month) -> list[Ticket]:
    """Return all weighings."""
    return [
        Ticket(EntryId(device, seq), f["lot"], f["vehicle"], f["net"], f["tare"], f["occurred_at"])
        for device, lines in month.journals.lines.items()
        for seq, line in enumerate(lines, 1)
        if line.kind == "weigh"
        for f in [line.fields]
    ]


def handoffs_of(month: Month) -> list[Handoff]:
    """Return all gives, with their takes and what ended the lot."""
    takes: dict[tuple[int, int], tuple[EntryId, Any]] = {}
    closes: dict[tuple[int, int], EntryId] = {}
    streams: dict[int, int] = {}
    taken_as: dict[int, int] = {}
    for device, lines in month.journals.lines.items():
        for seq, line in enumerate(lines, 1):
            f = line.fields
            if line.kind == "take":
                takes[f["giver"], f["give_seq"]] = EntryId(device, seq), line
                taken_as[f["lot"]] = f["stream"]
            elif line.kind == "close":
                closes[device, f["lot"]] = EntryId(device, seq)
            elif line.kind == "load":
                streams[f["lot"]] = f["stream"]
            elif line.kind == "merge":
                streams[f["into"]] = f["stream"]
    found = []
    for device, lines in month.journals.lines.items():
        for seq, line in enumerate(lines, 1):
            if line.kind != "give":
                continue
            f = line.fields
            stream = taken_as.get(f["lot"], streams[f["lot"]])
            handoff = Handoff(EntryId(device, seq), f["lot"], stream, f["grams"], f["occurred_at"])
            if (device, seq) in takes:
                entry, take = takes[device, seq]
                handoff = handoff._replace(
                    take=entry,
                    taken_grams=take.fields["grams"],
                    taken_at=take.fields["occurred_at"],
                    take_recorded_at=take.recorded_at,
                    weigher=take.fields["weigher"],
                    closed_by=closes.get((entry.device, f["lot"])),
                )
            found.append(handoff)
    return found


def held_lots(month: Month) -> list[HeldLot]:
    """Return the lots that were loaded and never given."""
    held: dict[int, HeldLot] = {}
    for device, lines in month.journals.lines.items():
        lot = 0
        for seq, line in enumerate(lines, 1):
            if line.kind == "load":
                lot = line.fields["lot"]
            elif line.kind == "lift":
                grams = held[lot].grams if lot in held else 0
                at = line.fields["occurred_at"]
                held[lot] = HeldLot(lot, grams + line.fields["grams"], EntryId(device, seq), at)
            elif line.kind == "give":
                held.pop(line.fields["lot"], None)
    return list(held.values())
