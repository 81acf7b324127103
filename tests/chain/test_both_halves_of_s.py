"""A third party turns a seal into the other one that is valid for the same head, and gains nothing by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from chain_support import City, write_lifts

from backend.chain.ledger import Ledger
from backend.chain.ledger_events import SegmentRecorded, SegmentRefused
from backend.chain.ledger_logs import decode_logs
from backend.domain.journal import Segment
from backend.domain.seal import CURVE_ORDER
from backend.domain.types import Refusal


def with_other_s(segment: Segment) -> Segment:
    return replace(segment, s=CURVE_ORDER - segment.s)


@pytest.mark.parametrize("first_is_high", [False, True], ids=["low s first", "high s first"])
def test_the_other_half_is_answered_already_recorded(city: City, first_is_high: bool) -> None:
    (crew,) = city.crews(31 + first_is_high)
    write_lifts(crew, 2)
    segment = crew.cut()
    first, other = segment, with_other_s(segment)
    assert first.s < other.s
    if first_is_high:
        first, other = other, first
    receipt: Any = city.record(first, other)
    recorded, refused = decode_logs(receipt["logs"])
    assert isinstance(recorded, SegmentRecorded)
    assert recorded.segment == first
    assert isinstance(refused, SegmentRefused)
    assert (refused.device, refused.first_seq, refused.reason) == (crew.device, 1, Refusal.ALREADY_RECORDED)

    later: Any = city.record(other)
    (refused,) = decode_logs(later["logs"])
    assert isinstance(refused, SegmentRefused)
    assert refused.reason is Refusal.ALREADY_RECORDED
    reads = Ledger(city.rpc, custody_ledger=city.ledger)
    assert reads.head_of(crew.device) == crew.head
    assert reads.next_seqs([crew.device]) == {crew.device: 4}


def test_a_journal_goes_on_whichever_half_was_recorded(city: City) -> None:
    (crew,) = city.crews(33)
    write_lifts(crew, 3)
    receipt: Any = city.record(with_other_s(crew.cut(2)), crew.cut(1), with_other_s(crew.cut()))
    assert [type(event) for event in decode_logs(receipt["logs"])] == [SegmentRecorded] * 3
    assert Ledger(city.rpc, custody_ledger=city.ledger).head_of(crew.device) == crew.head
