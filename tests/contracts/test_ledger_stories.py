"""The contracts on a real chain, against tests/vectors: the treaty as the other two languages read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from web3.logs import DISCARD

VECTORS = Path(__file__).parents[1] / "vectors"
STORIES = json.loads((VECTORS / "custody.json").read_text())["stories"]


def settled_in(chain: Any, receipt: Any) -> list[list[Any]]:
    logs = chain.ledger.events.Settled().process_receipt(receipt, errors=DISCARD)
    return [
        [f"{a['device']:016x}", a["seq"], f"{a['lot']:024x}", a["outcome"]] for a in (log["args"] for log in logs)
    ]


def plain(settled: list[Any]) -> list[list[Any]]:
    return [[s["device"], s["seq"], s["lot"], s["outcome"]] if isinstance(s, dict) else list(s) for s in settled]


@pytest.mark.parametrize("story", STORIES, ids=[story["name"] for story in STORIES])
def test_the_ledger_answers_as_the_vectors_do(chain: Any, story: dict[str, Any]) -> None:
    first_at = min(step["block_time"] for step in story["steps"])
    chain.at(first_at - 100)
    for root in story["roots"]:
        assert root["epoch"] == 1
        chain.send(
            chain.registry.functions.createOrganisation(
                int(root["organisation"], 16),
                bytes(32),
                int(root["device"], 16),
                int(root["key_hash"], 16),
            )
        )

    for step in story["steps"]:
        # A block has a later second than the one before it; a story may have several steps in one.
        newest = chain.w3.eth.get_block("latest")["timestamp"]
        chain.at(max(step["block_time"], newest))
        if "settle" in step:
            lot = int(step["settle"], 16)
            receipt = chain.send(chain.ledger.functions.settle(lot, step["max_steps"]))
            assert settled_in(chain, receipt) == plain(step["settled"])
            continue
        receipt = chain.record(step["record"])
        recorded = chain.ledger.events.SegmentRecorded().process_receipt(receipt, errors=DISCARD)
        refused = chain.ledger.events.SegmentRefused().process_receipt(receipt, errors=DISCARD)
        if "refused" in step:
            assert not recorded
            assert [log["args"]["reason"] for log in refused] == [step["refused"]]
            continue
        assert not refused, refused
        assert recorded[0]["args"]["outcomes"].hex() == step["outcomes"]
        assert recorded[0]["args"]["head"].hex() == step["head"]
        assert settled_in(chain, receipt) == plain(step["settled"])

    final, view = story["final"], chain.ledger.functions
    for device, wanted in final["devices"].items():
        _, next_seq, _, role, flags, _ = view.deviceOf(int(device, 16)).call()
        head = view.headOf(int(device, 16)).call().hex()
        found = {"next_seq": next_seq, "head": head, "role": role, "is_revoked": flags == 1}
        assert found == wanted
    for device, desk in final["desks"].items():
        assert list(view.deskOf(int(device, 16)).call()) == desk
    for lot, wanted in final["lots"].items():
        holder, *rest = view.lotOf(int(lot, 16)).call()
        names = ("grams", "lifts", "stream", "status", "pendings", "last_seq", "taken")
        assert dict(zip(names, rest, strict=True), holder=f"{holder:016x}") == wanted
    for stream in range(1, 5):
        wanted = final["totals"].get(str(stream), [0, 0, 0, 0])
        assert list(view.totalsOf(stream).call()) == wanted
    for row in final["day_totals"]:
        found = view.dayTotalsOf(int(row["organisation"], 16), row["day"], row["stream"]).call()
        assert list(found) == row["grams"]
