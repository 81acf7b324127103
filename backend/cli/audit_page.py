"""An audit's report as one HTML file that needs nothing else: for a screen, a phone or paper."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from backend.cli.audit_text import compared_lines
from backend.cli.audit_words import Words
from backend.console.formats import grouped, instant

_TEMPLATES: Final = Path(__file__).parent / "templates"
_RARE: Final = ("witnesses", "gaps_closed", "forks", "sites", "bins_placed")
_LANGUAGE_TAGS: Final = {"zh": "zh-Hans", "en": "en"}


def html_report(report: Mapping[str, Any], words: Words) -> str:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["grouped"] = lambda number: grouped(int(number))
    environment.filters |= {"instant": instant, "hex": _hex}
    counted, seals = report["counted"], {"raw": 0, "webauthn": 0, **report["seals"]}
    tiles = [("segments", counted["segments"]), ("entries", counted["entries"]), ("lifts", counted["lifts"])]
    tiles += [("raw", seals["raw"]), ("webauthn", seals["webauthn"])]
    tiles += [(name, counted[name]) for name in _RARE if counted[name]]
    return environment.get_template("audit.html").render(
        report=report,
        words=words,
        tag=_LANGUAGE_TAGS[words.language],
        tiles=tiles,
        grouped=grouped,
        compared=list(compared_lines(report["compared"], words, grouped)),
    )


def _hex(value: str) -> list[str]:
    """Return a long number in groups, so that people can compare two and lines may break between them."""
    return [value[start : start + 8] for start in range(0, len(value), 8)]
