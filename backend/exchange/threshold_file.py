"""The radar's published thresholds, as they lie beside this code or in a file that the city names."""

from __future__ import annotations

from pathlib import Path

from backend.domain.radar.thresholds import Threshold, UnusableThresholds, read_thresholds
from backend.domain.strict_json import InvalidJson, read_json

PUBLISHED = Path(__file__).parent / "data" / "radar.json"


def load_thresholds(path: Path = PUBLISHED) -> tuple[Threshold, ...]:
    """Return all versions of the thresholds in a file.

    Raises:
        UnusableThresholds: the file is no JSON, or its rules cannot be used.
    """
    try:
        document = read_json(path.read_bytes())
    except InvalidJson as error:
        raise UnusableThresholds(f"{path.name}: {error}") from error
    return read_thresholds(document)
