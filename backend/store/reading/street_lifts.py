"""The lifts of one street on one day, found by its bins: what counted for an indicator, and what did not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from backend.domain.days import begin_of, end_of
from backend.domain.indicators import contamination
from backend.domain.journal import read_entry, split_entries
from backend.domain.lifts import bin_of, lifted_at, stream_of
from backend.domain.mass_flows import day_of_fact
from backend.domain.periods import Period
from backend.domain.types import Flaw, Outcome, bin_text
from backend.store.lift_runs import find_lifts
from backend.store.reading.bins import IS_DECLINE
from backend.store.reading.lift_words import lift_words
from backend.store.segment_times import first_segment_at
from backend.store.tables import CustodyStep, LedgerSegment, PlacedBin, table_of

_PLACED, _STEPS, _SEGMENTS = table_of(PlacedBin), table_of(CustodyStep), table_of(LedgerSegment)


@dataclass(frozen=True)
class StreetLift:
    """An applied lift of a bin that stands in the street."""

    device: str
    seq: int
    bin: str
    stream: int
    grade: int
    grams: int
    occurred_at: int
    recorded_at: int
    is_wrong: bool
    """Of another stream than its lot, or than its bin is registered for."""


@dataclass(frozen=True)
class Declined:
    """An applied refusal to collect a bin of the street, because of what was in it."""

    device: str
    seq: int
    bin: str
    stream: int
    reason: int
    occurred_at: int


@dataclass(frozen=True)
class StreetDay:
    """A street's day: its lifts, oldest first, refusals to collect, and the bins that nobody lifted."""

    lifts: list[StreetLift]
    declined: list[Declined]
    silent: list[str]


def street_day(connection: Connection, site: str, period: Period) -> StreetDay:
    """Return a street's day, or month, of lifts."""
    end = end_of(period.last_day)
    placed = connection.execute(
        select(_PLACED.c.number, _PLACED.c.stream)
        .where(_PLACED.c.site == site, _PLACED.c.placed_from < end)
        .order_by(_PLACED.c.number, _PLACED.c.serial_digest.desc())
    )
    streams: dict[int, int] = {row.number: row.stream for row in placed}
    first = first_segment_at(connection, begin_of(period.first_day))
    found = find_lifts(connection, sorted(streams))
    places = [place for lifts in found.values() for place in lifts if place[0] >= first]
    lifts, heard = list[StreetLift](), set[int]()
    for one in lift_words(connection, places):
        occurred_at = lifted_at(one.word)
        day = day_of_fact(occurred_at, one.recorded_at)
        if one.answer & 0xF != Outcome.APPLIED or not period.first_day <= day <= period.last_day:
            continue
        number, stream = bin_of(one.word), stream_of(one.word)
        heard.add(number)
        lifts.append(
            StreetLift(
                one.device,
                one.seq,
                bin_text(number),
                stream,
                one.word[6] & 0xF,
                int.from_bytes(one.word[13:17], "big"),
                occurred_at,
                one.recorded_at,
                one.answer >> 4 == Flaw.MIXED or streams[number] != stream,
            )
        )
    lifts.sort(key=lambda lift: (lift.occurred_at, lift.device, lift.seq))
    silent = [bin_text(number) for number in sorted(streams.keys() - heard)]
    return StreetDay(lifts, _declined(connection, streams.keys(), period, first), silent)


def _declined(connection: Connection, bins: Collection[int], period: Period, first: int) -> list[Declined]:
    rows = connection.execute(
        select(_STEPS.c.device, _STEPS.c.seq, _SEGMENTS.c.first_seq, _SEGMENTS.c.words, _SEGMENTS.c.block_time)
        .join(_SEGMENTS, _SEGMENTS.c.id == _STEPS.c.segment_id)
        .where(
            _STEPS.c.kind == IS_DECLINE,
            _STEPS.c.segment_id >= first,
            _STEPS.c.outcome == int(Outcome.APPLIED),
        )
        .order_by(_STEPS.c.segment_id, _STEPS.c.seq)
    )
    found = []
    for row in rows:
        f = read_entry(split_entries(bytes(row.words))[row.seq - row.first_seq]).fields
        day = day_of_fact(f["occurred_at"], row.block_time)
        if f["bin"] in bins and f["reason"] in contamination.REASONS and day in period.days:
            name = bin_text(f["bin"])
            found.append(Declined(row.device, row.seq, name, f["stream"], f["reason"], f["occurred_at"]))
    return found
