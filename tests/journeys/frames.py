"""What people saw: who held which lot after each step, and what the ledger said of it, first and last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from folding import Run, begin, bring_step, lots_by_name, run_as_told, said_of
from story import Step, Story
from telling import tell

from backend.domain.custody_state import LotStatus
from backend.domain.journal import Network
from backend.domain.types import Flaw, Outcome

NETWORK = Network(31337, bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3"))


@dataclass(frozen=True)
class LotThen:
    """A lot at one moment."""

    holder: str
    grams: int
    stream: int
    status: LotStatus

    @property
    def is_in_custody(self) -> bool:
        """Somebody holds it, or has offered it and still answers for it."""
        return self.status in (LotStatus.HELD, LotStatus.GIVEN, LotStatus.LEAVING)


@dataclass(frozen=True)
class Frame:
    """One step with its answers and the lots after it. `first` is None where a step writes nothing."""

    step: Step
    first: Outcome | None
    last: Outcome | None
    flaw: Flaw
    lots: Mapping[str, LotThen]


def frames_of(story: Story) -> list[Frame]:
    """Return a story's steps with the lots as people saw them: as if nobody had been without signal."""
    seen = tell(story, NETWORK, at_once=True)
    recorded = tell(story, NETWORK)
    answers = run_as_told(recorded)
    names = {device: name for name, device in seen.cast.devices.items()}
    run = Run(seen.fresh_state())
    begin(run, seen)
    frames = []
    for told, answered in zip(seen.told, recorded.told, strict=True):
        bring_step(run, told)
        first = last = None
        flaw = Flaw.NONE
        if answered.seqs:
            ((last, flaw),) = said_of(answered, answers.last)
            ((first, _),) = said_of(answered, answers.first)
        lots = {
            name: LotThen(names[lot.holder], lot.grams, lot.stream, LotStatus(lot.status))
            for name, lot in lots_by_name(seen, run.state).items()
        }
        frames.append(Frame(told.step, first, last, flaw, lots))
    return frames
