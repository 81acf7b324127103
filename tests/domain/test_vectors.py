"""The treaty between the three languages, read by Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from custody_stories import (
    NETWORK,
    Story,
    heads_of,
    read_vectors,
    segment_of,
    settled_of,
    stories,
    witness_of,
)
from state_dump import dump_state

from backend.domain.custody import record_segment
from backend.domain.custody_state import Recorded, Refused, State
from backend.domain.days import day_of
from backend.domain.devices import mark_forked, prove_fork, record_witness
from backend.domain.errors import MalformedSegment
from backend.domain.journal import (
    Segment,
    first_head,
    next_head,
    pack_entry_with_items,
    read_entry,
    roll_head,
    split_entries,
)
from backend.domain.layout import LAYOUTS, Kind
from backend.domain.merkle import lift_path, lifts_root, root_of_path
from backend.domain.renewal import renewal_digest
from backend.domain.seal import domain_separator, is_seal_of, key_hash, seal_digest
from backend.domain.segment_bytes import EvidenceDocument, Upload, pack_uploads, split_uploads, unpack_upload
from backend.domain.steps import settle
from backend.domain.types import Refusal, device_text

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


class TestRenewals:
    @pytest.mark.parametrize("case", read_vectors("renewals.json")["renewals"], ids=lambda case: case["name"])
    def test_verify_or_not(self, case: dict[str, Any]) -> None:
        device, new = int(case["device"], 16), {name: int(case["new_key"][name], 16) for name in "xy"}
        digest = renewal_digest(NETWORK, device=device, **new)
        assert digest.hex() == case["digest"]
        x, y, r, s = (int(case[name], 16) for name in "xyrs")
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


def upload_of(told: dict[str, Any]) -> Upload:
    key, seal = told["key"], told["seal"]
    x, y, r, s = (int(text, 16) for text in (key["x"], key["y"], seal["r"], seal["s"]))
    words, assertion = bytes.fromhex(told["words"]), bytes.fromhex(told.get("assertion", ""))
    segment = Segment(int(told["device"], 16), told["first_seq"], words, x, y, r, s, assertion)
    evidence = (
        EvidenceDocument(e["seq"], bytes.fromhex(e["salt"]), e["document"]) for e in told.get("evidence", ())
    )
    return Upload(segment, tuple(evidence))


def read_uploads(body: bytes) -> list[Upload]:
    return [unpack_upload(frame) for frame in split_uploads(body)]


class TestUploads:
    vectors = read_vectors("uploads.json")

    @pytest.mark.parametrize("case", vectors["bodies"], ids=lambda case: case["name"])
    def test_pack_and_read_as_the_treaty_says(self, case: dict[str, Any]) -> None:
        uploads = [upload_of(told) for told in case["uploads"]]
        body = bytes.fromhex(case["body"])
        assert pack_uploads(uploads) == body
        assert read_uploads(body) == uploads

    @pytest.mark.parametrize("case", vectors["malformed"], ids=lambda case: case["name"])
    def test_refuse_what_cannot_be_read(self, case: dict[str, Any]) -> None:
        with pytest.raises(MalformedSegment) as refused:
            read_uploads(bytes.fromhex(case["body"]))
        assert refused.value.pointer == case["pointer"]

    def test_refuse_a_document_longer_than_json_may_bring(self) -> None:
        (upload,) = read_uploads(bytes.fromhex(self.vectors["bodies"][0]["body"]))
        for length, is_read in ((65_536, True), (65_537, False)):
            document = EvidenceDocument(1, bytes(16), "桶" * length)
            body = pack_uploads([Upload(upload.segment, (document,))])
            if is_read:
                assert read_uploads(body)[0].evidence == (document,)
            else:
                with pytest.raises(MalformedSegment):
                    read_uploads(body)

    def test_cut_anywhere_are_refused(self) -> None:
        body = bytes.fromhex(self.vectors["bodies"][3]["body"])
        for end in range(len(body)):
            with pytest.raises(MalformedSegment):
                split_uploads(body[:end])


@pytest.mark.parametrize("story", stories(), ids=lambda story: story.name)
class TestCustody:
    def test_answers_every_step_as_told(self, story: Story) -> None:
        state = story.fresh_state()
        for step in story.steps:
            _replay(state, step)
        assert dump_state(state) == story.final

    def test_answers_the_same_when_the_ledger_vouches_for_the_head(self, story: Story) -> None:
        state = story.fresh_state()
        for step in story.steps:
            if "refused" not in step:
                _replay(state, step, trusts_heads=True)
            elif step["forked_at"] is not None:
                mark_forked(state, int((step.get("record") or step["witness"])["device"], 16))
        assert dump_state(state) == story.final


def _replay(state: State, step: dict[str, Any], *, trusts_heads: bool = False) -> None:
    time = step["block_time"]
    if "settle" in step:
        lot, device = int(step["settle"], 16), int(step["device"], 16)
        done = settle(state, lot, device, block_time=time, max_steps=step["max_steps"])
        assert [tuple(s) for s in done] == settled_of(step)
        return
    if "prove_fork" in step:
        assert prove_fork(state, int(step["prove_fork"], 16), *heads_of(step)) is step["is_shown"]
        return
    if "witness" in step:
        shown = record_witness(state, witness_of(step), trusted=trusts_heads)
        assert shown == (_refusal(step) if "refused" in step else bytes.fromhex(step["head"]))
        return
    head = bytes.fromhex(step["head"]) if trusts_heads else None
    answer = record_segment(state, segment_of(step["record"]), block_time=time, trusted_head=head)
    if "refused" in step:
        assert answer == _refusal(step)
        return
    assert isinstance(answer, Recorded)
    assert (answer.outcomes.hex(), answer.head.hex()) == (step["outcomes"], step["head"])
    assert [tuple(s) for s in answer.settled] == settled_of(step)
    transcribed = [[device_text(t.device), t.first_seq, t.outcomes.hex()] for t in answer.transcribed]
    assert transcribed == step["transcribed"]
    assert answer.closed_gap == (None if step["closed_gap"] is None else tuple(step["closed_gap"]))
    assert day_of(time) == (time + 8 * 3600) // 86_400


def _refusal(step: dict[str, Any]) -> Refused:
    return Refused(Refusal(step["refused"]), step["forked_at"])
