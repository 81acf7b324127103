"""The books' fold and the auditor both know what the chain should have said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from custody_stories import (
    NETWORK,
    NOON,
    Blocks,
    BlockWriter,
    Story,
    blocks_of,
    created,
    gap_closed,
    stories,
    story_named,
    transcribed,
)

from backend.domain.custody_state import State
from backend.domain.journal import read_entries
from backend.domain.layout import Kind
from backend.domain.types import Outcome
from backend.usecases.audit_books import (
    compare_bins,
    compare_devices,
    compare_journals,
    compare_lots,
    compare_totals,
)
from backend.usecases.audit_faults import Fault, FaultKind
from backend.usecases.audit_ledger import Audit, Auditor
from backend.usecases.audit_records import NO_RECORD, record_digest
from backend.usecases.audit_report import custody_digest
from backend.usecases.audit_seals import check_seals, heads_after
from backend.usecases.audit_tally import Tally
from backend.usecases.fold_events import BookLines, Folder
from backend.usecases.ledger_events import (
    BinsPlaced,
    EntriesTranscribed,
    GapClosed,
    LedgerEvent,
    LogPlace,
    PlacedBinEvent,
    RegistrarProposed,
    RegistrarReplaced,
    SegmentRecorded,
    SiteOpened,
    StepSettled,
    WitnessShown,
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
        assert audit.lots == {lot: tuple(v[:5]) for lot, v in story.final["lots"].items()}
        assert audit.devices == {device: (v[1] - 1, v[6]) for device, v in story.final["devices"].items()}
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
        assert len(lines.steps) + sum(segment.lifts for segment in lines.segments) == entries
        # Every applied lift's grams are in exactly one run of one lot, or were transcribed for a lost phone.
        lifted = sum(run.grams for run in lines.runs) + transcribed_grams(recorded)
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
        found.update({(e.device, e.seq): e.outcome for e, *_ in lines.settled})
        assert found == {key: expected[key] for key in found}


def transcribed_grams(recorded: list[dict[str, Any]]) -> int:
    """Return the grams of lifts that had effect as transcribed entries."""
    grams = 0
    for step in recorded:
        brought = {(device, first_seq): bytes.fromhex(o) for device, first_seq, o in step["transcribed"]}
        for entry in read_entries(bytes.fromhex(step["record"]["words"])):
            if entry.kind != Kind.TRANSCRIBED:
                continue
            outcomes = brought.pop((f"{entry.fields['device']:016x}", entry.fields["first_seq"]), b"")
            words = b"".join(item["word"].to_bytes(32, "big") for item in entry.items)
            for inner, outcome in zip(read_entries(words), outcomes, strict=False):
                if inner.kind == Kind.LIFT and outcome & 0xF == Outcome.APPLIED:
                    grams += inner.fields["grams"]
    return grams


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
        assert all(fault.expected != fault.found for fault in audit.faults)

    def test_is_a_disagreement_in_the_books(self, lie: str) -> None:
        lines, _ = fold_of(tampered(blocks_of(story_named(BACKWARDS)), LIES[lie]))
        assert (lines.disagreements == []) is (lie in SEEN_BY_THE_AUDITOR_ONLY)


def faulty(blocks: Blocks) -> list[tuple[FaultKind, int | None, int | None]]:
    return [(fault.kind, fault.device, fault.seq) for fault in audit_of(blocks).faults]


class TestFaults:
    """What is wrong is named with its place, once."""

    def test_are_none_where_nothing_is_wrong(self) -> None:
        assert faulty(blocks_of(story_named(BACKWARDS))) == []

    @pytest.mark.parametrize(
        ("lie", "kinds"),
        [
            ("an outcome", [FaultKind.OUTCOME]),
            ("an outcome too few", [FaultKind.OUTCOME]),
            ("an entry", [FaultKind.HEAD]),
            ("half an entry", [FaultKind.REFUSED]),
            ("a seal", [FaultKind.SEAL]),
            ("a key", [FaultKind.KEY, FaultKind.SEAL]),
        ],
    )
    def test_name_what_was_altered(self, lie: str, kinds: list[FaultKind]) -> None:
        blocks = blocks_of(story_named("street to park in order"))
        # The last segment of the story, so that nothing follows from the lie.
        altered = tampered(Blocks(blocks.blocks[-1:]), LIES[lie])
        faults = audit_of(Blocks((*blocks.blocks[:-1], *altered.blocks))).faults
        assert [fault.kind for fault in faults] == kinds
        assert {fault.block for fault in faults} == {blocks.head}
        (event,) = [e for e in blocks.events if isinstance(e, SegmentRecorded)][-1:]
        assert {fault.device for fault in faults} == {event.device}

    @pytest.mark.parametrize(
        ("story", "lie", "kind"),
        [
            ("lost phones", without(EntriesTranscribed), FaultKind.TRANSCRIBED),
            ("lost phones", on(EntriesTranscribed, outcomes=lambda o: bytes(len(o))), FaultKind.TRANSCRIBED),
            ("gaps", without(GapClosed), FaultKind.GAP),
            ("gaps", on(GapClosed, to_seq=lambda seq: seq + 1), FaultKind.GAP),
            (BACKWARDS, without(StepSettled), FaultKind.SETTLED),
        ],
        ids=str,
    )
    def test_name_what_was_told_beside_a_segment(self, story: str, lie: Any, kind: FaultKind) -> None:
        assert kind in {fault.kind for fault in audit_of(tampered(blocks_of(story_named(story)), lie)).faults}

    def test_name_effects_that_no_segment_had(self) -> None:
        blocks = blocks_of(story_named(BACKWARDS))
        writer = BlockWriter(b"more", first=blocks.head + 1, parent=blocks.blocks[-1][0].hash)
        device = next(e.device for e in blocks.events if isinstance(e, SegmentRecorded))
        writer.block(NOON + 9_000, [gap_closed(device, 5, 6)], [transcribed(device, 7, bytes([1]))])
        faults = faulty(Blocks((*blocks.blocks, *writer.done().blocks)))
        assert faults == [(FaultKind.GAP, device, 5), (FaultKind.TRANSCRIBED, device, 7)]

    def test_name_a_forged_witness(self) -> None:
        story = next(s for s in stories() if any("witness" in step and "refused" not in step for step in s.steps))

        def forge(event: LedgerEvent) -> LedgerEvent | None:
            if not isinstance(event, WitnessShown):
                return event
            return replace(event, witness=replace(event.witness, r=event.witness.r ^ 1))

        faults = audit_of(tampered(blocks_of(story), forge)).faults
        assert FaultKind.WITNESS in {fault.kind for fault in faults}

    def test_name_bins_and_sites_that_no_registrar_sealed(self) -> None:
        writer = BlockWriter()
        placed = (PlacedBinEvent(5, bytes(32), 4, 0),)
        writer.block(NOON, [lambda place: SiteOpened(place, 77, 1, bytes(32))])
        writer.block(NOON, [lambda place: BinsPlaced(place, 77, placed)])
        audit = audit_of(writer.done())
        assert [(f.kind, f.block, f.found) for f in audit.faults] == [
            (FaultKind.PLACE, 1, None),
            (FaultKind.PLACE, 2, None),
        ]
        assert (audit.tally.sites, audit.tally.bins_placed) == (1, 1)

    def test_name_grams_that_are_not_conserved(self) -> None:
        blocks = blocks_of(story_named(BACKWARDS))
        auditor = Auditor(State(NETWORK))
        auditor.take(blocks.events, blocks.times)
        lot, slot = next(iter(auditor.state.lots.items()))
        auditor.state.lots[lot] = slot._replace(grams=slot.grams + 7)
        (fault,) = auditor.finish().faults
        assert (fault.kind, fault.subject) == (FaultKind.CONSERVATION, f"stream {slot.stream}")

    def test_keep_their_count_when_there_are_too_many(self) -> None:
        auditor = Auditor(State(NETWORK))
        one = Fault(FaultKind.SEAL, None, None)
        auditor.blame([one] * 100_003)
        audit = auditor.finish()
        assert (len(audit.faults), audit.tally.faults_not_kept) == (100_000, 3)

    def test_can_be_written_down(self) -> None:
        for fault in audit_of(tampered(blocks_of(story_named(BACKWARDS)), LIES["a key"])).faults:
            assert Fault.from_json(json.loads(json.dumps(fault.to_json()))) == fault


class TestSealChecks:
    def test_see_another_entry_than_a_witness_has_shown(self) -> None:
        blocks = blocks_of(story_named(BACKWARDS))
        auditor = Auditor(State(NETWORK))
        auditor.take(blocks.events, blocks.times)
        check = auditor.take_checks()[-1]
        assert check_seals([check]) == []
        heads = heads_after(check.before, check.segment.words)
        seq = check.segment.first_seq
        assert check_seals([replace(check, pin=(seq, heads[0][:27]))]) == []
        (fault,) = check_seals([replace(check, pin=(seq, bytes(27)))])
        assert (fault.kind, fault.seq) == (FaultKind.PIN, seq)

    def test_hold_a_raw_seal_against_a_passkeys_rules(self) -> None:
        """A device that was enrolled with a passkey cannot seal with the bare key, nor the other way round."""
        blocks = blocks_of(story_named(BACKWARDS))
        auditor = Auditor(State(NETWORK))
        auditor.take(blocks.events, blocks.times)
        check = auditor.take_checks()[-1]
        for other in (
            replace(check, origin=5),
            replace(check, segment=replace(check.segment, assertion=bytes(40))),
        ):
            assert [fault.kind for fault in check_seals([other])] == [FaultKind.SEAL]


class TestTally:
    def test_goes_on_where_it_was_written_down(self) -> None:
        blocks = blocks_of(story_named("lost phones"))
        tally = audit_of(blocks).tally
        assert Tally.from_json(json.loads(json.dumps(tally.to_json()))) == tally
        recorded = [step for step in story_named("lost phones").steps if "outcomes" in step]
        assert tally.segments == len(recorded)
        assert sum(tally.outcomes.values()) == tally.entries
        assert sum(tally.seals.values()) == tally.segments + tally.witnesses


class TestComparison:
    def test_finds_what_a_node_leaves_out_at_the_end(self) -> None:
        """Nothing in the events shows it; the served books do."""
        blocks = blocks_of(story_named("street to park in order"))
        honest = audit_of(blocks)
        audit = audit_of(replace(blocks, blocks=blocks.blocks[:-1]))
        assert audit.faults == []
        assert compare_devices(audit.devices, honest.devices) != []
        assert compare_lots(audit.lots, honest.lots) != []

    def test_says_what_is_served_wrongly(self) -> None:
        audit = audit_of(blocks_of(story_named(BACKWARDS)))
        assert compare_lots(audit.lots, audit.lots) == []
        assert compare_devices(audit.devices, audit.devices) == []
        assert compare_totals(audit.totals, audit.totals) == []
        lot, line = next(iter(audit.lots.items()))
        (fault,) = compare_lots(audit.lots, {**audit.lots, lot: (line[0], line[1] + 1, *line[2:])})
        assert (fault.subject, fault.found) == (f"lot {lot}", {**(fault.expected or {}), "grams": line[1] + 1})
        (fault,) = compare_lots(audit.lots, {k: v for k, v in audit.lots.items() if k != lot})
        assert fault.found is None
        (fault,) = compare_lots(audit.lots, {**audit.lots, "ff" * 12: line})
        assert fault.expected is None
        device = next(iter(audit.devices))
        (fault,) = compare_devices(audit.devices, {**audit.devices, device: (1, "00")})
        assert (fault.kind, fault.device) == (FaultKind.SERVED_DEVICE, int(device, 16))
        (total, *_) = audit.totals
        (fault,) = compare_totals(audit.totals, [replace(total, lifted=total.lifted + 1), *audit.totals[1:]])
        assert (fault.kind, fault.subject) == (FaultKind.SERVED_TOTALS, f"stream {total.stream}")

    def test_knows_no_device_that_has_recorded_nothing(self) -> None:
        assert compare_devices({"0000020000000001": (0, "aa")}, {}) == []

    def test_finds_bins_with_too_few_and_too_many_lifts(self) -> None:
        chain = [(3, 1), (5, 2), (9, 4)]
        assert list(compare_bins(chain, chain)) == []
        faults = list(compare_bins(chain, [(3, 1), (4, 1), (5, 1)]))
        assert [(f.subject, f.expected, f.found) for f in faults] == [
            ("bin 0000000004", {"lifts": 0}, {"lifts": 1}),
            ("bin 0000000005", {"lifts": 2}, {"lifts": 1}),
            ("bin 0000000009", {"lifts": 4}, {"lifts": 0}),
        ]

    def test_sees_altered_records(self) -> None:
        digest = record_digest(NO_RECORD, 1, b"words", b"\1")
        assert compare_journals({"02": digest.hex()}, {"02": digest.hex()}) == []
        altered = record_digest(NO_RECORD, 1, b"wards", b"\1")
        (fault,) = compare_journals({"02": digest.hex()}, {"02": altered.hex()})
        assert (fault.kind, fault.device) == (FaultKind.SERVED_JOURNAL, 2)


class TestCustodyDigest:
    def test_knows_no_block(self) -> None:
        story = story_named(BACKWARDS)
        one, other = (audit_of(blocks_of(story, salt=salt)) for salt in (b"", b"another chain"))
        assert custody_digest(one) == custody_digest(other)

    def test_sees_a_gram(self) -> None:
        audit = audit_of(blocks_of(story_named(BACKWARDS)))
        before = custody_digest(audit)
        lot, line = next(iter(audit.lots.items()))
        audit.lots[lot] = (line[0], line[1] + 1, *line[2:])
        assert custody_digest(audit) != before


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
