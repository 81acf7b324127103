"""What a real node gives in JSON is written out again as the bytes that its blocks' hashes bind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from chain_support import City, PlainAnvil, dev_account, found_city, transfer, wait_until_mined, write_lifts
from eth_account import Account
from shared_material import find_shared

from backend.chain.client import Rpc
from backend.chain.inclusion import RpcProofs, header_rlp, receipt_rlp
from backend.chain.ledger_events import SegmentRecorded
from backend.chain.ledger_logs import decode_log
from backend.domain.announced import named_registrar, recorded_segment
from backend.domain.blocks import included_log, read_header, read_logs
from backend.domain.keccak import keccak256
from backend.domain.rlp import decode, encode
from backend.domain.seal import key_hash
from backend.domain.trie import OrderedTrie, value_at
from backend.usecases.prove_entry import ChainAway, NotOnChain


def answers(folder: str) -> Iterator[tuple[str, Any]]:
    path = find_shared(f"json_rpc/{folder}")
    if path is not None:
        for file in sorted(path.glob("*.io")):
            said = next(line for line in file.read_text().splitlines() if line.startswith("<< "))
            result = json.loads(said[3:]).get("result")
            if result is not None:
                yield file.name, result


class TestPublishedBlocks:
    """A chain that others made, across six forks of the protocol."""

    def test_hash_to_their_hashes(self) -> None:
        hashed = 0
        for name, block in answers("eth_getBlockByNumber"):
            assert keccak256(header_rlp(block)).hex() == block["hash"][2:], name
            hashed += 1
        assert hashed >= 8 or find_shared("json_rpc") is None

    def test_follow_each_other_in_the_file_of_the_whole_chain(self) -> None:
        path = find_shared("json_rpc/chain.rlp")
        if path is None:
            return
        data, before, blocks = path.read_bytes(), None, 0
        for block in _items(data):
            header, *_ = block
            encoded = encode(header)
            assert before is None or header[0] == before
            assert read_header(encoded).number == blocks + 1
            before, blocks = keccak256(encoded), blocks + 1
        latest = dict(answers("eth_getBlockByNumber"))["get-latest.io"]
        assert before is not None
        assert (before.hex(), blocks) == (latest["hash"][2:], int(latest["number"], 16))

    def test_have_the_tries_that_we_compute(self) -> None:
        """Their bodies hold transactions and no receipts, but the trie over both is the same."""
        path = find_shared("json_rpc/chain.rlp")
        if path is None:
            return
        counts = []
        for header, transactions, *_ in _items(path.read_bytes()):
            values = [each if isinstance(each, bytes) else encode(each) for each in transactions]
            trie = OrderedTrie(values)
            assert trie.root == header[4]
            assert all(value_at(trie.root, at, trie.proof(at)) == value for at, value in enumerate(values))
            counts.append(len(values))
        assert (len(counts), max(counts)) == (54, 59)

    def test_hold_receipts_of_every_type_that_we_read_back(self) -> None:
        kinds = set()
        for name, receipt in answers("eth_getTransactionReceipt"):
            logs = read_logs(receipt_rlp(receipt))
            assert [log.data.hex() for log in logs] == [log["data"][2:] for log in receipt["logs"]], name
            assert [log.address.hex() for log in logs] == [log["address"][2:] for log in receipt["logs"]], name
            kinds.add(receipt["type"])
        assert kinds == {"0x0", "0x1", "0x2", "0x3", "0x4"} or find_shared("json_rpc") is None


def _items(data: bytes) -> Iterator[Any]:
    """Yield the items of a file that is one after the other."""
    at = 0
    while at < len(data):
        size = data[at] - 0xF7
        end = at + 1 + size + int.from_bytes(data[at + 1 : at + 1 + size], "big")
        yield decode(data[at:end])
        at = end


class TestAnvilsBlocks:
    @pytest.mark.parametrize("count", [0, 1, 2, 20, 140])
    def test_have_the_receipts_root_that_we_compute(self, count: int) -> None:
        node = PlainAnvil(automine=False)
        try:
            hashes = self._send(node.rpc, count)
            node.mine()
            wait_until_mined(node.rpc, hashes)
            block = node.rpc.call("eth_getBlockByNumber", "latest", False)
            receipts = node.rpc.call("eth_getBlockReceipts", block["hash"])
            assert len(receipts) == count
            assert keccak256(header_rlp(block)).hex() == block["hash"][2:]
            assert OrderedTrie([receipt_rlp(each) for each in receipts]).root.hex() == block["receiptsRoot"][2:]
            assert len({each["type"] for each in receipts}) == min(count, 3)
        finally:
            node.stop()

    @staticmethod
    def _send(rpc: Rpc, count: int) -> list[str]:
        """Send transfers of three types of transaction."""
        account = dev_account(3)
        sent = []
        for nonce in range(count):
            if nonce % 3 == 0:
                raw = transfer(account, nonce)
            else:
                more = {} if nonce % 3 == 1 else {"accessList": [], "type": 1}
                values = {"chainId": 31337, "nonce": nonce, "to": account.address, "value": 1, "gas": 30_000}
                signed = Account.sign_transaction({**values, "gasPrice": 10**11, "data": b"", **more}, account.key)
                raw = signed.raw_transaction.to_0x_hex()
            sent.append(rpc.call("eth_sendRawTransaction", raw))
        return sent


class TestProofsFromANode:
    def test_lead_to_a_segment_and_to_its_registrar(self, city: City) -> None:
        (crew,) = city.crews(900)
        write_lifts(crew, 20)
        segment = crew.cut()
        receipt: Any = city.record(segment)
        proofs = RpcProofs(city.rpc, city.deployment.actor_registry)
        for log in receipt["logs"]:
            inclusion = proofs.of_log(receipt["blockHash"][2:], int(log["logIndex"], 16))
            header, found = included_log(inclusion)
            record, event = recorded_segment(found), decode_log(log)
            assert isinstance(event, SegmentRecorded)
            assert record is not None
            assert (record.segment, record.head, record.outcomes) == (event.segment, event.head, event.outcomes)
            assert record.segment == segment
            assert header.number == int(receipt["blockNumber"], 16)
        root = city.registrar
        naming = proofs.of_naming(device=root.device, key_hash=key_hash(*root.public))
        named = named_registrar(included_log(naming)[1])
        assert named is not None
        assert (named.device, named.key_hash) == (root.device, key_hash(*root.public))
        assert proofs.of_naming(device=root.device, key_hash=key_hash(*root.public)) == naming

    def test_are_not_made_of_what_the_chain_does_not_hold(self, city: City) -> None:
        proofs = RpcProofs(city.rpc, city.deployment.actor_registry)
        genesis = city.rpc.call("eth_getBlockByNumber", "0x0", False)["hash"][2:]
        for block_hash in (genesis, "ab" * 32):
            with pytest.raises(NotOnChain):
                proofs.of_log(block_hash, 0)
        with pytest.raises(NotOnChain):
            proofs.of_naming(device=city.registrar.device, key_hash=1)

    def test_say_that_nobody_was_there_to_ask(self) -> None:
        with Rpc("http://127.0.0.1:9", timeout_seconds=2) as rpc, pytest.raises(ChainAway):
            RpcProofs(rpc, "0x" + "11" * 20).of_log("ab" * 32, 0)

    def test_are_found_again_after_a_reorganisation(self, anvil: PlainAnvil) -> None:
        city = found_city(anvil.rpc)
        proofs = RpcProofs(anvil.rpc, city.deployment.actor_registry)
        key = key_hash(*city.registrar.public)
        before = proofs.of_naming(device=city.registrar.device, key_hash=key)
        number = read_header(before.header).number
        depth = int(anvil.rpc.call("eth_blockNumber"), 16) - number + 1
        anvil.rpc.call("anvil_reorg", depth, [])
        with pytest.raises(NotOnChain):
            proofs.of_naming(device=city.registrar.device, key_hash=key)
