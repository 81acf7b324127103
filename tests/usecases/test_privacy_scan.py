"""An id that looks like a position is none; a position beside it is one."""

from __future__ import annotations

from backend.domain.privacy.trace import KnownValues, TraceKind
from backend.usecases.scan_privacy import PublicBytes, scan_privacy

LOOKS_LIKE_A_POSITION = (231_000_000).to_bytes(4, "little") + (1_132_000_000).to_bytes(4, "little")
DEVICE = int.from_bytes(LOOKS_LIKE_A_POSITION, "big")
STATE = [PublicBytes("state", "registrarOf(5)", bytes(24) + LOOKS_LIKE_A_POSITION)]


class TestIds:
    def test_that_look_like_positions_are_told_of_where_nobody_named_them(self) -> None:
        assert [leak.trace.kind for leak in scan_privacy(STATE, KnownValues()).leaks] == [TraceKind.POSITION]

    def test_that_the_chain_names_are_no_positions(self) -> None:
        assert scan_privacy(STATE, KnownValues(), ids=lambda: frozenset({DEVICE})).leaks == []

    def test_hide_nothing_else(self) -> None:
        other = PublicBytes("state", "other", bytes(24) + LOOKS_LIKE_A_POSITION[4:] + LOOKS_LIKE_A_POSITION[:4])
        found = scan_privacy([*STATE, other], KnownValues(), ids=lambda: frozenset({DEVICE}))
        assert [leak.place for leak in found.leaks] == ["other"]
