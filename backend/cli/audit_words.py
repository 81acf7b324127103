"""What an audit says to people, in Chinese and in English."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from backend.domain.types import Stream

FOLDER: Final = Path(__file__).parent / "i18n"
LANGUAGES: Final = ("zh", "en")
TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    language: json.loads((FOLDER / f"audit.{language}.json").read_text(encoding="utf-8")) for language in LANGUAGES
}


def language_of_locale(environment: Mapping[str, str] = os.environ) -> str:
    """Return `zh` where the locale is Chinese, else `en`."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return "zh" if environment[name].lower().startswith("zh") else "en"
    return "en"


class Words:
    """The texts of one language."""

    def __init__(self, language: str) -> None:
        self.language, self._texts = language, TEXTS[language]

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its values filled in."""
        return self._texts[key].format(**values)

    def count(self, faults: int) -> str:
        """Return how many faults there are, or that there are none."""
        if not faults:
            return self("agrees")
        return self("faults.one") if faults == 1 else self("faults", count=faults)

    def counts(self, kind: str, counter: Mapping[str, int], number: Callable[[int], str] = str) -> str:
        """Return a counter by name: `kind` is `outcome` or `refusal`."""
        listed = [
            self("counted_as", name=self(f"{kind}.{name}"), count=number(count)) for name, count in counter.items()
        ]
        return self("comma").join(listed) or self("none")

    def fault(self, fault: Mapping[str, Any]) -> str:
        """Return a fault of a report on one line."""
        if fault["kind"] == "source":
            return self("compared.source", line=f"{fault['subject']}: {fault['found']['code']}")
        expected, found = (self("fault." + side, value=self.value(fault, side)) for side in ("expected", "found"))
        said = self("colon").join((self.where(fault), self("kind." + fault["kind"])))
        return self("colon").join((said, self("semicolon").join((expected, found))))

    def where(self, fault: Mapping[str, Any]) -> str:
        """Return where a fault is."""
        parts = [self("fault.where", block=fault["block"])] if "block" in fault else []
        parts += [self("fault.device", device=fault["device"])] if "device" in fault else []
        parts += [self("fault.seq", seq=fault["seq"])] if "seq" in fault else []
        parts += [self.subject(part) for part in fault.get("subject", "").split(", ") if part]
        return self("comma").join(parts)

    def subject(self, part: str) -> str:
        """Return what a fault is about: `lot 0a…`, `stream 4`, a contract's name."""
        kind, _, name = part.partition(" ")
        if not name:
            return part
        if kind == "stream":
            name = self("stream." + Stream(int(name)).name.lower())
        return self("subject." + kind, id=name)

    def value(self, fault: Mapping[str, Any], side: str) -> str:
        """Return what was expected or found: of two long lists only where they differ."""
        value, other = fault[side], fault["found" if side == "expected" else "expected"]
        if value is None:
            return self("fault.nothing")
        shown = value
        if other is not None and value.keys() == other.keys():
            shown = {name: part for name, part in value.items() if part != other[name]} or value
        return self("comma").join(self._part(name, part) for name, part in shown.items())

    def _part(self, name: str, part: object) -> str:
        said = self(f"{name}.{part}") if name in ("outcome", "refusal") else str(part)
        return self._texts["value." + name].format(said)
