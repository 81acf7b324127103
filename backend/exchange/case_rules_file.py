"""The published deadlines of cases, as they lie beside this code or in a file that the city names."""

from __future__ import annotations

from pathlib import Path

from backend.domain.case_rules import CaseRule, UnusableCaseRules, read_case_rules
from backend.domain.strict_json import InvalidJson, read_json

PUBLISHED = Path(__file__).parent / "data" / "case-rules.json"


def load_case_rules(path: Path = PUBLISHED) -> tuple[CaseRule, ...]:
    """Return all versions of the rules in a file.

    Raises:
        UnusableCaseRules: the file is no JSON, or its rules cannot be used.
    """
    try:
        return read_case_rules(read_json(path.read_bytes()))
    except InvalidJson as error:
        raise UnusableCaseRules(f"{path.name}: {error}") from error
