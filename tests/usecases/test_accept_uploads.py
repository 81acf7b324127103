"""Many segments at once get the answers that each would get alone, and share a transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace

import pytest
from custody_stories import NETWORK, NOON
from fakes import FakeIntake
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.errors import BadSeal, DomainError, Fork, Gap, MalformedSegment, UnknownDevice
from backend.domain.journal import Segment
from backend.domain.layout import Kind
from backend.domain.seal import key_hash
from backend.domain.segment_bytes import EvidenceDocument, Upload
from backend.domain.types import Role, device_id
from backend.domain.writer import JournalWriter, SigningKey
from backend.usecases.accept_segment import Acceptance, accept_segment
from backend.usecases.accept_uploads import Answer, FrontDesk
from backend.usecases.in_groups import InGroups
from backend.usecases.ports import Intake, KnownDevice

TRUCKS = [device_id(2, serial) for serial in (7, 8, 9)]
REGISTRAR = device_id(2, 1)


class FakeIntakes:
    """Transactions over one memory; a failing one leaves it as it was."""

    def __init__(self) -> None:
        self.intake, self.transactions = FakeIntake(), 0
        for device in (*TRUCKS, REGISTRAR):
            role = Role.REGISTRAR if device == REGISTRAR else Role.CREW
            known = KnownDevice(device, key_hash(*writer(device).public), role, 0, False, None, None)
            self.intake.devices[device] = known

    @contextmanager
    def reading(self) -> Iterator[Intake]:
        yield deepcopy(self.intake)

    @contextmanager
    def writing(self) -> Iterator[Intake]:
        self.transactions += 1
        changed = deepcopy(self.intake)
        yield changed
        self.intake = changed


def writer(device: int) -> JournalWriter:
    return JournalWriter(NETWORK, device, SigningKey.from_secret(device))


def desk(intakes: FakeIntakes) -> FrontDesk:
    return FrontDesk(intakes, NETWORK, lambda: NOON)


def journal(device: int, count: int, *, first_bin: int = 1) -> list[Segment]:
    made, segments = writer(device), []
    for number in range(count):
        made.write(Kind.LIFT, bin=first_bin + number, stream=4)
        segments.append(made.cut())
    return segments


def told(answer: Answer) -> object:
    if isinstance(answer, Acceptance):
        return answer
    return (type(answer), str(answer))


def one_by_one(intake: FakeIntake, segments: list[Segment]) -> list[object]:
    answers: list[Answer] = []
    for segment in segments:
        try:
            answers.append(accept_segment(segment, intake=intake, network=NETWORK, now=NOON))
        except DomainError as error:
            answers.append(error)
    return [told(answer) for answer in answers]


class TestManyAtOnce:
    def test_are_answered_in_order_and_none_spoils_its_neighbours(self) -> None:
        intakes, (first, second, third) = FakeIntakes(), journal(TRUCKS[0], 3)
        (other,) = journal(TRUCKS[1], 1)
        forged, unknown = replace(second, r=second.r ^ 1), replace(other, device=device_id(9, 9))
        shapeless = replace(other, words=b"\3\4" + bytes(30))
        stray = Upload(other, (EvidenceDocument(1, bytes(16), "{}"),))
        handed_in = [first, forged, shapeless, second, unknown, first, other]
        answers = desk(intakes).hand_in([*map(Upload, handed_in), stray, Upload(third)])
        kinds = [type(answer) for answer in answers]
        assert kinds[:5] == [Acceptance, BadSeal, MalformedSegment, Acceptance, UnknownDevice]
        assert kinds[5:] == [Acceptance, Acceptance, MalformedSegment, Acceptance]
        assert [a.is_new for a in answers if isinstance(a, Acceptance)] == [True, True, False, True, True]
        assert answers[5].receipt == answers[0].receipt  # type: ignore[union-attr]
        assert [kept.segment for kept in intakes.intake.kept] == [first, second, other, third]
        assert intakes.intake.evidence == {}
        assert intakes.transactions == 1

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from(TRUCKS), st.integers(0, 3), st.booleans()), max_size=12))
    def test_get_what_each_would_get_alone(self, picks: list[tuple[int, int, bool]]) -> None:
        journals = {(d, f): journal(d, 4, first_bin=50 if f else 1) for d in TRUCKS for f in (False, True)}
        segments = [journals[device, is_forked][at] for device, at, is_forked in picks]
        alone, together = FakeIntakes(), FakeIntakes()
        expected = one_by_one(alone.intake, segments)
        answers = desk(together).hand_in([Upload(segment) for segment in segments])
        assert [told(answer) for answer in answers] == expected
        assert together.intake.kept == alone.intake.kept

    def test_may_begin_with_the_enrolment_of_a_device_that_follows(self) -> None:
        intakes, registrar, new = FakeIntakes(), writer(REGISTRAR), writer(device_id(2, 50))
        x, y = new.public
        registrar.write(Kind.ENROL, device=new.device, role=1, scheme=1, x=x, y=y)
        new.write(Kind.SHIFT_END)
        answers = desk(intakes).hand_in([Upload(registrar.cut()), Upload(new.cut())])
        assert all(isinstance(answer, Acceptance) for answer in answers)

    def test_that_nobody_can_read_take_no_transaction(self) -> None:
        intakes = FakeIntakes()
        (segment,) = journal(TRUCKS[0], 1)
        (answer,) = desk(intakes).hand_in([Upload(replace(segment, words=b""))])
        assert isinstance(answer, MalformedSegment)
        assert intakes.transactions == 0

    def test_stand_though_the_journal_moved_on_in_between(self) -> None:
        """What was worked out ahead is asked again where it matters."""

        class Moving(FakeIntakes):
            @contextmanager
            def writing(self) -> Iterator[Intake]:
                accept_segment(ahead, intake=self.intake, network=NETWORK, now=NOON)
                with super().writing() as intake:
                    yield intake

        (ahead, behind), other = journal(TRUCKS[0], 2), journal(TRUCKS[0], 1, first_bin=50)[0]
        again, fork, next_one = desk(Moving()).hand_in([Upload(ahead), Upload(other), Upload(behind)])
        assert isinstance(again, Acceptance)
        assert not again.is_new
        assert isinstance(fork, Fork)
        assert isinstance(next_one, Acceptance)
        (late,) = desk(FakeIntakes()).hand_in([Upload(behind)])
        assert isinstance(late, Gap)


class TestInGroups:
    def test_keeps_together_what_comes_while_another_group_is_kept(self) -> None:
        groups: list[list[int]] = []
        is_kept, may_go_on = threading.Event(), threading.Event()

        def do(jobs: object) -> None:
            groups.append(list(jobs))  # type: ignore[call-overload]
            is_kept.set()
            assert may_go_on.wait(30)

        group = InGroups[int](do, jobs_max=4)
        with ThreadPoolExecutor(10) as pool:
            first = pool.submit(group.run, 0)
            assert is_kept.wait(30)
            rest = [pool.submit(group.run, number) for number in range(1, 9)]
            while len(group._waiting) < 8:
                threading.Event().wait(0.001)
            may_go_on.set()
            for future in (first, *rest):
                future.result(30)
        assert groups[0] == [0]
        assert sorted(number for jobs in groups for number in jobs) == list(range(9))
        assert [len(jobs) for jobs in groups] == [1, 4, 4]

    def test_tells_each_of_a_group_that_failed(self) -> None:
        def do(jobs: object) -> None:
            raise ZeroDivisionError

        group = InGroups[int](do, jobs_max=4)
        for number in (1, 2):
            with pytest.raises(ZeroDivisionError):
                group.run(number)
