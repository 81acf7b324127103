from __future__ import annotations

from pathlib import Path

import pytest

from backend.domain.radar.thresholds import UnusableThresholds, in_force
from backend.exchange.threshold_file import PUBLISHED, load_thresholds


class TestThresholdFile:
    def test_published_thresholds_are_in_force(self) -> None:
        assert in_force(load_thresholds(), 1_772_337_600)

    def test_refuses_what_is_no_json_or_names_a_key_twice(self, tmp_path: Path) -> None:
        path = tmp_path / "radar.json"
        for text in ("{", PUBLISHED.read_text(encoding="utf-8").replace('"about":', '"format":', 1)):
            path.write_text(text, encoding="utf-8")
            with pytest.raises(UnusableThresholds):
                load_thresholds(path)
