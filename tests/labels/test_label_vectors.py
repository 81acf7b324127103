from __future__ import annotations

import json

from tests.labels.label_vectors import PATH, build


class TestLabelVectors:
    def test_on_disk_are_what_the_function_writes(self) -> None:
        assert json.loads(PATH.read_text(encoding="utf-8")) == build()
