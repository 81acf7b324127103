"""A shift without signal: everything reaches the ledger, once, as it was sealed on the street."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from cutting_line import Cut, CuttingLine
from offline_shift import (
    Shift,
    begin_shift,
    cuts_of,
    differences,
    recorded_of,
    sealed_by,
    wait_recorded,
)
from people import Town

LIFTS, BY_CAMERA, CUTS = 50, 4, 8
_CUT = ("ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_CLOSED", "ERR_CONTENT_LENGTH_MISMATCH")
"""What a browser says of a line that breaks."""


@pytest.fixture
def line(town: Town) -> Iterator[CuttingLine]:
    port = urlsplit(town.system.url).port
    assert port is not None
    with CuttingLine(port) as line:
        yield line


@pytest.fixture
def shift(town: Town, line: CuttingLine) -> Iterator[Shift]:
    shift = begin_shift(replace(town, system=replace(town.system, url=line.url)))
    yield shift
    for phone in shift.phones:
        phone.context.close()


def test_a_shift_without_signal_is_on_the_ledger_once_and_as_it_was_sealed(
    shift: Shift, line: CuttingLine, town: Town
) -> None:
    shift.go_offline()
    shift.work(lifts=LIFTS, by_camera=BY_CAMERA)
    shift.end()
    assert shift.lifted == LIFTS
    sealed = [sealed_by(phone) for phone in shift.phones]
    # Two lots opened and given, and the end of the shift; two weighings and two takes.
    assert [len(each.words) for each in sealed] == [LIFTS + 5, 4]

    line.plan(cuts_of(CUTS, seed="shift", passing=1))
    shift.come_back(line)
    assert len(line.struck) >= CUTS
    assert set(line.struck) == set(Cut)
    for phone, before in zip(shift.phones, sealed, strict=True):
        wait_recorded(town.system, before)
        assert not differences(before, recorded_of(town.system, phone.device))
        assert sealed_by(phone) == before
    for lot in shift.lots:
        assert town.system.get(f"/api/v1/lots/{lot}")["holder"] == shift.gate.device
    assert shift.asked <= {line.url, "data:"}
    town.watch.complaints[:] = [told for told in town.watch.complaints if not any(cut in told for cut in _CUT)]
