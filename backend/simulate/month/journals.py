"""What each device wrote, line by line, and when it was recorded."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class Case:
    """A fraud that was hidden in the month; `lines` are (device, seq) of the entries that lie.

    `culprit` is the device that told the lie, or the vehicle where scales and tares are concerned.
    `implied` are entries that are not as they should be in consequence, by the kind of what is wrong with them.
    """

    kind: str
    how: str
    day: int
    culprit: int
    lines: set[tuple[int, int]] = field(default_factory=set)
    implied: set[tuple[str, int, int]] = field(default_factory=set)

    def implies(self, kind: str, device: int, seq: int) -> None:
        """Say what else is wrong because of this fraud."""
        self.implied.add((kind, device, seq))


@dataclass
class Line:
    """An entry: its kind by name, its fields, and when its block was made."""

    kind: str
    fields: dict[str, int]
    recorded_at: int


@dataclass
class Journals:
    """All devices' journals and all frauds of a month."""

    lines: dict[int, list[Line]] = field(default_factory=lambda: defaultdict(list))
    roles: dict[int, int] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)
    lots: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    tickets: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def write(
        self, device: int, kind: str, *, recorded_at: int = 0, case: Case | None = None, **fields: int
    ) -> int:
        """Add a line; return its seq."""
        self.lines[device].append(Line(kind, fields, recorded_at))
        seq = len(self.lines[device])
        if case is not None:
            case.lines.add((device, seq))
        return seq

    def upload(self, device: int, first: int, at: int) -> None:
        """Say that all lines from a seq on that are not recorded yet were recorded at that time."""
        for line in self.lines[device][first - 1 :]:
            line.recorded_at = line.recorded_at or at

    def new_lot(self, device: int) -> int:
        """Return the id of the next lot that a device opens."""
        self.lots[device] += 1
        return device << 32 | self.lots[device]

    def new_case(self, kind: str, how: str, day: int, culprit: int) -> Case:
        """Add a fraud to the truth."""
        self.cases.append(Case(kind, how, day, culprit))
        return self.cases[-1]
