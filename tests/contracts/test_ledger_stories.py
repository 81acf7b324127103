"""The contracts on a real chain, against tests/vectors: the treaty as the other two languages read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from web3.logs import DISCARD

VECTORS = Path(__file__).parents[1] / "vectors"
STORIES = json.loads((VECTORS / "custody.json").read_text())["stories"]


def told(chain: Any, receipt: Any, event: str) -> list[Any]:
    """Return what a transaction told by this event."""
    logs = getattr(chain.ledger.events, event)().process_receipt(receipt, errors=DISCARD)
    return [log["args"] for log in logs]


def settled_in(chain: Any, receipt: Any) -> list[dict[str, Any]]:
    return [
        {"device": f"{a['device']:016x}", "seq": a["seq"], "lot": f"{a['lot']:024x}", "outcome": a["outcome"]}
        for a in told(chain, receipt, "Settled")
    ]


def require_refused(chain: Any, receipt: Any, step: dict[str, Any]) -> None:
    assert [a["reason"] for a in told(chain, receipt, "SegmentRefused")] == [step["refused"]]
    assert [a["seq"] for a in told(chain, receipt, "Forked")] == [
        seq for seq in (step["forked_at"],) if seq is not None
    ]


def found_organisations(chain: Any, story: dict[str, Any]) -> None:
    for root in story["roots"]:
        assert root["epoch"] == 1
        organisation, key_hash = int(root["organisation"], 16), int(root["key_hash"], 16)
        call = chain.registry.functions
        chain.send(call.createOrganisation(organisation, bytes(32), int(root["device"], 16), key_hash))
        if root["is_regulator"]:
            chain.send(call.setRegulator(organisation, True))


def tell(chain: Any, step: dict[str, Any]) -> None:
    """Do one step of a story, and hold the chain to the answer."""
    call = chain.ledger.functions
    if "settle" in step:
        receipt = chain.send(call.settle(int(step["settle"], 16), int(step["device"], 16), step["max_steps"]))
        assert settled_in(chain, receipt) == step["settled"]
        return
    if "prove_fork" in step:
        heads = [(*(bytes.fromhex(h[name]) for name in ("head", "r", "s")), b"") for h in step["heads"]]
        key = [bytes.fromhex(step["key"][name]) for name in "xy"]
        receipt = chain.send(call.proveFork(int(step["prove_fork"], 16), step["seq"], *key, *heads))
        assert bool(told(chain, receipt, "Forked")) is step["is_shown"]
        return
    if "witness" in step:
        w = step["witness"]
        numbers = (w["before"], w["key"]["x"], w["key"]["y"], w["seal"]["r"], w["seal"]["s"], w["words"])
        receipt = chain.send(call.witness((int(w["device"], 16), w["seq"], *map(bytes.fromhex, numbers), b"")))
        if "refused" in step:
            require_refused(chain, receipt, step)
        else:
            assert len(told(chain, receipt, "Witnessed")) == 1
        return
    receipt = chain.record(step["record"])
    recorded = told(chain, receipt, "SegmentRecorded")
    if "refused" in step:
        assert not recorded
        require_refused(chain, receipt, step)
        return
    assert recorded[0]["outcomes"].hex() == step["outcomes"]
    assert recorded[0]["head"].hex() == step["head"]
    assert settled_in(chain, receipt) == step["settled"]
    assert [
        [f"{a['device']:016x}", a["firstSeq"], a["outcomes"].hex()] for a in told(chain, receipt, "Transcribed")
    ] == step["transcribed"]
    gaps = [[a["fromSeq"], a["toSeq"]] for a in told(chain, receipt, "GapClosed")]
    assert gaps == [gap for gap in (step["closed_gap"],) if gap is not None]


@pytest.mark.parametrize("story", STORIES, ids=[story["name"] for story in STORIES])
def test_the_ledger_answers_as_the_vectors_do(chain: Any, story: dict[str, Any]) -> None:
    chain.at(min(step["block_time"] for step in story["steps"]) - 100)
    found_organisations(chain, story)
    for step in story["steps"]:
        # A block has a later second than the one before it; a story may have several steps in one.
        chain.at(max(step["block_time"], chain.w3.eth.get_block("latest")["timestamp"]))
        tell(chain, step)

    final, view = story["final"], chain.ledger.functions
    for device, (key_hash, next_seq, not_after, role, flags, epoch, head) in final["devices"].items():
        found = view.deviceOf(int(device, 16)).call()
        assert found == [int(key_hash, 16), next_seq, not_after, role, flags, epoch]
        assert view.headOf(int(device, 16)).call().hex() == head
    for device, desk in final["desks"].items():
        assert list(view.deskOf(int(device, 16)).call()) == desk
    for device, seen in final["seen"].items():
        assert list(view.seenOf(int(device, 16)).call()) == [True, *seen]
    for lot, (holder, *rest) in final["lots"].items():
        assert list(view.lotOf(int(lot, 16)).call()) == [int(holder, 16), *rest]
    for key, steps in final["queues"].items():
        lot, device = (int(part, 16) for part in key.split(":"))
        assert [[f"{word:064x}" for word in step] for step in view.queueOf(lot, device).call()] == steps
    for stream in range(1, 5):
        assert list(view.totalsOf(stream).call()) == final["totals"].get(str(stream), [0, 0, 0, 0])
    for key, grams in final["day_totals"].items():
        organisation, day, stream = key.split(":")
        assert list(view.dayTotalsOf(int(organisation, 16), int(day), int(stream)).call()) == grams
