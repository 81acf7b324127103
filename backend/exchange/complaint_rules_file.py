"""The published limits of complaints, as they lie beside this code or in a file that the city names."""

from __future__ import annotations

from pathlib import Path

from backend.domain.complaint_rules import ComplaintRules, UnusableComplaintRules, read_complaint_rules
from backend.domain.strict_json import InvalidJson, read_json

PUBLISHED = Path(__file__).parent / "data" / "complaint-rules.json"


def load_complaint_rules(path: Path = PUBLISHED) -> tuple[ComplaintRules, ...]:
    """Return the versions of a file, oldest first.

    Raises:
        UnusableComplaintRules: the file is no JSON, or its rules cannot be used.
    """
    try:
        return read_complaint_rules(read_json(path.read_bytes()))
    except InvalidJson as error:
        raise UnusableComplaintRules(f"{path.name}: {error}") from error
