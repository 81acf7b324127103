"""The treaty between the three languages, read by Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from custody_stories import NETWORK, Story, read_vectors, segment_of, settled_of, stories

from backend.domain.custody import record_segment
from backend.domain.custody_state import Recorded, Refused, State
from backend.domain.errors import MalformedSegment
from backend.domain.journal import (
    first_head,
    next_head,
    pack_entry_with_items,
    read_entry,
    roll_head,
    split_entries,
)
from backend.domain.layout import LAYOUTS, Kind
from backend.domain.merkle import lift_path, lifts_root, root_of_path
from backend.domain.seal import domain_separator, is_seal_of, key_hash, seal_digest
from backend.domain.settling import day_of, settle
from backend.domain.types import device_text, lot_text, organisation_text

ROOT = Path(__file__).resolve().parents[2]


def numbers(texts: dict[str, str]) -> dict[str, int]:
    return {name: int(text) for name, text in texts.items()}


def test_the_vectors_are_what_the_code_makes() -> None:
    made = subprocess.run(
        [sys.executable, "tests/vectors/make.py", "--check"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr


class TestWords:
    vectors = read_vectors("words.json")

    @pytest.mark.parametrize("case", vectors["entries"], ids=lambda case: case["name"])
    def test_pack_and_read_as_the_treaty_says(self, case: dict[str, Any]) -> None:
        entry = read_entry(bytes.fromhex(case["words"]))
        items = tuple(numbers(item) for item in case["items"])
        assert (entry.kind, dict(entry.fields), entry.items) == (case["kind"], numbers(case["fields"]), items)
        fields = {k: v for k, v in entry.fields.items() if k not in ("kind", "words")}
        assert pack_entry_with_items(Kind(case["kind"]), fields, items).hex() == case["words"]

    def test_layouts_are_those_of_the_code(self) -> None:
        for kind, layout in LAYOUTS.items():
            told = self.vectors["layouts"][kind.name.lower()]
            assert told["kind"] == kind
            assert told["words"] == [[list(field) for field in word] for word in layout.words]
        assert len(LAYOUTS) == len(self.vectors["layouts"])

    @pytest.mark.parametrize("case", vectors["segments"], ids=lambda case: case["name"])
    def test_split_into_entries(self, case: dict[str, Any]) -> None:
        assert [len(entry) for entry in split_entries(bytes.fromhex(case["words"]))] == case["entries"]

    @pytest.mark.parametrize("case", vectors["malformed"], ids=lambda case: case["name"])
    def test_refuse_what_cannot_be_read(self, case: dict[str, Any]) -> None:
        with pytest.raises(MalformedSegment):
            split_entries(bytes.fromhex(case["words"]))


class TestHeads:
    @pytest.mark.parametrize("journal", read_vectors("heads.json")["journals"], ids=lambda j: j["device"])
    def test_roll_over_every_entry(self, journal: dict[str, Any]) -> None:
        words = bytes.fromhex(journal["words"])
        heads = [first_head(NETWORK, int(journal["device"], 16))]
        for entry in split_entries(words):
            heads.append(next_head(heads[-1], entry))
        assert [head.hex() for head in heads] == journal["heads"]
        assert roll_head(heads[0], words) == heads[-1]


class TestSeals:
    vectors = read_vectors("seals.json")

    def test_have_the_domain_of_the_treaty(self) -> None:
        assert domain_separator(NETWORK).hex() == self.vectors["domain_separator"]

    @pytest.mark.parametrize("case", vectors["seals"], ids=lambda case: case["name"])
    def test_verify_or_not(self, case: dict[str, Any]) -> None:
        x, y, r, s = (int(case[name], 16) for name in "xyrs")
        head = bytes.fromhex(case["head"])
        digest = seal_digest(NETWORK, device=int(case["device"], 16), seq=case["seq"], head=head)
        assert digest.hex() == case["digest"]
        assert f"{key_hash(x, y):040x}" == case["key_hash"]
        assert is_seal_of(digest, x=x, y=y, r=r, s=s) is case["is_valid"]


class TestMerkle:
    @pytest.mark.parametrize("tree", read_vectors("merkle.json")["trees"], ids=lambda t: len(t["lifts"]))
    def test_root_and_path(self, tree: dict[str, Any]) -> None:
        words = [bytes.fromhex(word) for word in tree["lifts"]]
        assert lifts_root(words).hex() == tree["root"]
        if words:
            path = [(step["right"], bytes.fromhex(step["sibling"])) for step in tree["path"]]
            assert lift_path(words, tree["index"]) == path
            assert root_of_path(words[tree["index"]], path).hex() == tree["root"]


@pytest.mark.parametrize("story", stories(), ids=lambda story: story.name)
class TestCustody:
    def test_answers_every_step_as_told(self, story: Story) -> None:
        state = story.fresh_state()
        for step in story.steps:
            _replay(state, step)
        assert _final(state) == story.final

    def test_answers_the_same_when_the_ledger_vouches_for_the_head(self, story: Story) -> None:
        state = story.fresh_state()
        for step in story.steps:
            if "refused" not in step:
                _replay(state, step, trusts_heads=True)
        assert _final(state) == story.final


def _replay(state: State, step: dict[str, Any], *, trusts_heads: bool = False) -> None:
    time = step["block_time"]
    if "settle" in step:
        done = settle(state, int(step["settle"], 16), block_time=time, max_steps=step["max_steps"])
        assert [tuple(s) for s in done] == settled_of(step)
        return
    head = bytes.fromhex(step["head"]) if trusts_heads else None
    answer = record_segment(state, segment_of(step["record"]), block_time=time, trusted_head=head)
    if "refused" in step:
        assert isinstance(answer, Refused)
        assert answer.reason == step["refused"]
        return
    assert isinstance(answer, Recorded)
    assert (answer.outcomes.hex(), answer.head.hex()) == (step["outcomes"], step["head"])
    assert [tuple(s) for s in answer.settled] == settled_of(step)
    assert day_of(time) == (time + 8 * 3600) // 86_400


def _final(state: State) -> dict[str, Any]:
    lot_names = ("grams", "lifts", "stream", "status", "pendings", "last_seq", "taken")
    return {
        "devices": {
            device_text(d): {
                "next_seq": v.next_seq,
                "head": v.head.hex(),
                "role": int(v.role),
                "is_revoked": v.is_revoked,
            }
            for d, v in sorted(state.devices.items())
        },
        "desks": {device_text(d): list(v) for d, v in sorted(state.desks.items())},
        "lots": {
            lot_text(lot): {"holder": device_text(v.holder)} | {n: getattr(v, n) for n in lot_names}
            for lot, v in sorted(state.lots.items())
        },
        "totals": {str(stream): list(t) for stream, t in sorted(state.totals.items())},
        "day_totals": [
            {"organisation": organisation_text(o), "day": day, "stream": stream, "grams": list(t)}
            for (o, day, stream), t in sorted(state.day_totals.items())
        ],
    }
