"""What a load may be taken as once other streams are in it.

Mixing never makes waste cleaner: with anything hazardous in it a lot is hazardous, with anything else it is
residual. A receiver may always call a lot worse than that, never better.
"""

from __future__ import annotations

from backend.domain.types import Stream


def bit_of(stream: int) -> int:
    """Return a stream's bit in a mixture, or in a mandate's streams."""
    return 1 << stream


def streams_in(mixture: int) -> tuple[Stream, ...]:
    """Return the other streams that are in a lot."""
    return tuple(stream for stream in Stream if mixture & bit_of(stream))


def least_stream(stream: int, mixture: int) -> int:
    """Return the cleanest stream that a lot with this mixture can still be."""
    if stream == Stream.HAZARDOUS or mixture & bit_of(Stream.HAZARDOUS):
        return Stream.HAZARDOUS
    return Stream.RESIDUAL if mixture else stream


def may_be_taken_as(wanted: int, *, stream: int, mixture: int) -> bool:
    """Say whether a lot may be taken as the wanted stream."""
    least = least_stream(stream, mixture)
    if wanted == least or wanted == Stream.HAZARDOUS:
        return True
    return wanted == Stream.RESIDUAL and least != Stream.HAZARDOUS
