"""Verdicts of the published tolerance rules, and of a document whose versions follow each other."""

from __future__ import annotations

import json
import random
from typing import Any

from backend.domain.tolerances import NoToleranceInForce, judge, read_rules
from backend.domain.types import Basis, Stream
from backend.exchange.tolerance_file import PUBLISHED

_START = 1_767_196_800
"""The published rules come into force then."""
_NEWER = {
    "id": "estimated-bins",
    "version": 2,
    "in_force_from": "2026-07-01T00:00:00+08:00",
    "streams": ["residual", "recyclable"],
    "bases": ["estimated"],
    "permille_max": 150,
    "floor_grams": 0,
    "text": {"zh": "更严的一版。", "en": "A stricter version."},
    "source": "a vector",
}
_NEWER_FROM = 1_782_835_200


def tolerance_vectors() -> dict[str, Any]:
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    document = {**published, "rules": [*published["rules"], _NEWER]}
    rules = read_rules(document)
    rng = random.Random("tolerances")
    cases = []
    for at in (_START - 1, _START, _NEWER_FROM - 1, _NEWER_FROM):
        for stream in Stream:
            for basis in Basis:
                for declared, weighed in _masses(rng):
                    masses = {"declared_grams": declared, "weighed_grams": weighed}
                    try:
                        found = judge(**masses, stream=stream, basis=basis, at=at, rules=rules)
                    except NoToleranceInForce:
                        verdict = None
                    else:
                        verdict = {
                            "rule": found.rule_id,
                            "version": found.version,
                            "difference_grams": found.difference_grams,
                            "permille": found.permille,
                            "is_within": found.is_within,
                        }
                    case = {**masses, "stream": stream.name.lower(), "basis": basis.name.lower(), "at": at}
                    cases.append({**case, "verdict": verdict})
    malformed = [
        ("not an object", []),
        ("another format", {**document, "format": "huanlian-tolerances-2"}),
        ("no rules", {**document, "rules": []}),
        ("a rule without its text", {**document, "rules": [{k: v for k, v in _NEWER.items() if k != "text"}]}),
        ("a stream that is none", {**document, "rules": [{**_NEWER, "streams": ["glass"]}]}),
        ("a band that is no number", {**document, "rules": [{**_NEWER, "permille_max": "150"}]}),
    ]
    return {
        "document": document,
        "cases": cases,
        "malformed": [{"name": name, "document": wrong} for name, wrong in malformed],
    }


def _masses(rng: random.Random) -> list[tuple[int, int]]:
    declared = rng.randrange(1, 20_000_000)
    edge = declared * 300 // 1000
    return [(0, rng.randrange(1, 100_000)), (declared, declared + edge), (declared, declared + edge + 1)]
