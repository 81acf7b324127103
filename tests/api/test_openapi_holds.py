"""What the OpenAPI document says is what the server does, whatever it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from audited_city import Audited
from openapi_asker import HOTLINE_KEY, ask_by_schema, asked_city

SEED, EXAMPLES = 6, 3
"""A few; `scripts/prove api` asks many more, with a seed that nobody chose."""
OPERATIONS_MIN = 45


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    with asked_city(tmp_path_factory.mktemp("asked")) as made:
        yield made


def test_no_answer_is_a_fault_or_one_that_the_document_does_not_have(town: Audited, tmp_path: Path) -> None:
    asked = ask_by_schema(town, tmp_path, examples=EXAMPLES, seed=SEED)
    assert asked.holds, asked.said
    assert asked.operations >= OPERATIONS_MIN
    assert asked.requests > 10 * asked.operations


def test_every_refusal_in_the_document_is_a_problem(town: Audited) -> None:
    document = httpx.get(f"{town.city.url}/openapi.json", timeout=30).json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            told = operation["responses"]
            assert any(status.startswith("2") for status in told), where
            for status, answer in told.items():
                if status[0] in "45":
                    assert list(answer["content"]) == ["application/problem+json"], f"{where} {status}"


def test_a_refused_method_is_told_of_all_that_the_address_has(town: Audited) -> None:
    headers = {"Authorization": f"Bearer {HOTLINE_KEY}"}
    answer = httpx.options(f"{town.city.url}/api/v1/hotline/complaints/1", headers=headers, timeout=30)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PUT")
