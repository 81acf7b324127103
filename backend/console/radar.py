"""The radar: what looks wrong, in words, with the signed entries that say so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.console import formats
from backend.console.language import Words, language_of
from backend.console.pages import Pages
from backend.domain.radar.findings import FindingKind
from backend.domain.radar.thresholds import Threshold
from backend.store.findings import FindingReading
from backend.store.reading import Reader
from backend.usecases.finding_views import FindingFilter, FindingView
from backend.usecases.views import Name

_SITE, _BIN, _PAGE_NUMBER = (re.compile(p) for p in (r"[0-9a-f]{16}", r"[0-9a-f]{10}", r"[1-9][0-9]{0,5}"))
_FINDINGS_A_PAGE: Final = 20
CONFIDENCES: Final = (0, 950, 990, 999)
"""Choices of the least confidence, in thousandths."""
_MINUTES_FROM_SECONDS: Final = 600
_HOURS_FROM_SECONDS: Final = 2 * 3600


@dataclass(frozen=True)
class ShownFinding:
    """A finding with its numbers as people read them, and the text of its rule."""

    found: FindingView
    numbers: Mapping[str, str]
    confidence: str
    rule: Name | None
    organisations: Mapping[str, Name]
    consequences: tuple[ShownFinding, ...] = ()


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the page."""

    @router.get("/radar")
    def radar(request: Request) -> HTMLResponse:
        wanted = _filter(request)
        page = _page(request)
        with pages.deps.read() as reader:
            reading = FindingReading(reader)
            found = reading.page(wanted, offset=(page - 1) * _FINDINGS_A_PAGE, limit=_FINDINGS_A_PAGE)
            count, looked_at = reading.count(wanted), reading.looked_at()
            counts, sites = reading.counts_by_kind(), reading.sites()
            rules = {(rule.rule_id, rule.version): rule for rule in pages.deps.thresholds}
            words = Words(language_of(request))
            findings = [shown(one, rules, reader, words) for one in found]
        return pages.render(
            request,
            "radar.html",
            findings=findings,
            count=count,
            counts=counts,
            kinds=[kind.value for kind in FindingKind],
            sites=sites,
            confidences=CONFIDENCES,
            wanted=wanted,
            looked_at=looked_at,
            page=page,
            pages=max(1, -(-count // _FINDINGS_A_PAGE)),
            query="".join(f"&{part}" for part in [urlencode(_query(wanted))] if part),
        )


def _filter(request: Request) -> FindingFilter:
    """Return what the address asks for; what it asks wrongly is not asked."""
    asked = request.query_params
    kind, site, least = asked.get("kind", ""), asked.get("site", ""), asked.get("confidence", "")
    number = asked.get("bin", "")
    return FindingFilter(
        kind if kind in {known.value for known in FindingKind} else None,
        site if _SITE.fullmatch(site) else None,
        int(least) if least in map(str, CONFIDENCES) else 0,
        bin=number if _BIN.fullmatch(number) else None,
    )


def _query(wanted: FindingFilter) -> dict[str, str | int]:
    asked = {
        "kind": wanted.kind,
        "site": wanted.site,
        "confidence": wanted.confidence_permille_min,
        "bin": wanted.bin,
    }
    return {name: value for name, value in asked.items() if value}


def _page(request: Request) -> int:
    asked = request.query_params.get("page", "1")
    return int(asked) if _PAGE_NUMBER.fullmatch(asked) else 1


def shown(
    found: FindingView, rules: Mapping[tuple[str, int], Threshold], reader: Reader, words: Words
) -> ShownFinding:
    """Return a finding as people read it."""
    rule = rules.get((found.rule_id, found.rule_version))
    named = [value for name, value in found.subjects.items() if name in ("device", "other_device", "vehicle")]
    return ShownFinding(
        found,
        {name: _number(name, value, words) for name, value in found.numbers.items()},
        f"{found.confidence_permille // 10}.{found.confidence_permille % 10}",
        None if rule is None else Name(rule.text_zh, rule.text_en),
        {value: reader.organisation(value[:6]).name for value in named},
        tuple(shown(other, rules, reader, words) for other in found.consequences),
    )


def _number(name: str, value: int, words: Words) -> str:
    """Return a number as people read it, by the unit that its name ends in."""
    match name.rpartition("_")[2]:
        case "grams":
            return formats.mass(value)
        case "permille":
            return f"{value / 10:.1f}"
        case "100000":
            return f"{value / 1000:.2f}"
        case "seconds":
            return _duration(value, words)
        case _:
            return formats.grouped(value)


def _duration(seconds: int, words: Words) -> str:
    if seconds < _MINUTES_FROM_SECONDS:
        return words("radar.seconds", count=seconds)
    if seconds < _HOURS_FROM_SECONDS:
        return words("radar.minutes", count=seconds // 60)
    return words("radar.hours", count=seconds // 3600)
