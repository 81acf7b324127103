"""What is mixed into a lot is kept as one bit a stream."""

from __future__ import annotations

from backend.domain.mixing import bit_of, streams_in
from backend.domain.types import Stream


class TestMixture:
    def test_names_the_streams_whose_bits_are_set(self) -> None:
        assert streams_in(0) == ()
        assert streams_in(bit_of(Stream.FOOD) | bit_of(Stream.RESIDUAL)) == (Stream.FOOD, Stream.RESIDUAL)
