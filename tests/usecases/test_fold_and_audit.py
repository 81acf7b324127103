"""The books' fold and the auditor both know what the chain should have said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from custody_stories import NETWORK, NOON, Blocks, BlockWriter, Story, blocks_of, created, stories, story_named

from backend.domain.custody_state import State
from backend.domain.types import Outcome
from backend.usecases.audit_ledger import Audit, Auditor, compare_devices, compare_lots
from backend.usecases.fold_events import BookLines, Folder
from backend.usecases.ledger_events import (
    LedgerEvent,
    LogPlace,
    RegistrarProposed,
    RegistrarReplaced,
    SegmentRecorded,
    StepSettled,
)

BACKWARDS = "street to park backwards"


def audit_of(blocks: Blocks, *, at_once: bool = True) -> Audit:
    auditor = Auditor(State(NETWORK))
    if at_once:
        auditor.take(blocks.events, blocks.times)
    else:
        for _, events in blocks.blocks:
            auditor.take(events, blocks.times)
    return auditor.finish()


def fold_of(blocks: Blocks) -> tuple[BookLines, State]:
    state = State(NETWORK)
    folder = Folder(state, 1)
    for _, events in blocks.blocks:
        folder.fold(events, blocks.times)
    return folder.lines, state


@pytest.mark.parametrize("story", stories(), ids=lambda story: story.name)
class TestEveryStory:
    def test_audits_without_a_fault(self, story: Story) -> None:
        blocks = blocks_of(story)
        audit = audit_of(blocks)
        assert audit.faults == []
        assert audit == audit_of(blocks, at_once=False)
        names = ("holder", "grams", "lifts", "stream", "status")
        assert audit.lots == {lot: tuple(v[name] for name in names) for lot, v in story.final["lots"].items()}
        assert audit.devices == {
            device: (v["next_seq"] - 1, v["head"]) for device, v in story.final["devices"].items()
        }
        for line in audit.totals:
            assert line.lifted + line.gained == line.held + line.out + line.lost
        assert {str(t.stream): [t.lifted, t.gained, t.out, t.lost] for t in audit.totals} == story.final["totals"]

    def test_folds_as_the_ledger_answered(self, story: Story) -> None:
        lines, state = fold_of(blocks_of(story))
        assert lines.disagreements == []
        assert {str(s): list(t) for s, t in state.totals.items()} == story.final["totals"]
        recorded = [step for step in story.steps if "outcomes" in step]
        assert len(lines.segments) == len(recorded)
        assert len(lines.refused) == sum("refused" in step for step in story.steps)
        entries = sum(len(bytes.fromhex(step["outcomes"])) for step in recorded)
        assert len(lines.steps) + len(lines.lifts) == entries
        # Every applied lift's grams are in exactly one run of one lot.
        lifted = sum(run.grams for run in lines.runs)
        assert lifted == sum(t[0] for t in story.final["totals"].values())

    def test_keeps_the_last_outcome_of_every_step(self, story: Story) -> None:
        lines, _ = fold_of(blocks_of(story))
        expected: dict[tuple[int, int], int] = {}
        for step in story.steps:
            if "outcomes" in step:
                device, first = int(step["record"]["device"], 16), step["record"]["first_seq"]
                for offset, outcome in enumerate(bytes.fromhex(step["outcomes"])):
                    expected[device, first + offset] = outcome
            for s in step.get("settled", ()):
                expected[int(s["device"], 16), s["seq"]] = s["outcome"]
        # The store writes `settled` after the lines, for steps of earlier batches as well.
        found = {key: line.outcome for key, line in lines.steps.items()}
        found.update({(e.device, e.seq): e.outcome for e, _ in lines.settled})
        assert found == {key: expected[key] for key in found}


def tampered(blocks: Blocks, change: Callable[[LedgerEvent], LedgerEvent | None]) -> Blocks:
    """Return the blocks with one event changed (the first that `change` changes) or left out (None)."""
    for index, (header, events) in enumerate(blocks.blocks):
        for at, event in enumerate(events):
            other = change(event)
            if other != event:
                new = (*events[:at], *([] if other is None else [other]), *events[at + 1 :])
                changed = (*blocks.blocks[:index], (header, new), *blocks.blocks[index + 1 :])
                return replace(blocks, blocks=changed)
    raise AssertionError("nothing was changed")


def on(kind: type, **change: Any) -> Callable[[LedgerEvent], LedgerEvent | None]:
    def apply(event: LedgerEvent) -> LedgerEvent | None:
        if not isinstance(event, kind):
            return event
        return replace(event, **{name: f(getattr(event, name)) for name, f in change.items()})  # type: ignore[type-var]

    return apply


def without(kind: type) -> Callable[[LedgerEvent], LedgerEvent | None]:
    return lambda event: None if isinstance(event, kind) else event


LIES: dict[str, Callable[[LedgerEvent], LedgerEvent | None]] = {
    "an outcome": on(SegmentRecorded, outcomes=lambda o: bytes([Outcome.LATE]) + o[1:]),
    "an outcome too few": on(SegmentRecorded, outcomes=lambda o: o[:-1]),
    "an outcome that is none": on(SegmentRecorded, outcomes=lambda o: bytes([99]) + o[1:]),
    "an entry": on(SegmentRecorded, words=lambda w: w[:-1] + bytes([w[-1] ^ 1])),
    "half an entry": on(SegmentRecorded, words=lambda w: w[:-1]),
    "a seal": on(SegmentRecorded, r=lambda r: r ^ 1),
    "a key": on(SegmentRecorded, x=lambda x: x ^ 1),
    "a device": on(SegmentRecorded, device=lambda d: d + 1),
    "a seq": on(SegmentRecorded, first_seq=lambda s: s + 1),
    "a head": on(SegmentRecorded, head=lambda h: bytes([h[0] ^ 1]) + h[1:]),
    "no record": without(SegmentRecorded),
    "no settled step": without(StepSettled),
    "another settled outcome": on(StepSettled, outcome=lambda _: int(Outcome.CONFLICT)),
    "another settled seq": on(StepSettled, seq=lambda s: s + 1),
    "another settled device": on(StepSettled, device=lambda d: d + 1),
}
# The fold of the books takes heads and seals as the ledger checked them; the auditor does not.
SEEN_BY_THE_AUDITOR_ONLY = {"a seal", "a key", "a head", "an entry"}


@pytest.mark.parametrize("lie", LIES)
class TestTampering:
    """The backwards story settles within a segment, so both kinds of event are there to lie about."""

    def test_is_a_fault_to_the_auditor(self, lie: str) -> None:
        audit = audit_of(tampered(blocks_of(story_named(BACKWARDS)), LIES[lie]))
        assert audit.faults != []
        assert all(fault for fault in audit.faults)

    def test_is_a_disagreement_in_the_books(self, lie: str) -> None:
        lines, _ = fold_of(tampered(blocks_of(story_named(BACKWARDS)), LIES[lie]))
        assert (lines.disagreements == []) is (lie in SEEN_BY_THE_AUDITOR_ONLY)


class TestComparison:
    def test_finds_what_a_node_leaves_out_at_the_end(self) -> None:
        """Nothing in the events shows it; the served books do."""
        blocks = blocks_of(story_named("street to park in order"))
        honest = audit_of(blocks)
        audit = audit_of(replace(blocks, blocks=blocks.blocks[:-1]))
        assert audit.faults == []
        assert compare_devices(audit, honest.devices) != []
        assert compare_lots(audit, honest.lots) != []

    def test_says_what_is_served_wrongly(self) -> None:
        audit = audit_of(blocks_of(story_named(BACKWARDS)))
        assert compare_lots(audit, audit.lots) == []
        assert compare_devices(audit, audit.devices) == []
        lot, line = next(iter(audit.lots.items()))
        assert len(compare_lots(audit, {**audit.lots, lot: (line[0], line[1] + 1, *line[2:])})) == 1
        assert len(compare_lots(audit, {k: v for k, v in audit.lots.items() if k != lot})) == 1
        assert len(compare_lots(audit, {**audit.lots, "ff" * 12: line})) == 1
        device = next(iter(audit.devices))
        assert len(compare_devices(audit, {**audit.devices, device: (1, "00")})) == 1


def test_a_new_root_registrar_begins_an_epoch_in_both() -> None:
    story = story_named("refused outright")
    writer = BlockWriter()
    writer.block(NOON, [created(root) for root in story.roots])

    def proposed(place: LogPlace) -> RegistrarProposed:
        return RegistrarProposed(place, 2, 77, 5)

    def replaced(place: LogPlace) -> RegistrarReplaced:
        return RegistrarReplaced(place, 2, 77, 5, 2)

    writer.block(NOON + 1, [proposed])
    writer.block(NOON + 2, [replaced])
    blocks = writer.done()
    auditor = Auditor(State(NETWORK))
    auditor.take(blocks.events, blocks.times)
    lines, state = fold_of(blocks)
    for known in (auditor.state, state):
        assert (known.roots[2].device, known.roots[2].epoch) == (77, 2)
        assert known.named_roots[77]
    assert [line.device for line in lines.devices] == [int(story.roots[0]["device"], 16), 77]
    assert auditor.finish().faults == []
