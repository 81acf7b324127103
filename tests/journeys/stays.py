"""Where each lot stays in a picture: in whose lane, from which row to which, in which slot."""

from __future__ import annotations

from dataclasses import dataclass, field

from frames import Frame
from story import Story

from backend.domain.custody_state import LotStatus


@dataclass
class Stay:
    """A lot in one actor's hands: from one row to another, in one slot of the lane."""

    lot: str
    holder: str
    stream: int
    first: int
    last: int
    comes_from: str | None
    slot: int = 0
    given: set[int] = field(default_factory=set)


def stays_of(frames: list[Frame]) -> list[Stay]:
    """Return each lot's stays, in the order in which they begin."""
    stays: list[Stay] = []
    open_stays: dict[str, Stay] = {}
    for number, frame in enumerate(frames):
        for name, lot in frame.lots.items():
            stay = open_stays.get(name)
            if stay is not None and lot.is_in_custody and (stay.holder, stay.stream) == (lot.holder, lot.stream):
                stay.last = number
            elif lot.is_in_custody:
                source = name if stay is not None else _parent(name, frame)
                open_stays[name] = stay = Stay(name, lot.holder, lot.stream, number, number, source)
                stays.append(stay)
            else:
                open_stays.pop(name, None)
                continue
            if lot.status == LotStatus.GIVEN:
                stay.given.add(number)
    return stays


def _parent(name: str, frame: Frame) -> str | None:
    """Return the lot out of which a new one came in this step, if any."""
    says = frame.step.says
    if frame.step.does in ("split", "transform"):
        return str(says["lot"])
    if frame.step.does == "take" and says.get("into") == name:
        return _TAKEN_FROM
    return None


_TAKEN_FROM = "?"


def give_slots(stays: list[Stay], story: Story) -> dict[str, int]:
    """Give each stay the first slot of its lane that is free; return how many each lane needs."""
    counts = dict.fromkeys(story.actors, 0)
    for stay in stays:
        if stay.comes_from == _TAKEN_FROM:
            give = next(step for step in story.steps if step.says.get("into") == stay.lot).says["give"]
            stay.comes_from = str(story.step(give).says["lot"])
        busy = {
            other.slot
            for other in stays
            if other is not stay
            and other.holder == stay.holder
            and other.first <= stay.first <= other.last + 1
            and stays.index(other) < stays.index(stay)
        }
        stay.slot = next(slot for slot in range(len(stays)) if slot not in busy)
        counts[stay.holder] = max(counts[stay.holder], stay.slot + 1)
    return counts
