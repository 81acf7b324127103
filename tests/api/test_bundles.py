"""What bundles need of the chain, and what is said when it cannot be had; the rest is in test_whole_path.py."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from made_blocks import created_log, make_block, receipt
from small_city import SmallCity, upload_of, write_lifts

from backend.api.app import create_api
from backend.domain.blocks import Inclusion
from backend.domain.types import device_text, lot_id, lot_text
from backend.domain.writer import JournalWriter
from backend.usecases import prove_set
from backend.usecases.prove_entry import NotOnChain

WAY = make_block(1, [receipt(2, [created_log(bytes(20), organisation=1, device=2, key_hash=3)])]).inclusion(0)


class MadeProofs:
    """A chain that shows the same block for everything, or has replaced it."""

    def __init__(self, *, is_there: bool = True) -> None:
        self._is_there = is_there

    def of_log(self, block_hash: str, log_index: int) -> Inclusion:
        if not self._is_there:
            raise NotOnChain(f"the node does not have block {block_hash}")
        return WAY

    def of_naming(self, *, device: int, key_hash: int) -> Inclusion:
        return WAY

    def of_settling(self, *, ledger: bytes, device: int, seq: int) -> Inclusion | None:
        return None


def client_with(city: SmallCity, proofs: MadeProofs | None) -> TestClient:
    app = create_api(city.services(proofs=proofs), max_body_bytes=1 << 20)
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def addresses(city: SmallCity, client: TestClient, truck: JournalWriter) -> list[str]:
    """An entry and a lot that the ledger has."""
    write_lifts(truck, 3)
    segment = truck.cut()
    assert client.post("/api/v1/segments", json=upload_of(segment)).status_code == 201
    city.record(segment)
    lot = lot_text(lot_id(truck.device, 1))
    return [f"/api/v1/entries/{device_text(truck.device)}/2/bundle", f"/api/v1/lots/{lot}/bundle"]


def slug_of(answer: Any) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


def test_are_there_again_later_where_no_node_answers(city: SmallCity, addresses: list[str]) -> None:
    for address in addresses:
        answer = client_with(city, None).get(address)
        assert (answer.status_code, slug_of(answer), answer.json()["retryable"]) == (503, "not-ready", True)
        assert int(answer.headers["retry-after"]) > 0


def test_wait_where_the_chain_has_replaced_the_block(city: SmallCity, addresses: list[str]) -> None:
    for address in addresses:
        answer = client_with(city, MadeProofs(is_there=False)).get(address)
        assert (answer.status_code, slug_of(answer)) == (409, "not-recorded-yet")


def test_are_files_to_keep(city: SmallCity, addresses: list[str]) -> None:
    for address in addresses:
        answer = client_with(city, MadeProofs()).get(address)
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith('attachment; filename="')


def test_are_not_made_of_more_than_a_file_can_hold(
    city: SmallCity, addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prove_set, "SEGMENTS_MAX", 0)
    answer = client_with(city, MadeProofs()).get(addresses[1])
    assert (answer.status_code, slug_of(answer)) == (413, "too-large")
