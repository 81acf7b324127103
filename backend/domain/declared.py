"""What a lot was when it was given: its stream, and how its mass was known.

A give names neither. Both follow from what the lot was made of, so anybody who has the ledger finds the same.
Source: docs/spec/entries.md, "Judgements".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from backend.domain.layout import Kind
from backend.domain.recorded import EntryId, RecordedEntry
from backend.domain.types import Basis, Outcome, is_code

_PARTED = (Kind.SPLIT, Kind.TAKE)


class LotPast:
    """The recorded steps of a lot and of all that it was made of.

    `lift_bases` holds, per lot, the bases of the lifts that went into it; `sound_takes` are the takes that a
    weigh ticket proves.
    """

    def __init__(
        self,
        steps: Sequence[RecordedEntry],
        *,
        lift_bases: Mapping[int, Collection[int]],
        sound_takes: Collection[EntryId],
    ) -> None:
        self._steps = sorted((step for step in steps if "lot" in step.fields), key=lambda step: step.order)
        self._lift_bases, self._sound_takes = lift_bases, sound_takes

    def stream_before(self, lot: int, order: int) -> int | None:
        """Return the stream that a lot had before a place in the ledger; None where its opening is not known."""
        return self._stream_before(lot, order, frozenset())

    def _stream_before(self, lot: int, order: int, below: frozenset[int]) -> int | None:
        if lot in below:
            return None
        named = [step.fields["stream"] for step in self._whole_takes(lot, order) if step.fields["stream"]]
        if named:
            return named[-1]
        opening = next((step for step in self._steps if _opens(step, lot)), None)
        if opening is None:
            return None
        stream = opening.fields.get("stream", 0)
        return stream or self._stream_before(opening.fields["lot"], opening.order, below | {lot})

    def basis_before(self, lot: int, order: int) -> Basis:
        """Return how a lot's mass was known before a place in the ledger: the weakest of all that is in it."""
        return self._basis_before(lot, order, frozenset())

    def _basis_before(self, lot: int, order: int, below: frozenset[int]) -> Basis:
        weighed = [step for step in self._whole_takes(lot, order) if step.entry_id in self._sound_takes]
        if weighed:
            return Basis.ESTIMATED if self._was_parted(lot, weighed[-1].order, order) else Basis.WEIGHED
        bases = [Basis(b) if is_code(Basis, b) else Basis.ESTIMATED for b in self._lift_bases.get(lot, ())]
        for step in self._steps:
            if not _makes(step, lot) or step.outcome != Outcome.APPLIED:
                continue
            parent = step.fields["lot"]
            if step.entry.kind == Kind.MERGE and parent not in below:
                bases.append(self._basis_before(parent, step.order, below | {lot}))
            else:
                is_weighed = step.entry_id in self._sound_takes
                bases.append(Basis.WEIGHED if is_weighed else Basis.ESTIMATED)
        return min(bases, default=Basis.ESTIMATED)

    def _whole_takes(self, lot: int, order: int) -> list[RecordedEntry]:
        return [
            step
            for step in self._steps
            if step.is_applied(Kind.TAKE)
            if step.fields["lot"] == lot and not step.fields["into"] and step.order < order
        ]

    def _was_parted(self, lot: int, after: int, before: int) -> bool:
        """Say whether something left the lot: then nobody has weighed what remains."""
        return any(
            step.fields["lot"] == lot and step.fields.get("into", 0) and after < step.order < before
            for step in self._steps
            if step.entry.kind in _PARTED and step.outcome == Outcome.APPLIED
        )


def _opens(step: RecordedEntry, lot: int) -> bool:
    if step.entry.kind == Kind.LOAD:
        return step.fields["lot"] == lot and step.outcome == Outcome.APPLIED
    if step.entry.kind == Kind.TAKE and step.fields["giver"] == 0:
        return step.fields["lot"] == lot
    return _makes(step, lot)


def _makes(step: RecordedEntry, lot: int) -> bool:
    """Say whether a step puts grams of its lot into this one."""
    if step.entry.kind == Kind.TRANSFORM:
        return any(item["lot"] == lot for item in step.entry.items)
    return step.fields.get("into", 0) == lot
