"""Cases: what waits for somebody, who that is and until when; one case with its entries and its actions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.console.language import TEXTS, Words, language_of
from backend.console.pages import Pages
from backend.domain.case_rules import CaseRule
from backend.domain.cases import CaseKind, CaseState
from backend.domain.radar.thresholds import Threshold
from backend.domain.recorded import EntryId
from backend.domain.tolerances import ToleranceRule
from backend.domain.types import AmendedField, device_text, organisation_text
from backend.store.cases import CaseReading
from backend.store.reading import Reader
from backend.usecases.case_actions import Action, actions_of
from backend.usecases.case_views import CaseCount, CaseFilter, CaseView
from backend.usecases.views import Name, OrganisationView

_CODE = re.compile(r"[a-z-]{5,24}-[0-9a-f]{16}(-[1-9][0-9]{0,12})?|finding-[0-9a-f]{32}")
_ORGANISATION, _PAGE_NUMBER = re.compile(r"[0-9a-f]{6}"), re.compile(r"[1-9][0-9]{0,5}")
_CASES_A_PAGE: Final = 25
_SCRIPT: Final = "act.js"
_WORDS_OF_SCRIPT: Final = "act."


@dataclass(frozen=True)
class Totals:
    """How many cases wait, and how many are overdue."""

    waiting: int
    overdue: int


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the pages."""

    @router.get("/cases")
    def cases(request: Request) -> HTMLResponse:
        wanted = _filter(request)
        page = _page(request)
        with pages.deps.read() as reader:
            reading = _reading(pages, reader)
            found = reading.page(wanted, offset=(page - 1) * _CASES_A_PAGE, limit=_CASES_A_PAGE)
            count, counts = reading.count(wanted), reading.counts()
        return pages.render(
            request,
            "cases.html",
            cases=found,
            count=count,
            totals=_totals(counts),
            by_kind={kind: _totals([c for c in counts if c.kind is kind]) for kind in CaseKind},
            owners=_owners(counts),
            kinds=list(CaseKind),
            states=list(CaseState),
            wanted=wanted,
            query=_query(wanted),
            page=page,
            pages=max(1, -(-count // _CASES_A_PAGE)),
            rules=_rules(pages),
        )

    @router.get("/cases/passkey")
    def passkey(request: Request) -> HTMLResponse:
        return pages.render(
            request, "passkey.html", script=_script(pages.deps.app_dist), act_words=_words_of_script(request)
        )

    @router.get("/cases/{code}")
    def one(request: Request, code: str) -> HTMLResponse:
        if not _CODE.fullmatch(code):
            return pages.not_found(request, about="case")
        with pages.deps.read() as reader:
            reading = _reading(pages, reader)
            case = reading.find(code)
            if case is None:
                return pages.not_found(request, about="case")
            entries = [reader.find_entry(device_text(entry.device), entry.seq) for entry in case.entries]
            actions = actions_of(case, lambda entry: _head_after(reader, entry))
            names = {one: reader.organisation(organisation_text(one)) for a in actions for one in a.organisations}
            spans = reading.spans(code)
        return pages.render(
            request,
            "case.html",
            case=case,
            entries=[entry for entry in entries if entry is not None],
            spans=spans,
            actions=actions,
            names=names,
            act=_for_script(case, actions),
            act_words=_words_of_script(request),
            script=_script(pages.deps.app_dist),
            rule=_rules(pages).get((case.rule_id, case.rule_version)),
            rules=_rules(pages),
        )


def _reading(pages: Pages, reader: Reader) -> CaseReading:
    return CaseReading(reader, reader.present(pages.deps.now()))


def _head_after(reader: Reader, entry: EntryId) -> bytes:
    return reader.head_after(device_text(entry.device), entry.seq)


def _filter(request: Request) -> CaseFilter:
    """Return what the address asks for; what it asks wrongly is not asked. Without a state: what waits."""
    asked = request.query_params
    kind, owner, state = asked.get("kind", ""), asked.get("organisation", ""), asked.get("state", "")
    chosen = CaseState(state) if state in {known.value for known in CaseState} else None
    return CaseFilter(
        CaseKind(kind) if kind in {known.value for known in CaseKind} else None,
        int(owner, 16) if _ORGANISATION.fullmatch(owner) else None,
        chosen,
        is_waiting=chosen is None and state != "all",
    )


def _query(wanted: CaseFilter) -> str:
    state = wanted.state.value if wanted.state else "" if wanted.is_waiting else "all"
    asked = {
        "kind": wanted.kind.value if wanted.kind else "",
        "organisation": "" if wanted.owner is None else organisation_text(wanted.owner),
        "state": state,
    }
    given = {name: value for name, value in asked.items() if value}
    return f"&{urlencode(given)}" if given else ""


def _page(request: Request) -> int:
    asked = request.query_params.get("page", "1")
    return int(asked) if _PAGE_NUMBER.fullmatch(asked) else 1


def _totals(counts: list[CaseCount]) -> Totals:
    return Totals(sum(found.waiting for found in counts), sum(found.overdue for found in counts))


def _owners(counts: list[CaseCount]) -> list[tuple[OrganisationView, Totals]]:
    owners = {found.owner.organisation: found.owner for found in counts if found.owner is not None}
    return [
        (
            owner,
            _totals([found for found in counts if found.owner is not None and found.owner.organisation == one]),
        )
        for one, owner in sorted(owners.items())
    ]


def _rules(pages: Pages) -> Mapping[tuple[str | None, int | None], Name]:
    """Return the texts of every published rule that a case may name."""
    deps = pages.deps
    published: tuple[CaseRule | Threshold | ToleranceRule, ...]
    published = (*deps.case_rules, *deps.thresholds, *deps.tolerances.rules)
    return {(rule.rule_id, rule.version): Name(rule.text_zh, rule.text_en) for rule in published}


def _for_script(case: CaseView, actions: list[Action]) -> dict[str, Any]:
    """Return what the page's script needs to write an entry; numbers as text, for they may be long."""
    return {
        "case": case.code,
        "actions": [
            {
                "name": action.name,
                "kind": action.kind.name.lower(),
                "fields": {
                    name: device_text(value) if name == "device" else str(value)
                    for name, value in action.fields.items()
                },
                "organisations": sorted(organisation_text(one) for one in action.organisations),
                "value_of": None if action.value_of is None else action.value_of.name.lower(),
                "is_mass": action.value_of in (AmendedField.GRAMS, AmendedField.NET),
                "only_office": action.only_office,
            }
            for action in actions
        ],
    }


def _words_of_script(request: Request) -> dict[str, str]:
    texts = TEXTS[Words(language_of(request)).language]
    return {key: text for key, text in texts.items() if key.startswith(_WORDS_OF_SCRIPT)}


def _script(app_dist: Path) -> str | None:
    """Return the address of the built script; None where it was not built."""
    built = app_dist / _SCRIPT
    if not built.is_file():
        return None
    return f"/app/{_SCRIPT}?v={hashlib.sha256(built.read_bytes()).hexdigest()[:12]}"
