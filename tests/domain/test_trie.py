"""Receipts and headers are bound to a block's hash, byte for byte."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_blocks import created_log, make_block, receipt, strangers

from backend.domain.announced import named_registrar, recorded_segment
from backend.domain.blocks import BadInclusion, Inclusion, Log, included_log, read_header, read_logs
from backend.domain.keccak import keccak256
from backend.domain.rlp import BadRlp, Item, as_bytes, as_list, as_number, decode, encode, encode_number
from backend.domain.trie import EMPTY_ROOT, BadProof, OrderedTrie, value_at

leaves = st.binary(max_size=70)
items = st.one_of(leaves, st.lists(st.one_of(leaves, st.lists(leaves, max_size=4)), max_size=5))


class TestRlp:
    @given(items)
    def test_reads_back_what_was_written(self, item: Item) -> None:
        assert decode(encode(item)) == item

    @pytest.mark.parametrize(
        ("item", "written"),
        # Those of ethereum.org/developers/docs/data-structures-and-encoding/rlp.
        [
            (b"dog", "83646f67"),
            ([b"cat", b"dog"], "c88363617483646f67"),
            (b"", "80"),
            ([], "c0"),
            (b"\0", "00"),
            (b"\x0f", "0f"),
            (b"\x04\x00", "820400"),
            ([[], [[]], [[], [[]]]], "c7c0c1c0c3c0c1c0"),
            (
                b"Lorem ipsum dolor sit amet, consectetur adipisicing elit",
                "b8384c6f72656d20697073756d20646f6c6f722073697420616d65742c20636f6e7365637465747572206164697069736963"
                "696e6720656c6974",
            ),
        ],
    )
    def test_writes_the_published_examples(self, item: Item, written: str) -> None:
        assert encode(item).hex() == written
        assert decode(bytes.fromhex(written)) == item

    @pytest.mark.parametrize(
        "written",
        [
            "", "81", "8100", "817f", "b800", "b837" + "00" * 55, "b90038" + "00" * 56, "83646f", "c883636174",
            "8080", "c0c0", "f800", "bfffffffffffffffff", "c1" * 12 + "c0", "c18100", "c3820102ff",
        ],
    )  # fmt: skip
    def test_refuses_all_but_the_one_form(self, written: str) -> None:
        with pytest.raises(BadRlp):
            decode(bytes.fromhex(written))

    def test_tells_lists_bytes_and_numbers_apart(self) -> None:
        for read, item in ((as_bytes, []), (as_list, b""), (as_number, []), (as_number, b"\0")):
            with pytest.raises(BadRlp):
                read(item)
        assert as_number(encode_number(0)) == 0
        assert as_number(encode_number(1 << 70)) == 1 << 70


class TestATrie:
    def test_of_nothing_is_the_known_root(self) -> None:
        known = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
        assert OrderedTrie([]).root == EMPTY_ROOT == bytes.fromhex(known)

    @pytest.mark.parametrize("count", [1, 2, 3, 16, 17, 127, 128, 129, 256, 300])
    def test_proves_every_value_and_no_other(self, count: int) -> None:
        values = strangers(count)
        trie = OrderedTrie(values)
        for index, value in enumerate(values):
            proof = trie.proof(index)
            assert value_at(trie.root, index, proof) == value
            with pytest.raises(BadProof):
                value_at(trie.root, (index + 1) % (count + 1), proof)
            for nodes in ((), proof[:-1], (*proof, proof[-1]), proof[::-1] if len(proof) > 1 else (b"",)):
                with pytest.raises(BadProof):
                    value_at(trie.root, index, nodes)

    def test_proves_values_so_short_that_nodes_stand_in_their_parents(self) -> None:
        values = [bytes([n]) for n in range(40)]
        trie = OrderedTrie(values)
        for index, value in enumerate(values):
            assert value_at(trie.root, index, trie.proof(index)) == value

    def test_believes_no_changed_node(self) -> None:
        rng, trie = random.Random(5), OrderedTrie(strangers(200))
        proof = trie.proof(130)
        for _ in range(300):
            nodes = list(proof)
            at = rng.randrange(len(nodes))
            changed = bytearray(nodes[at])
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
            nodes[at] = bytes(changed)
            with pytest.raises(BadProof):
                value_at(trie.root, 130, nodes)

    @pytest.mark.parametrize(
        "node",
        [
            [b"\x20"],
            [b"", b"x" * 40],
            [b"\x21", b"x" * 40],
            [b"\x40\x80", b"x" * 40],
            [b"\0", b"x" * 40],
            [[], b"x"],
            [b"\x20\x80", [b"x" * 40]],
            b"x" * 40,
            [b""] * 17,
        ],
    )
    def test_refuses_nodes_of_no_known_form(self, node: Item) -> None:
        encoded = encode(node)
        with pytest.raises(BadProof):
            value_at(keccak256(encoded), 0, [encoded])


class TestALogsWayIntoABlock:
    log = created_log(b"r" * 20, organisation=3, device=5, key_hash=7)
    block = make_block(9, [*strangers(4), receipt(2, [Log(b"x" * 20, (), b""), log]), *strangers(3)])

    def test_ends_in_the_log(self) -> None:
        header, log = included_log(self.block.inclusion(4, 1))
        assert (header.number, log) == (9, self.log)
        named = named_registrar(log)
        assert named is not None
        assert (named.organisation, named.device, named.key_hash) == (3, 5, 7)
        assert recorded_segment(log) is None

    def test_is_refused_where_a_hash_does_not_hold(self) -> None:
        good = self.block.inclusion(4, 1)
        other = make_block(10, strangers(3))
        for wrong in (
            Inclusion(bytes(32), good.header, 4, good.nodes, 1),
            Inclusion(good.block_hash, other.header, 4, good.nodes, 1),
            Inclusion(other.hash, other.header, 4, good.nodes, 1),
            Inclusion(good.block_hash, good.header, 3, good.nodes, 1),
            Inclusion(good.block_hash, good.header, 4, good.nodes[1:], 1),
            Inclusion(good.block_hash, good.header, 4, good.nodes, 2),
        ):
            with pytest.raises(BadInclusion):
                included_log(wrong)

    def test_is_refused_where_the_bytes_are_no_header_or_no_receipt(self) -> None:
        for header in (b"", b"\xc0", encode([b""] * 15), encode([b"x" * 32] * 21)):
            with pytest.raises(BadInclusion):
                included_log(Inclusion(keccak256(header), header, 0, (), 0))
        for bad in (
            b"",
            b"\2",
            b"\xc0",
            encode([b"", b"", b"", [[b""]]]),
            encode([b"", b"", b"", [[b"", b"", b""]]]),
        ):
            block = make_block(1, [bad + b"" if len(bad) > 40 else bad])
            with pytest.raises(BadInclusion):
                included_log(block.inclusion(0))

    def test_reads_every_type_of_receipt(self) -> None:
        for kind in range(5):
            assert read_logs(receipt(kind, [self.log])) == (self.log,)
        assert read_header(self.block.header).timestamp == 1_772_337_609


class TestWhatNoNodeEverWrites:
    def test_is_a_list_within_lists_without_end(self) -> None:
        item: Item = []
        for _ in range(64):
            item = [item]
        with pytest.raises(BadRlp, match="nested too deep"):
            decode(encode(item))

    def test_is_a_branch_where_the_path_ends(self) -> None:
        """The key of receipt 0 is one byte, so two nibbles: 8, 0."""
        nodes: list[bytes] = []
        below: Item = b""
        for place in (0, 0, 8):
            branch: list[Item] = [b""] * 17
            branch[place] = below
            nodes.insert(0, encode(branch))
            below = keccak256(nodes[0])
        with pytest.raises(BadProof, match="ends in a branch"):
            value_at(keccak256(nodes[0]), 0, nodes)

    def test_of_a_block_without_receipts_there_is_no_proof(self) -> None:
        assert OrderedTrie([]).proof(0) == ()
