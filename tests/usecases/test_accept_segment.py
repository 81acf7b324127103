"""A sealed segment is kept once, whole, and only when it continues its journal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from custody_stories import NETWORK, NOON
from fakes import FakeIntake
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain import errors
from backend.domain.errors import (
    BadSeal,
    DomainError,
    FieldOutOfRange,
    Fork,
    Gap,
    MalformedSegment,
    SegmentTooHeavy,
    UnknownDevice,
    WrongKey,
)
from backend.domain.journal import Segment, evidence_digest, pack_entry, roll_head
from backend.domain.layout import Kind
from backend.domain.seal import CURVE_ORDER, is_seal_of, key_hash, seal_digest
from backend.domain.segment_bytes import EvidenceDocument
from backend.domain.types import Role, device_id, lot_id
from backend.domain.writer import JournalWriter, SigningKey
from backend.usecases.accept_segment import (
    Acceptance,
    accept_segment,
    receipt_id,
)
from backend.usecases.ports import KnownDevice
from backend.usecases.strange_entries import CLOCK_SKEW_SECONDS

DEVICE, KEY = device_id(2, 7), SigningKey.from_secret(7)
REGISTRAR = JournalWriter(NETWORK, device_id(2, 1), SigningKey.from_secret(1))


def writer() -> JournalWriter:
    return JournalWriter(NETWORK, DEVICE, KEY)


def intake(**change: object) -> FakeIntake:
    known = KnownDevice(DEVICE, key_hash(*KEY.public), Role.CREW, 0, False, REGISTRAR.device, 1)
    root = KnownDevice(REGISTRAR.device, key_hash(*REGISTRAR.public), Role.REGISTRAR, 0, False, None, None)
    return FakeIntake({DEVICE: replace(known, **change), REGISTRAR.device: root})  # type: ignore[arg-type]


def accept(to: FakeIntake, segment: Segment, *, now: int = NOON, **more: object) -> Acceptance:
    return accept_segment(segment, intake=to, network=NETWORK, now=now, **more)  # type: ignore[arg-type]


def shift_ends(count: int, first: int = 0) -> list[bytes]:
    return [pack_entry(Kind.SHIFT_END, lifts=first + n) for n in range(count)]


def sealed(entries: list[bytes], first: int, last: int) -> Segment:
    """Return entries first..last of a journal as a device would cut them."""
    made = writer()
    for entry in entries[:last]:
        made.write_words(entry)
    if first > 1:
        made.cut(first - 1)
    return made.cut()


class TestANewSegment:
    def test_is_kept_with_its_receipt(self) -> None:
        to, segment = intake(), sealed(shift_ends(3), 1, 3)
        acceptance = accept(to, segment)
        kept = acceptance.receipt
        assert acceptance.is_new
        assert to.kept == [kept]
        assert (kept.segment, kept.last_seq, kept.received_at) == (segment, 3, NOON)
        assert kept.head == roll_head(kept.prev_head, segment.words)
        assert kept.receipt_id == receipt_id(DEVICE, 1, 3, kept.head)
        assert len(kept.receipt_id) == 32

    def test_again_gets_the_receipt_it_got(self) -> None:
        to, segment = intake(), sealed(shift_ends(3), 1, 3)
        first = accept(to, segment)
        accept(to, sealed(shift_ends(5), 4, 5))
        again = accept(to, segment, now=NOON + 99)
        assert (again.receipt, again.is_new) == (first.receipt, False)
        assert len(to.kept) == 2

    def test_again_with_the_other_half_of_s_gets_the_receipt_it_got(self) -> None:
        to, segment = intake(), sealed(shift_ends(3), 1, 3)
        first = accept(to, segment)
        again = accept(to, replace(segment, s=CURVE_ORDER - segment.s), now=NOON + 99)
        assert (again.receipt, again.is_new) == (first.receipt, False)
        assert to.kept == [first.receipt]

    def test_cut_anew_adds_only_what_is_new_under_its_own_seal(self) -> None:
        to, entries = intake(), shift_ends(7)
        accept(to, sealed(entries, 1, 3))
        acceptance = accept(to, sealed(entries, 2, 7))
        kept = acceptance.receipt
        assert (kept.segment.first_seq, kept.last_seq) == (4, 7)
        assert kept.prev_head == to.kept[0].head
        digest = seal_digest(NETWORK, device=DEVICE, seq=7, head=kept.head)
        s = kept.segment
        assert is_seal_of(digest, x=s.x, y=s.y, r=s.r, s=s.s)
        assert roll_head(kept.prev_head, s.words) == kept.head

    def test_within_what_is_kept_is_a_repeat(self) -> None:
        to, entries = intake(), shift_ends(6)
        whole = accept(to, sealed(entries, 1, 6)).receipt
        part = accept(to, sealed(entries, 2, 4), now=NOON + 9)
        assert not part.is_new
        assert (part.receipt.segment.first_seq, part.receipt.last_seq) == (2, 4)
        assert part.receipt.received_at == whole.received_at
        assert to.kept == [whole]

    @settings(max_examples=60)
    @given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=12))
    def test_in_any_cutting_gives_one_journal(self, cuts: list[tuple[int, int]]) -> None:
        to, entries = intake(), shift_ends(12)
        for first, last in cuts:
            if first <= last:
                with suppress(Gap):
                    accept(to, sealed(entries, first, last))
        accept(to, sealed(entries, 1, 12))
        assert b"".join(kept.segment.words for kept in to.kept) == b"".join(entries)
        head = to.kept[0].prev_head
        for kept in to.kept:
            assert kept.prev_head == head
            head = roll_head(head, kept.segment.words)
            assert kept.head == head


class TestARefusedSegment:
    def require_nothing_kept(self, to: FakeIntake, segment: Segment, error: type[DomainError]) -> DomainError:
        before = (list(to.kept), dict(to.devices), dict(to.evidence))
        with pytest.raises(error) as refused:
            accept(to, segment)
        assert (to.kept, to.devices, to.evidence) == before
        return refused.value

    def test_has_a_gap_before_it(self) -> None:
        to, entries = intake(), shift_ends(5)
        accept(to, sealed(entries, 1, 2))
        error = self.require_nothing_kept(to, sealed(entries, 4, 5), Gap)
        assert isinstance(error, Gap)
        assert (error.device, error.next_seq, error.first_seq) == (DEVICE, 3, 4)

    @pytest.mark.parametrize("differs", [1, 2, 3])
    def test_tells_another_history(self, differs: int) -> None:
        to, entries = intake(), shift_ends(5)
        accept(to, sealed(entries, 1, 3))
        other = [*entries]
        other[differs - 1] = pack_entry(Kind.SHIFT_END, lifts=99)
        for last in (3, 5):
            error = self.require_nothing_kept(to, sealed(other, 1, last), Fork)
            assert isinstance(error, Fork)
            assert error.seq == differs

    def test_hides_a_fork_before_its_own_first_entry(self) -> None:
        """The entries shown are the same; the history under the seal is not."""
        to, entries = intake(), shift_ends(5)
        accept(to, sealed(entries, 1, 3))
        other = [pack_entry(Kind.SHIFT_END, lifts=99), *entries[1:]]
        self.require_nothing_kept(to, sealed(other, 3, 5), BadSeal)
        self.require_nothing_kept(to, sealed(other, 4, 5), BadSeal)

    def test_has_a_seal_of_something_else(self) -> None:
        segment = sealed(shift_ends(2), 1, 2)
        for change in ({"r": segment.r ^ 1}, {"s": segment.s ^ 1}, {"words": shift_ends(1)[0]}):
            self.require_nothing_kept(intake(), replace(segment, **change), BadSeal)  # type: ignore[arg-type]

    def test_shows_another_key(self) -> None:
        segment = sealed(shift_ends(2), 1, 2)
        self.require_nothing_kept(intake(key_hash=5), segment, WrongKey)
        x, y = SigningKey.from_secret(8).public
        self.require_nothing_kept(intake(), replace(segment, x=x, y=y), WrongKey)

    def test_is_of_an_unknown_device(self) -> None:
        to = intake()
        del to.devices[DEVICE]
        self.require_nothing_kept(to, sealed(shift_ends(1), 1, 1), UnknownDevice)

    @pytest.mark.parametrize("words", [b"", bytes(31), bytes(32), b"\3\4" + bytes(30)])
    def test_cannot_be_read(self, words: bytes) -> None:
        self.require_nothing_kept(intake(), replace(sealed(shift_ends(1), 1, 1), words=words), MalformedSegment)

    def test_begins_before_the_first_entry(self) -> None:
        self.require_nothing_kept(intake(), replace(sealed(shift_ends(1), 1, 1), first_seq=0), MalformedSegment)


class TestEvidence:
    SALT, DOCUMENT = bytes(range(16)), '{"a":1}'

    def segment(self) -> Segment:
        digest = evidence_digest(self.SALT, self.DOCUMENT.encode())
        return sealed([pack_entry(Kind.LIFT, bin=1, evidence=digest)], 1, 1)

    def test_is_kept_with_its_entry(self) -> None:
        to = intake()
        accept(to, self.segment(), evidence=[EvidenceDocument(1, self.SALT, self.DOCUMENT)])
        assert to.evidence == {(DEVICE, 1): (self.SALT, self.DOCUMENT)}

    @pytest.mark.parametrize(
        "document",
        [
            EvidenceDocument(1, SALT, "{}"),
            EvidenceDocument(1, bytes(16), DOCUMENT),
            EvidenceDocument(1, SALT[:15], DOCUMENT),
            EvidenceDocument(2, SALT, DOCUMENT),
            EvidenceDocument(0, SALT, DOCUMENT),
        ],
    )
    def test_that_does_not_fit_refuses_the_segment(self, document: EvidenceDocument) -> None:
        to = intake()
        with pytest.raises(MalformedSegment) as refused:
            accept(to, self.segment(), evidence=[document])
        assert refused.value.pointer == f"/evidence/{document.seq}"
        assert to.kept == []
        assert to.evidence == {}


def codes(acceptance: Acceptance) -> list[tuple[int, str]]:
    return [(w.index, w.code) for w in acceptance.warnings]


class TestWarnings:
    def test_of_bins_and_lots(self) -> None:
        to = intake()
        to.streams = {1: 4, 2: 3}
        made = writer()
        made.write(Kind.LIFT, bin=1, stream=4)
        made.write(Kind.LOAD, lot=lot_id(DEVICE, 1), stream=4)
        made.write(Kind.LIFT, bin=1, stream=4)
        made.write(Kind.LIFT, bin=2, stream=4)
        made.write(Kind.LIFT, bin=5, stream=4)
        made.write(Kind.LIFT, bin=2, stream=3)
        assert codes(accept(to, made.cut())) == [
            (0, "no-lot"),
            (3, "wrong-stream"),
            (4, "unknown-bin"),
            (5, "wrong-stream"),
        ]
        made.write(Kind.LIFT, bin=1, stream=4)
        assert codes(accept(to, made.cut())) == []  # the lot was opened by an earlier segment

    @pytest.mark.parametrize(
        ("change", "now", "expected"),
        [
            ({"is_revoked": True}, NOON, ["revoked-device"]),
            ({"not_after": NOON}, NOON, []),
            ({"not_after": NOON}, NOON + 1, ["expired-device"]),
            ({"not_after": 1, "is_revoked": True}, NOON, ["revoked-device", "expired-device"]),
        ],
    )
    def test_of_the_device(self, change: dict[str, object], now: int, expected: list[str]) -> None:
        to = intake(**change)
        acceptance = accept(to, sealed(shift_ends(1), 1, 1), now=now)
        assert acceptance.is_new
        assert [code for _, code in codes(acceptance)] == expected

    def test_of_the_clock_and_of_kinds_to_come(self) -> None:
        made = writer()
        made.write(Kind.SHIFT_END, occurred_at=NOON + CLOCK_SKEW_SECONDS + 1)
        made.write_words(bytes([99, 1]) + bytes(30))
        made.write_words(bytes([Kind.GIVE, 1]) + bytes(30))
        acceptance = accept(intake(), made.cut())
        assert codes(acceptance) == [(0, "clock-skew"), (1, "unknown-kind"), (2, "unknown-kind")]


class TestEnrolments:
    def registrar(self) -> JournalWriter:
        return JournalWriter(NETWORK, REGISTRAR.device, REGISTRAR.key)

    def test_let_the_new_device_hand_in_next(self) -> None:
        to, registrar, new = intake(), self.registrar(), device_id(2, 50)
        key = SigningKey.from_secret(50)
        x, y = key.public
        registrar.write(Kind.SHIFT_END)
        registrar.write(Kind.ENROL, device=new, role=Role.GATE, scheme=1, x=x, y=y, not_after=NOON + 5)
        accept(to, registrar.cut())
        assert to.devices[new] == KnownDevice(new, key_hash(x, y), Role.GATE, NOON + 5, False, REGISTRAR.device, 2)
        journal = JournalWriter(NETWORK, new, key)
        journal.write(Kind.SHIFT_END)
        assert accept(to, journal.cut()).is_new

    def test_are_learned_once_from_what_is_new(self) -> None:
        to, registrar, new = intake(), self.registrar(), device_id(2, 50)
        registrar.write(Kind.ENROL, device=new, role=1, scheme=1, x=1, y=1)
        longer = JournalWriter(NETWORK, REGISTRAR.device, REGISTRAR.key)
        longer.write(Kind.ENROL, device=new, role=1, scheme=1, x=1, y=1)
        longer.write(Kind.REVOKE, device=new)
        accept(to, registrar.cut())
        accept(to, longer.cut())
        assert to.devices[new].is_revoked

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda to: to.devices.update(
                {REGISTRAR.device: replace(to.devices[REGISTRAR.device], role=Role.OFFICE)}
            ),
            lambda to: to.forget_trust(REGISTRAR.device),
            lambda to: to.devices.update({REGISTRAR.device: replace(to.devices[REGISTRAR.device], not_after=1)}),
        ],
    )
    def test_teach_nothing_when_the_sealer_may_not(self, spoil: Callable[[FakeIntake], None]) -> None:
        to, registrar = intake(), self.registrar()
        spoil(to)
        registrar.write(Kind.ENROL, device=device_id(2, 50), role=1, scheme=1, x=1, y=1)
        registrar.write(Kind.REVOKE, device=DEVICE)
        accept(to, registrar.cut())
        assert device_id(2, 50) not in to.devices
        assert not to.devices[DEVICE].is_revoked

    def test_never_replace_a_device_or_touch_another_organisation(self) -> None:
        to, registrar = intake(), self.registrar()
        before = dict(to.devices)
        registrar.write(Kind.ENROL, device=DEVICE, role=1, scheme=1, x=1, y=1)
        registrar.write(Kind.ENROL, device=device_id(3, 50), role=1, scheme=1, x=1, y=1)
        registrar.write(Kind.REVOKE, device=device_id(3, 7))
        registrar.write(Kind.REVOKE, device=REGISTRAR.device)
        accept(to, registrar.cut())
        assert to.devices == before


def test_a_segment_that_no_transaction_could_carry_is_refused_whole() -> None:
    to, writer = intake(), JournalWriter(NETWORK, DEVICE, KEY)
    for bin_number in range(200):
        writer.write(Kind.GIVE, lot=1, to=device_id(3, 0), grams=bin_number)
    with pytest.raises(SegmentTooHeavy) as refused:
        accept(to, writer.cut(200))
    assert 1 < refused.value.entries_max < 200
    assert not to.kept


def test_every_error_of_the_domain_has_a_test_that_raises_it() -> None:
    classes = {c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, DomainError)}
    tested = {MalformedSegment, FieldOutOfRange, BadSeal, UnknownDevice, WrongKey, Gap, Fork, SegmentTooHeavy}
    assert classes - {DomainError} == tested
