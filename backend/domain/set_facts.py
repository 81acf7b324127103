"""What proved segments say about a lot's journey or a site's day: derived, never read from a set."""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from backend.domain.announced import RecordedSegment
from backend.domain.bundle_set import AboutDay, AboutLot
from backend.domain.errors import MalformedSegment
from backend.domain.journal import Entry, read_entry, split_entries
from backend.domain.layout import Kind
from backend.domain.merkle import lifts_root
from backend.domain.proof import StepFailed, outcome_text
from backend.domain.types import Fate, Outcome, device_text, lot_text

_SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
_ON_THE_WAY = {Outcome.APPLIED, Outcome.DEFERRED}
_AT_A_SITE = {Kind.TAKE, Kind.TRANSFORM, Kind.CLOSE}


@dataclass(frozen=True)
class Told:
    """One entry of a proved segment; of a lift, `lot` is the one it went into."""

    device: int
    seq: int
    entry: Entry
    outcome: int
    block_time: int
    lot: int | None
    is_whole: bool
    """Every entry of its journal since the load of its lot is here."""

    @property
    def is_applied(self) -> bool:
        """The ledger applied it when it recorded it."""
        return self.outcome & 0x0F == Outcome.APPLIED

    @property
    def lots(self) -> set[int]:
        """The lots that it is about."""
        named = {self.entry.fields.get("into", 0), *(item.get("lot", 0) for item in self.entry.items)}
        return {lot for lot in (*named, self.lot or 0) if lot}

    @property
    def links(self) -> bool:
        """It makes one lot of another."""
        return len(self.lots) > 1 and self.outcome & 0x0F in _ON_THE_WAY


@dataclass(frozen=True)
class TimedRecord:
    """A recorded segment, the head before it, and the clock of its block."""

    record: RecordedSegment
    prev_head: bytes
    block_time: int


def tell(records: Sequence[TimedRecord]) -> list[list[Told]]:
    """Return the entries of each segment, in the order of the records.

    A lift names no lot: it goes into the one that the journal's last applied load named. That is known as far
    as the segments since that load are there without a gap.
    """
    told: dict[int, list[Told]] = {}
    ends: dict[int, tuple[bytes, _Desk]] = {}
    for at, timed in sorted(enumerate(records), key=lambda pair: pair[1].record.segment.first_seq):
        device = timed.record.segment.device
        head, desk = ends.get(device, (b"", _Desk()))
        if head != timed.prev_head:
            desk = _Desk()
        told[at] = _tell(timed, desk)
        ends[device] = timed.record.head, desk
    return [told[at] for at in range(len(records))]


@dataclass
class _Desk:
    """Where a journal's next lift goes, and the lots it has loaded, as far back as no entry is missing."""

    lot: int | None = None
    loaded: set[int] = field(default_factory=set)


def _tell(timed: TimedRecord, desk: _Desk) -> list[Told]:
    segment, told = timed.record.segment, list[Told]()
    try:
        entries = [read_entry(words) for words in split_entries(segment.words)]
    except MalformedSegment as error:
        raise StepFailed(str(error)) from error
    if len(entries) != len(timed.record.outcomes):
        raise StepFailed("There is not one outcome an entry.")
    for position, entry in enumerate(entries):
        outcome = timed.record.outcomes[position]
        if entry.kind == Kind.LOAD and entry.is_well_formed and outcome & 0x0F == Outcome.APPLIED:
            desk.lot = entry.fields["lot"]
            desk.loaded.add(desk.lot)
        lot = desk.lot if entry.kind == Kind.LIFT else entry.fields.get("lot")
        seq, is_whole = segment.first_seq + position, lot in desk.loaded
        told.append(Told(segment.device, seq, entry, outcome, timed.block_time, lot, is_whole))
    return told


def about_lot(told: Sequence[Sequence[Told]], about: AboutLot) -> list[Told]:
    """Return the entries of a lot's journey.

    Where a device gives a lot of its own, the journal tells how the lot began: it was made of others, or loaded;
    and after a load the journal is there without a gap, so that no lift can have been left out.

    Raises:
        StepFailed: a segment that is about something else, or such a gap.
    """
    everything = [each for segment in told for each in segment]
    lots = _linked(about.lot, everything)
    openers = {lot >> 32 for lot in lots}
    for segment in told:
        # Between a load and its lifts a journal may tell of something else.
        if not any(each.lots & lots or each.device in openers for each in segment):
            raise StepFailed("A segment has nothing to do with the lot.")
    found = _in_order(each for each in everything if each.lots & lots)
    if not found:
        raise StepFailed("No entry is about the lot.")
    for give in _gives_of_openers(found):
        if not give.is_whole and (not _was_made(found, give) or _lifts_of(found, give)):
            raise StepFailed(
                f"Not all entries from the load to the give of lot {lot_text(give.lot or 0)} are here."
            )
    return found


def _linked(lot: int, told: Iterable[Told]) -> set[int]:
    """Return the lot, and those on one line with it: all that it came from, and all that it became."""
    forwards: dict[int, set[int]] = defaultdict(set)
    backwards: dict[int, set[int]] = defaultdict(set)
    for each in told:
        if each.links and each.lot is not None:
            for other in each.lots - {each.lot}:
                forwards[each.lot].add(other)
                backwards[other].add(each.lot)
    return _reached(lot, forwards) | _reached(lot, backwards)


def _reached(lot: int, links: dict[int, set[int]]) -> set[int]:
    found, front = {lot}, [lot]
    while front:
        for other in links[front.pop()] - found:
            found.add(other)
            front.append(other)
    return found


def _gives_of_openers(found: Sequence[Told]) -> list[Told]:
    return [
        each
        for each in found
        if each.entry.kind == Kind.GIVE
        and each.lot is not None
        and each.lot >> 32 == each.device
        and each.is_applied
    ]


def _was_made(found: Sequence[Told], give: Told) -> bool:
    """Say whether the lot began as something made of other lots, rather than with a load."""
    return any(each.device == give.device and give.lot in each.lots - {each.lot} for each in found)


def _lifts_of(found: Sequence[Told], give: Told) -> list[bytes]:
    """Return the words of the lifts that went into a lot before its give, in the journal's order."""
    lifts = [
        each
        for each in found
        if each.entry.kind == Kind.LIFT and (each.device, each.lot) == (give.device, give.lot)
    ]
    return [each.entry.words for each in sorted(lifts, key=lambda t: t.seq) if each.seq < give.seq]


def lifts_lines(found: Sequence[Told]) -> list[str]:
    """Return, of each lot that was loaded and given, how its lifts compare with what the give declares."""
    lines = []
    for give in filter(lambda each: each.is_whole, _gives_of_openers(found)):
        lifts, fields = _lifts_of(found, give), give.entry.fields
        is_same = fields["lifts_root"] == int.from_bytes(lifts_root(lifts), "big")
        declared = f"its give declares {fields['lifts']}, and {'the same' if is_same else 'ANOTHER'} Merkle root"
        lines.append(f"lot {lot_text(give.lot or 0)}: {len(lifts)} lifts, none left out; {declared}")
    return lines


def about_day(told: Sequence[Sequence[Told]], about: AboutDay) -> list[Told]:
    """Return what was taken, worked and closed at a site that day; every segment has to hold some.

    Raises:
        StepFailed: a segment of another day, or without anything of this site.
    """
    found = []
    for segment in told:
        here = [
            each
            for each in segment
            if each.entry.is_well_formed
            and each.entry.kind in _AT_A_SITE
            and each.entry.fields["site"] == about.site
        ]
        if not here or any(date_of(each.block_time) != about.date for each in here):
            raise StepFailed("A segment has nothing of this site on this day.")
        found.extend(here)
    if not found:
        raise StepFailed("Nothing is of this site on this day.")
    return _in_order(found)


def _in_order(told: Iterable[Told]) -> list[Told]:
    return sorted(told, key=lambda each: (each.block_time, each.device, each.seq))


def date_of(block_time: int) -> str:
    """Return the day in Asia/Shanghai, which is the day of every total.

    Raises:
        StepFailed: no calendar has it.
    """
    try:
        return datetime.datetime.fromtimestamp(block_time, _SHANGHAI).date().isoformat()
    except (OverflowError, ValueError, OSError) as error:
        raise StepFailed("A block's clock shows no date.") from error


def lines_of(found: Sequence[Told]) -> list[str]:
    """Return an entry a line, runs of lifts drawn together, for a person to read.

    Others' entries may have been recorded between two segments of one run: they do not cut it.
    """
    runs: list[list[Told]] = []
    newest: dict[int, list[Told]] = {}
    for each in found:
        run = newest.get(each.device)
        if each.entry.kind == Kind.LIFT and run is not None and _goes_on(run[-1], each):
            run.append(each)
            continue
        runs.append([each])
        newest[each.device] = runs[-1]
    return [_lifts_line(run) if run[0].entry.kind == Kind.LIFT else _line(run[0]) for run in runs]


def _lifts_line(run: Sequence[Told]) -> str:
    grams = sum(lift.entry.fields["grams"] for lift in run)
    seqs = f"{run[0].seq}-{run[-1].seq}"
    return f"{device_text(run[0].device)} {seqs} lift x{len(run)}: {grams} g {outcome_text(run[0].outcome)}"


def _goes_on(before: Told, after: Told) -> bool:
    expected = (before.entry.kind, before.seq + 1, before.lot, before.outcome)
    return expected == (Kind.LIFT, after.seq, after.lot, after.outcome)


def _line(told: Told) -> str:
    entry = told.entry
    name = Kind(entry.kind).name.lower() if entry.is_well_formed else f"kind {entry.kind}"
    grams = entry.fields.get("net", entry.fields.get("grams"))
    mass = "" if grams is None else f" {grams} g"
    lot = "" if told.lot is None else f" lot {lot_text(told.lot)}"
    return f"{device_text(told.device)} {told.seq} {name}{lot}:{mass} {outcome_text(told.outcome)}"


def balance_of(found: Sequence[Told]) -> dict[str, int]:
    """Return grams taken in, gone out by fate, and lost or gained in work: what the ledger applied at once."""
    sums: Counter[str] = Counter()
    for each in found:
        fields = each.entry.fields
        if not each.is_applied:
            sums["waiting_or_without_effect_entries"] += 1
        elif each.entry.kind == Kind.TAKE:
            sums["taken_in_grams"] += fields["grams"]
        elif each.entry.kind == Kind.CLOSE:
            sums[f"{Fate(fields['fate']).name.lower()}_grams"] += fields["grams"]
        else:
            sums["gained_grams" if fields["is_gain"] else "lost_in_work_grams"] += fields["loss"]
    return dict(sums)
