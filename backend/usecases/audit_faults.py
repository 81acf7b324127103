"""What an audit can find wrong, each fault with where it is, what was expected and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from backend.domain.types import device_text


class FaultKind(StrEnum):
    """What does not hold. The first ones are about the chain alone, those after `STATE` about others' copies."""

    REFUSED = "refused"
    KEY = "key"
    SEAL = "seal"
    HEAD = "head"
    PIN = "pin"
    OUTCOME = "outcome"
    SETTLED = "settled"
    TRANSCRIBED = "transcribed"
    GAP = "gap"
    WITNESS = "witness"
    PLACE = "place"
    CONSERVATION = "conservation"
    STATE = "state"
    SERVED_LOT = "served-lot"
    SERVED_DEVICE = "served-device"
    SERVED_JOURNAL = "served-journal"
    SERVED_BIN = "served-bin"
    SERVED_TOTALS = "served-totals"
    SOURCE = "source"


Value = Mapping[str, str | int] | None
"""What was expected or found, by name; None: nothing. Sums, which have 64 bits, are decimal text."""


@dataclass(frozen=True)
class Fault:
    """One thing that does not hold. `subject` is what it is about where that is no entry of a device."""

    kind: FaultKind
    expected: Value
    found: Value
    block: int | None = None
    log: int | None = None
    device: int | None = None
    seq: int | None = None
    subject: str = ""

    @property
    def place(self) -> tuple[bool, int, int, int, str]:
        """Where the fault stands among others: in the chain's order, then those of no block."""
        is_off_chain = self.block is None
        return is_off_chain, self.block or 0, self.log or 0, self.seq or 0, self.kind

    def to_json(self) -> dict[str, Any]:
        """Return plain values; what does not apply is left out."""
        content: dict[str, Any] = {"kind": str(self.kind)}
        for name in ("block", "log", "seq", "subject"):
            if getattr(self, name) not in (None, ""):
                content[name] = getattr(self, name)
        if self.device is not None:
            content["device"] = device_text(self.device)
        for name, value in (("expected", self.expected), ("found", self.found)):
            content[name] = None if value is None else dict(value)
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Fault:
        """Return the fault that `to_json` wrote down."""
        values = {**content, "kind": FaultKind(content["kind"])}
        if "device" in content:
            values["device"] = int(content["device"], 16)
        return cls(**values)
