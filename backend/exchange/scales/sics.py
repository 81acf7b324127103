"""What an indicator with MT-SICS answers, read strictly: a weight, a refusal, or its serial number.

Commands used, all of level 0: `S` stable weight, `SI` weight now, `SIR` weight now and again, `@` reset,
`I4` serial number. An answer is a line of ASCII ended by CR LF; a weight stands right-aligned in 10 characters.
Source: Mettler-Toledo, MT-SICS Interface Commands, Reference Manual 30014405, 2.2.1 and 2.3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from backend.domain.errors import DomainError

END = b"\r\n"
STABLE, NOW, REPEAT, RESET, SERIAL = b"S", b"SI", b"SIR", b"@", b"I4"
WIDTH = 10

_GRAMS_PER = {"g": 1, "kg": 1_000, "t": 1_000_000}
_WEIGHT = re.compile(rb"S (?P<status>[SD]) (?P<value>[ 0-9.-]{10}) (?P<unit>[a-z]{1,5})")
_VALUE = re.compile(r" *(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)")
_SERIAL = re.compile(rb'I4 A "(?P<serial>[\x20\x21\x23-\x7e]*)"')


class UnreadableAnswer(DomainError):
    """An indicator's answer is not in its own protocol, or not in whole grams."""

    slug = "unreadable-answer"
    title = "The indicator's answer cannot be read"

    def __init__(self, line: bytes, why: str) -> None:
        super().__init__(f"{line[:40]!r}: {why}")
        self.line, self.why = line, why


class Trouble(Enum):
    """Why an indicator gives no weight."""

    NOT_EXECUTABLE = "S I"
    OVERLOAD = "S +"
    UNDERLOAD = "S -"
    SERIAL_NOT_EXECUTABLE = "I4 I"
    SYNTAX_ERROR = "ES"
    TRANSMISSION_ERROR = "ET"
    LOGICAL_ERROR = "EL"


@dataclass(frozen=True)
class Weight:
    """A mass on the platform in whole grams; `answer` is the line that said so."""

    grams: int
    is_stable: bool
    answer: str


@dataclass(frozen=True)
class SerialNumber:
    """Which indicator speaks."""

    serial: str


Answer = Weight | SerialNumber | Trouble
_TROUBLES = {trouble.value.encode(): trouble for trouble in Trouble}


def parse_answer(line: bytes) -> Answer:
    """Return what a line says, without its CR LF.

    Raises:
        UnreadableAnswer: anything that the manual does not describe, another unit, or a fraction of a gram.
    """
    trouble = _TROUBLES.get(line)
    if trouble is not None:
        return trouble
    named = _SERIAL.fullmatch(line)
    if named is not None:
        return SerialNumber(named["serial"].decode("ascii"))
    weighed = _WEIGHT.fullmatch(line)
    if weighed is None:
        raise UnreadableAnswer(line, "not an answer to S, SI, SIR, I4 or @")
    return Weight(_grams(line, weighed), weighed["status"] == b"S", line.decode("ascii"))


def _grams(line: bytes, weighed: re.Match[bytes]) -> int:
    value = _VALUE.fullmatch(weighed["value"].decode("ascii"))
    if value is None:
        raise UnreadableAnswer(line, "the weight is no number")
    factor = _GRAMS_PER.get(weighed["unit"].decode("ascii"))
    if factor is None:
        raise UnreadableAnswer(line, "a unit other than g, kg or t")
    grams = Decimal(value[1]) * factor
    if grams != int(grams):
        raise UnreadableAnswer(line, "a fraction of a gram")
    return int(grams)


def weight_line(grams: int, *, is_stable: bool, unit: str = "kg", decimals: int = 0) -> bytes:
    """Return the line, without CR LF, in which an indicator shows a mass.

    Raises:
        ValueError: the mass needs more than 10 characters or more decimals.
    """
    value = Decimal(grams) / _GRAMS_PER[unit]
    shown = f"{value:.{decimals}f}"
    if len(shown) > WIDTH or Decimal(shown) != value:
        raise ValueError(f"{grams} g cannot be shown in {unit} with {decimals} decimals")
    return f"S {'S' if is_stable else 'D'} {shown:>{WIDTH}} {unit}".encode("ascii")


def serial_line(serial: str) -> bytes:
    """Return the line, without CR LF, that answers `I4` and `@`."""
    return f'I4 A "{serial}"'.encode("ascii")
