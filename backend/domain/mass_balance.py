"""opening + in = out + products, residue and energy + loss + closing, per site, stream and day.

Plain sums over moves (mass_flows.py); what does not close is shown as its error, never spread over the others.
Source: docs/spec/mass-balance.md, whose version this is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from backend.domain.mass_flows import Flow, Move, Place
from backend.domain.tolerances import NoToleranceInForce, ToleranceRule, judge

VERSION = "mass-balance-1"

IN = (Flow.LIFTED, Flow.TAKEN, Flow.UNATTESTED, Flow.MOVED_IN, Flow.GAINED)
OUT = (Flow.GIVEN, Flow.MOVED_OUT)
FATES = (Flow.PRODUCT, Flow.RESIDUE, Flow.ENERGY)
_MILLION = 1_000_000


class RowKey(NamedTuple):
    """What a row is of."""

    place: Place
    stream: int


class Line(NamedTuple):
    """The sums of one flow of a row on its day; `is_late`: recorded on the chain after that day."""

    flow: int
    is_late: bool
    grams: int
    delta: int
    given: int
    facts: int


@dataclass(frozen=True)
class Row:
    """One site, stream and day. All in grams; `facts` counts the entries behind a figure."""

    key: RowKey
    day: int
    opening: int
    flows: Mapping[int, int] = field(default_factory=dict)
    late: Mapping[int, int] = field(default_factory=dict)
    facts: Mapping[int, int] = field(default_factory=dict)
    late_facts: int = 0
    delta: int = 0
    given: int = 0
    """What the givers of all that was taken had declared."""
    beyond: int = 0
    """Handoffs into the site whose two masses differ by more than the published rule allows."""

    def sum_of(self, *flows: Flow) -> int:
        """Return the grams of these flows together."""
        return sum(self.flows.get(flow, 0) for flow in flows)

    @property
    def inward(self) -> int:
        """What came in: lifted, taken, moved here, gained in work."""
        return self.sum_of(*IN)

    @property
    def outward(self) -> int:
        """What others took, and what moved to another site of the organisation."""
        return self.sum_of(*OUT)

    @property
    def loss(self) -> int:
        """What its holder declared lost."""
        return self.sum_of(Flow.LOSS)

    @property
    def closing(self) -> int:
        """What lies there at the end of the day, as the ledger's lots have it."""
        return self.opening + self.delta

    @property
    def error(self) -> int:
        """What is not explained: positive where grams are gone, negative where they came from nowhere."""
        return self.opening + self.inward - self.outward - self.sum_of(*FATES) - self.loss - self.closing

    @property
    def error_ppm(self) -> int | None:
        """The error in millionths of what was there or came in, rounded towards zero; None of nothing."""
        whole = self.opening + self.inward
        if whole <= 0:
            return None
        size = abs(self.error) * _MILLION // whole
        return size if self.error >= 0 else -size

    @property
    def difference(self) -> int:
        """Grams that scales here found more than the givers declared; it explains nothing that is in the error."""
        return self.sum_of(Flow.TAKEN) - self.given

    @property
    def missing_facts(self) -> int:
        """How often a later fact shows that a receipt is not there."""
        return self.facts.get(Flow.MISSING, 0)

    @property
    def is_red(self) -> bool:
        """It does not close, a receipt is missing, more left than was there, or a scale is beyond tolerance."""
        return self.error != 0 or self.missing_facts > 0 or self.closing < 0 or self.beyond > 0

    @property
    def is_empty(self) -> bool:
        """Nothing was there, and nothing happened."""
        return self.opening == self.closing == 0 and not self.facts


def row_of(key: RowKey, day: int, *, opening: int, lines: Iterable[Line], beyond: int = 0) -> Row:
    """Return a day's row from its sums by flow."""
    flows: dict[int, int] = {}
    late: dict[int, int] = {}
    facts: dict[int, int] = {}
    late_facts = delta = given = 0
    for line in lines:
        flows[line.flow] = flows.get(line.flow, 0) + line.grams
        facts[line.flow] = facts.get(line.flow, 0) + line.facts
        delta += line.delta
        given += line.given
        if line.is_late:
            late[line.flow] = late.get(line.flow, 0) + line.grams
            late_facts += line.facts
    return Row(key, day, opening, flows, late, facts, late_facts, delta, given, beyond)


def is_beyond(taken: Move, rules: Sequence[ToleranceRule]) -> bool:
    """Say whether a published rule calls the difference between what was given and what was taken significant.

    A take in part has no verdict, nor has one for which no rule was in force.
    """
    if not taken.given_basis:
        return False
    try:
        found = judge(
            declared_grams=taken.given,
            weighed_grams=taken.grams,
            stream=taken.stream,
            basis=taken.given_basis,
            at=taken.occurred_at,
            rules=rules,
        )
    except NoToleranceInForce:
        return False
    return not found.is_within


def table_of(moves: Iterable[Move], day: int, rules: Sequence[ToleranceRule] = ()) -> list[Row]:
    """Return the rows of a day, by place and stream; those in which nothing lay or happened are left out."""
    openings: dict[RowKey, int] = {}
    lines: dict[RowKey, list[Line]] = {}
    beyond: Counter[RowKey] = Counter()
    for move in moves:
        key = RowKey(move.place, move.stream)
        if move.day < day:
            openings[key] = openings.get(key, 0) + move.delta
        elif move.day == day:
            is_late = move.recorded_day > day
            lines.setdefault(key, []).append(Line(move.flow, is_late, move.grams, move.delta, move.given, 1))
            beyond[key] += is_beyond(move, rules)
    rows = [
        row_of(key, day, opening=openings.get(key, 0), lines=lines.get(key, ()), beyond=beyond[key])
        for key in sorted({*openings, *lines})
    ]
    return [row for row in rows if not row.is_empty]
