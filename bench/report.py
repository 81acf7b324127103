"""What a long proof has found, for a person to read."""

from __future__ import annotations


class Report:
    """Lines that a person reads, and whether all of them hold."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.holds = True

    def say(self, text: str) -> None:
        """Add a line."""
        print(text, flush=True)
        self.lines.append(text)

    def check(self, what: str, holds: bool, found: object) -> None:
        """Add what was looked at, whether it holds, and what was found."""
        self.holds = self.holds and holds
        self.say(f"- {'holds' if holds else '**FAILS**'}: {what}: {found}")
