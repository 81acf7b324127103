"""Bundles true and false, and what both verifiers have to say of each, step by step."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from made_blocks import strangers
from proof_cases import CASES, NAMED_BLOCK, RECORDED_BLOCK, TRUST_FILE, Case, passkey_case, settled_case
from set_cases import SITE, Made, journey, site_day

from backend.domain.bundle import write_bundle
from backend.domain.bundle_set import AboutDay, AboutLot, BundleSet, write_set
from backend.domain.proof import Report
from backend.domain.rlp import Item, encode
from backend.domain.trie import OrderedTrie

_MUTATIONS = 60


def bundle_vectors() -> dict[str, Any]:
    cases = {name: make() for name, make in CASES.items()}
    return {
        "trust": TRUST_FILE,
        "bundles": {
            name: {"bundle": case.data.decode(), "node": case.witness.to_json()} for name, case in cases.items()
        },
        "judged": [_judged(*told) for told in _told(cases)],
        "changed": [change for name, case in cases.items() for change in _changed(name, case)],
    }


def _told(cases: dict[str, Case]) -> Iterator[tuple[str, Case, str | None, bool]]:
    """Yield (name, case, the bundle's text where it is another, whether a node is asked)."""
    for name, case in cases.items():
        yield name, case, None, True
        yield f"{name}, no node", case, None, False
    gate = cases["gate"]
    text = gate.data.decode()
    for said, changed in _rewritten(text):
        yield said, gate, changed, False
    bundle = gate.bundle
    for said, other in (
        ("certificates in the wrong order", replace(bundle, certificates=bundle.certificates[::-1])),
        ("a certificate missing", replace(bundle, certificates=bundle.certificates[:1])),
        ("no certificates", replace(bundle, certificates=())),
        ("another ledger", replace(bundle, ledger="00" * 20)),
        ("another chain", replace(bundle, chain_id=1)),
        ("the naming's way for the record", replace(bundle, recorded=bundle.named)),
        ("the record's way for the naming", replace(bundle, named=bundle.recorded)),
        ("another log", replace(bundle, recorded=replace(bundle.recorded, log=0))),
        ("a log beyond the last", replace(bundle, recorded=replace(bundle.recorded, log=7))),
        ("another receipt", replace(bundle, recorded=replace(bundle.recorded, receipt=3))),
        ("a node too many", replace(bundle, recorded=replace(bundle.recorded, nodes=bundle.recorded.nodes * 2))),
        ("no nodes", replace(bundle, recorded=replace(bundle.recorded, nodes=()))),
        ("another seq", replace(bundle, seq=2)),
        ("another device", replace(bundle, device=5)),
        ("another head", replace(bundle, head=bytes(32))),
        ("another head before", replace(bundle, prev_head=bytes(32))),
    ):
        yield said, gate, write_bundle(other).decode(), True
    truck = cases["truck"]
    for seq in (13, 19, 21, 24, 25):
        yield f"equal lifts, seq {seq}", truck, write_bundle(replace(truck.bundle, seq=seq)).decode(), True
    yield "a passkey of another origin", passkey_case("https://elsewhere.example"), None, True
    for said, change in (
        ("another device", {"device": 5}),
        ("another seq", {"seq": 1}),
        ("a conflict", {"outcome": 0x14}),
    ):
        yield f"settled with {said}", settled_case(**change), None, True
    settled = cases["settled"]
    recorded = replace(settled.bundle, settled=settled.bundle.recorded)
    yield "settled by the record itself", settled, write_bundle(recorded).decode(), True
    yield from _trusting(gate)


def _rewritten(text: str) -> Iterator[tuple[str, str]]:
    format_ = '"format":"huanlian-bundle-2"'
    yield "a byte order mark", "\ufeff" + text
    yield "a line end", text + "\n"
    yield "spaces", json.dumps(json.loads(text))
    yield "a doubled key", text.replace(format_, f"{format_},{format_}")
    yield "an unknown key", text[:-1] + ',"zzz":1}'
    yield "a proto key", text[:-1] + ',"__proto__":{}}'
    yield "an older format", text.replace("bundle-2", "bundle-1")
    for odd in ("1.0", "1e0", "-1", "true", "null", '"1"', "9007199254740993", "9" * 400, "NaN"):
        yield f"a count that is {odd[:12]}", text.replace('"log":1', f'"log":{odd}')
    yield "upper case", text.replace("abcdef", "ABCDEF") if "abcdef" in text else text.upper()
    yield "0x", text.replace('"ledger":"', '"ledger":"0x')
    yield "hex of odd length", text.replace('"header":"', '"header":"0')
    yield "a list for an object", text.replace('"entry":{', '"entry":[{').replace('},"format"', '}],"format"')
    yield "nothing", ""
    yield "null", "null"
    yield "a list", "[]"
    yield "brackets", "[" * 20_000


def _trusting(gate: Case) -> Iterator[tuple[str, Case, None, bool]]:
    blocks = gate.witness.blocks
    known = [{"number": n, "hash": "0x" + blocks[n]} for n in (NAMED_BLOCK, RECORDED_BLOCK)]
    for said, checkpoints in (
        ("both blocks known", known),
        ("one block known", known[:1]),
        ("another block known", [{"number": RECORDED_BLOCK, "hash": "0x" + "00" * 32}]),
    ):
        case = replace(gate, trust_file={**TRUST_FILE, "checkpoints": checkpoints})
        yield said, case, None, False
        yield f"{said}, and a node", case, None, True
    for said, change in (
        ("a node of another chain", {"chain": 1}),
        ("a node with another genesis", {"blocks": {**blocks, 0: "00" * 32}}),
        ("a node with other code", {"codes": {}}),
        ("a node whose list has no such ledger", {"listed": []}),
        ("a node without the block", {"blocks": {0: blocks[0], NAMED_BLOCK: blocks[NAMED_BLOCK]}}),
        ("a node with another block", {"blocks": {**blocks, NAMED_BLOCK: "00" * 32}}),
    ):
        yield said, replace(gate, witness=replace(gate.witness, **change)), None, True  # type: ignore[arg-type]


def _judged(name: str, case: Case, text: str | None, asks: bool) -> dict[str, Any]:
    data = case.data if text is None else text.encode()
    told: dict[str, Any] = {"name": name, "bundle": data.decode()}
    base = next((key for key, make in CASES.items() if make().data == data), None)
    if base is not None:
        told["bundle"] = f"@{base}"
    if case.trust_file != TRUST_FILE:
        told["trust"] = case.trust_file
    if asks:
        told["node"] = case.witness.to_json()
    return told | _said(case.verify(data, offline=not asks))


def _said(report: Report) -> dict[str, Any]:
    return {"steps": [[step.number, step.ok] for step in report.steps], "verdict": str(report.verdict)}


def _changed(name: str, case: Case) -> Iterator[dict[str, Any]]:
    """Yield single bytes changed, and the step that each fails without a node."""
    rng, data = random.Random(f"changed {name}"), case.data
    for _ in range(_MUTATIONS):
        at = rng.randrange(len(data))
        byte = rng.choice([each for each in b'0123456789abcdef{}[]:,"\0' if each != data[at]])
        failed = case.verify(data[:at] + bytes([byte]) + data[at + 1 :], offline=True).failed
        assert failed is not None
        yield {"bundle": name, "at": at, "byte": byte, "step": failed.number}


def set_vectors() -> dict[str, Any]:
    lot, day = journey(), site_day()
    first, *rest = lot.content.segments
    told: list[tuple[str, Made, BundleSet]] = [
        ("a journey", lot, lot.content),
        ("a journey whose give names other lifts", (other := journey(given=7)), other.content),
        ("a day", day, day.content),
        ("a day whose take was settled", (later := site_day(3)), later.content),
        ("a day with another entry's settling", (wrong := site_day(1)), wrong.content),
        ("a day of another site", day, replace(day.content, about=AboutDay(5, "2026-03-01"))),
        ("a day that no calendar has", day, replace(day.content, about=AboutDay(SITE, "2026-02-30"))),
        ("a day written otherwise", day, replace(day.content, about=AboutDay(SITE, "20260301"))),
        ("another day", day, replace(day.content, about=AboutDay(SITE, "2026-03-02"))),
        ("another lot", lot, replace(lot.content, about=AboutLot(5))),
        ("a segment left out", lot, replace(lot.content, segments=tuple(rest))),
        ("nothing", lot, replace(lot.content, segments=())),
        ("another ledger", lot, replace(lot.content, ledger="00" * 20)),
    ]
    for name, change in (
        ("another head before", {"prev_head": bytes(32)}),
        ("no certificate", {"certificates": ()}),
        ("another log", {"recorded": replace(first.recorded, log=3)}),
        ("another naming", {"named": first.recorded}),
    ):
        changed = replace(first, **change)  # type: ignore[arg-type]
        told.append((name, lot, replace(lot.content, segments=(changed, *rest))))
    judged = [_set_judged(name, made, write_set(content)) for name, made, content in told]
    text = write_set(lot.content)
    judged.append(_set_judged("another digest", lot, text.replace(b'"digest":"', b'"digest":"00', 1)))
    judged.append(_set_judged("a place that is not there", lot, text.replace(b'"block":0', b'"block":7', 1)))
    return {"trust": TRUST_FILE, "judged": judged}


def _set_judged(name: str, made: Made, data: bytes) -> dict[str, Any]:
    report = made.verify(data)
    shown = {"name": name, "set": data.decode(), "node": made.witness.to_json(), "facts": list(report.facts)}
    return shown | _said(report)


def trie_vectors() -> dict[str, Any]:
    items: list[Item] = [
        b"",
        b"\0",
        b"\x7f",
        b"\x80",
        b"dog",
        b"x" * 55,
        b"x" * 56,
        b"x" * 300,
        [],
        [b"a", [b"b"], []],
    ]
    return {
        "rlp": [{"item": _shown(item), "encoded": encode(item).hex()} for item in items],
        "bad": [
            "", "81", "8100", "817f", "b800", "b837" + "00" * 55, "b90038" + "00" * 56, "83646f", "c883636174",
            "8080", "c0c0", "f800", "bfffffffffffffffff", "c1" * 12 + "c0", "c18100", "c3820102ff",
        ],
        "tries": [_trie(count) for count in (1, 2, 3, 17, 129, 300)],
    }  # fmt: skip


def _shown(item: Item) -> Any:
    return item.hex() if isinstance(item, bytes) else [_shown(each) for each in item]


def _trie(count: int) -> dict[str, Any]:
    values = strangers(count)
    trie = OrderedTrie(values)
    shown = sorted({0, count // 2, count - 1})
    proofs = [
        {"index": at, "value": values[at].hex(), "nodes": [node.hex() for node in trie.proof(at)]} for at in shown
    ]
    return {"count": count, "root": trie.root.hex(), "proofs": proofs}
