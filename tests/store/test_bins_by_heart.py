"""What is known of bins is asked for once a minute, and never missed."""

from __future__ import annotations

from collections.abc import Collection

from backend.store.bins_by_heart import BinsByHeart


class Register:
    """Bins that exist, and what was asked about them."""

    def __init__(self, **streams: int) -> None:
        self.streams = {int(name[1:]): stream for name, stream in streams.items()}
        self.asked: list[set[int]] = []

    def ask(self, bins: Collection[int]) -> dict[int, int]:
        self.asked.append(set(bins))
        return {number: self.streams[number] for number in bins if number in self.streams}


class TestBinsByHeart:
    def test_asks_for_a_bin_once(self) -> None:
        register, heart = Register(b1=3, b2=4), BinsByHeart()
        assert heart.find({1}, register.ask) == {1: 3}
        assert heart.find({1, 2}, register.ask) == {1: 3, 2: 4}
        assert heart.find({1, 2}, register.ask) == {1: 3, 2: 4}
        assert register.asked == [{1}, {2}]

    def test_sees_at_once_that_a_bin_has_come_to_exist(self) -> None:
        register, heart = Register(), BinsByHeart()
        assert heart.find({1}, register.ask) == {}
        register.streams[1] = 3
        assert heart.find({1}, register.ask) == {1: 3}

    def test_sees_after_a_minute_that_a_bin_is_of_another_stream(self) -> None:
        now = [100.0]
        register, heart = Register(b1=3), BinsByHeart(lambda: now[0])
        heart.find({1}, register.ask)
        register.streams[1] = 4
        now[0] += 59
        assert heart.find({1}, register.ask) == {1: 3}
        now[0] += 1
        assert heart.find({1}, register.ask) == {1: 4}
