"""The published tolerance rules, as they lie beside this code or in a file that the city names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.domain.strict_json import InvalidJson, read_json
from backend.domain.tolerances import ToleranceRule, UnusableTolerances, read_rules, rules_digest

PUBLISHED = Path(__file__).parent / "data" / "tolerances.json"


@dataclass(frozen=True)
class Tolerances:
    """The rules, the digest of the whole document, texts included, and the document itself."""

    rules: tuple[ToleranceRule, ...]
    digest: bytes
    document: Mapping[str, Any]


def load_tolerances(path: Path = PUBLISHED) -> Tolerances:
    """Return the rules of a file.

    Raises:
        UnusableTolerances: the file is no JSON, or its rules cannot be used.
    """
    try:
        document = read_json(path.read_bytes())
    except InvalidJson as error:
        raise UnusableTolerances(f"{path.name}: {error}") from error
    return Tolerances(read_rules(document), rules_digest(document), document)
