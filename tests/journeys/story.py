"""A journey as data: who did what with which lot, and what is expected to come of it.

The files in `stories/` hold only values; `telling.py` turns them into sealed journals.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from backend.domain.types import Flaw, Outcome

STORIES = Path(__file__).parent / "stories"
SHANGHAI = timezone(timedelta(hours=8))

ACTS: Mapping[str, frozenset[str]] = {
    "load": frozenset({"lot", "stream"}),
    "lift": frozenset({"bins", "each", "stream", "bin"}),
    "give": frozenset({"lot", "to", "grams"}),
    "take": frozenset({"give", "grams", "stream", "into", "ticket", "lot"}),
    "withdraw": frozenset({"undoes"}),
    "weigh": frozenset({"lot", "gross", "tare", "ticket"}),
    "merge": frozenset({"lots", "into", "stream"}),
    "split": frozenset({"lot", "into", "grams", "stream"}),
    "transform": frozenset({"lot", "outputs", "measures", "loss", "gain"}),
    "refuse": frozenset({"give", "reason"}),
    "redirect": frozenset({"give", "to", "reason"}),
    "close": frozenset({"lot", "fate", "product"}),
    "decline": frozenset({"bin", "stream", "reason"}),
    "acknowledge": frozenset({"of", "verdict"}),
    "amend": frozenset({"of", "op", "field", "value"}),
    "dispute": frozenset({"of", "op", "ground", "value"}),
    "enrol": frozenset({"whose"}),
    "revoke": frozenset({"whose"}),
    "witness": frozenset({"of"}),
    "transcribe": frozenset({"whose", "from", "through"}),
    "send": frozenset({"whose"}),
}
"""What each act may say besides who and when. `witness`, `transcribe` and `send` carry what others wrote."""

_FIRST_WINS = frozenset({"enrol", "witness", "revoke", "transcribe", "send"})
_EVERY_STEP = frozenset({"id", "at", "by", "does", "zh", "en", "outcome", "flaw", "first", "kept", "first_wins"})


@dataclass(frozen=True)
class Named:
    """What people call it."""

    zh: str
    en: str


@dataclass(frozen=True)
class Actor:
    """A device in somebody's hands."""

    name: str
    organisation: str
    role: str
    called: Named


@dataclass(frozen=True)
class Step:
    """One act, and the ledger's last word on it. `first` is its first word where that differs.

    `kept`: it stays on the device until a `send`. `first_wins`: its place in the ledger's order decides.
    """

    id: str
    at: int
    by: str
    does: str
    told: Named
    outcome: Outcome
    flaw: Flaw
    first: Outcome
    kept: bool
    first_wins: bool
    says: Mapping[str, Any]


@dataclass(frozen=True)
class Story:
    """A journey from its first act to who holds what at its end."""

    slug: str
    called: Named
    about: Named
    organisations: Mapping[str, Named]
    regulators: frozenset[str]
    actors: Mapping[str, Actor]
    lots: Mapping[str, Named]
    steps: tuple[Step, ...]
    end: Mapping[str, Any]

    def step(self, step_id: str) -> Step:
        """Return the step of that id."""
        return next(step for step in self.steps if step.id == step_id)

    @property
    def ends_at(self) -> int:
        """When the last step was done."""
        return max(step.at for step in self.steps)


def instant(told: datetime) -> int:
    """Return Unix seconds of a local time in Shanghai."""
    return int(told.replace(tzinfo=SHANGHAI).timestamp())


def read_story(path: Path) -> Story:
    """Return the story of a file; one that names what it has not introduced is refused."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    actors = {
        name: Actor(name, raw["of"], raw["role"], Named(raw["zh"], raw["en"]))
        for name, raw in data["actors"].items()
    }
    story = Story(
        slug=path.stem,
        called=Named(**data["called"]),
        about=Named(**data["about"]),
        organisations={name: Named(raw["zh"], raw["en"]) for name, raw in data["organisations"].items()},
        regulators=frozenset(name for name, raw in data["organisations"].items() if raw.get("regulator")),
        actors=actors,
        lots={name: Named(**raw) for name, raw in data["lots"].items()},
        steps=tuple(_read_step(number, raw) for number, raw in enumerate(data["told"]["steps"], 1)),
        end=data["end"],
    )
    _require_introduced(story)
    return story


def _read_step(number: int, raw: Mapping[str, Any]) -> Step:
    does = raw["does"]
    says = {key: value for key, value in raw.items() if key not in _EVERY_STEP}
    if unknown := set(says) - ACTS[does]:
        raise ValueError(f"step {number}: {does} cannot say {', '.join(sorted(unknown))}")
    outcome = Outcome[raw.get("outcome", "applied").upper()]
    return Step(
        id=raw.get("id", f"step {number}"),
        at=instant(raw["at"]),
        by=raw["by"],
        does=does,
        told=Named(raw["zh"], raw["en"]),
        outcome=outcome,
        flaw=Flaw[raw.get("flaw", "none").upper().replace(" ", "_")],
        first=Outcome[raw.get("first", outcome.name).upper()],
        kept=raw.get("kept", False),
        first_wins=raw.get("first_wins", False) or does in _FIRST_WINS or raw.get("verdict") == "released",
        says=says,
    )


def _require_introduced(story: Story) -> None:
    ids = [step.id for step in story.steps]
    if len(set(ids)) != len(ids):
        raise ValueError(f"{story.slug}: two steps have one id")
    for before, step in zip(story.steps, story.steps[1:], strict=False):
        if step.at < before.at:
            raise ValueError(f"{story.slug}: {step.id} is told before its time")
    for step in story.steps:
        if step.by not in story.actors:
            raise ValueError(f"{story.slug}: {step.id} is done by {step.by}, who was not introduced")
    for actor in story.actors.values():
        if actor.organisation not in story.organisations:
            raise ValueError(f"{story.slug}: {actor.name} is of {actor.organisation}, which was not introduced")


def read_stories() -> list[Story]:
    """Return all stories, by the name of their file."""
    return [read_story(path) for path in sorted(STORIES.glob("*.toml"))]
