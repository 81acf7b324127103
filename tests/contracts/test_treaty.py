"""Words, heads and seals in Solidity, against tests/vectors: what the other two languages compute as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3

VECTORS = Path(__file__).parents[1] / "vectors"


def vectors(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


def network(content: Any) -> tuple[int, str]:
    return content["network"]["chain_id"], Web3.to_checksum_address(content["network"]["ledger"])


class TestWords:
    def test_knows_the_length_of_every_kind_it_has_a_rule_for(self, harness: Any) -> None:
        for name, layout in vectors("words.json")["layouts"].items():
            count = harness.wordCountOf(layout["kind"]).call()
            assert count in (0, len(layout["words"])), name

    @pytest.mark.parametrize("case", vectors("words.json")["entries"], ids=lambda case: case["name"])
    def test_reads_the_fields_that_python_packed(self, harness: Any, case: dict[str, Any]) -> None:
        words = [int(case["words"][i : i + 64], 16) for i in range(0, len(case["words"]), 64)]
        fields = {name: int(value) for name, value in case["fields"].items()}
        kind = case["name"].split(" ")[0]
        if kind == "lift":
            order = ("kind", "bin", "stream", "grade", "basis", "flags", "occurred_at", "grams")
            read = harness.liftOf(words[0]).call()
            assert list(read[:8]) == [fields[name] for name in order]
            assert int.from_bytes(read[8], "big") == fields["evidence"]
            return
        assert list(harness.headerOf(words[0]).call()) == [
            fields[name] for name in ("kind", "words", "flags", "occurred_at")
        ]
        readers = {
            "load": (harness.loadOf, ("lot", "stream"), 1),
            "give": (harness.giveOf, ("lot", "grams", "to"), 2),
            "take": (harness.takeOf, ("lot", "grams", "give_seq", "giver"), 2),
            "withdraw": (harness.withdrawOf, ("lot", "undone_seq"), 1),
            "weigh": (harness.weighOf, ("lot", "net", "gross", "tare"), 2),
            "merge": (harness.mergeOf, ("lot", "grams", "into", "stream"), 2),
            "close": (harness.closeOf, ("lot", "grams", "fate"), 2),
            "enrol": (harness.enrolOf, ("device", "role", "scheme", "not_after"), 1),
        }
        if kind in readers:
            reader, names, count = readers[kind]
            assert list(reader(*words[:count]).call()) == [fields[name] for name in names]
        if kind in ("site", "place"):
            site, site_kind, count = harness.siteOf(words[0]).call()
            assert site == fields["site"]
            assert (site_kind if kind == "site" else count) == fields["site_kind" if kind == "site" else "count"]


class TestHeads:
    @pytest.mark.parametrize("number", range(len(vectors("heads.json")["journals"])))
    def test_rolls_the_same_heads(self, harness: Any, number: int) -> None:
        content = vectors("heads.json")
        journal = content["journals"][number]
        first = harness.head0(*network(content), int(journal["device"], 16)).call()
        assert first.hex() == journal["heads"][0]
        rolled = harness.rollHead(first, bytes.fromhex(journal["words"])).call()
        assert [head.hex() for head in rolled] == journal["heads"][1:]

    @pytest.mark.parametrize("case", vectors("words.json")["malformed"], ids=lambda case: case["name"])
    def test_rolls_nothing_over_malformed_words(self, harness: Any, case: dict[str, Any]) -> None:
        assert harness.rollHead(bytes(32), bytes.fromhex(case["words"])).call() == []


class TestSeals:
    @pytest.mark.parametrize("number", range(len(vectors("seals.json")["seals"])))
    def test_judges_the_same_seals(self, harness: Any, number: int) -> None:
        content = vectors("seals.json")
        seal = content["seals"][number]
        assert harness.domainSeparator(*network(content)).call().hex() == content["domain_separator"]
        digest = harness.digest(
            *network(content), int(seal["device"], 16), seal["seq"], bytes.fromhex(seal["head"])
        ).call()
        assert digest.hex() == seal["digest"]
        x, y, r, s = (bytes.fromhex(seal[name]) for name in "xyrs")
        assert f"{harness.keyHash(x, y).call():040x}" == seal["key_hash"]
        assert harness.isValid(digest, r, s, x, y).call() is seal["is_valid"]
