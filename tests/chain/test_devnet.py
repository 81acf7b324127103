from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path

import httpx
import pytest
from chain_support import (
    RunningDevnet,
    block_hash,
    dev_account,
    run_devnet_to_its_end,
    start_devnet,
    transfer,
    wait_until_final,
    wait_until_mined,
    wait_until_quiet,
)

from backend.chain.blocks_file import BlockRecord, BlocksFile, HashRecord
from backend.chain.client import Rpc, RpcError, RpcUnavailable
from backend.chain.devnet import choose, left_out

FAST = ("--block-period-ms", "5")
BURNS_ALL_GAS = "0x5b5f56"  # jumps back to its beginning for ever


def head_number(rpc: Rpc) -> int:
    return int(rpc.call("eth_blockNumber"), 16)


def all_hashes(rpc: Rpc) -> list[str]:
    blocks = rpc.batch([("eth_getBlockByNumber", (hex(n), False)) for n in range(head_number(rpc) + 1)])
    return [block["hash"] for block in blocks]


def make_blocks(devnet: RunningDevnet, count: int) -> list[str]:
    """Have `count` transfers mined and made final; return all block hashes."""
    account = dev_account(0)
    first = int(devnet.rpc.call("eth_getTransactionCount", account.address, "latest"), 16)
    for nonce in range(first, first + count):
        sent = devnet.rpc.call("eth_sendRawTransaction", transfer(account, nonce))
        receipts = wait_until_mined(devnet.rpc, [sent])
    wait_until_final(devnet.rpc, int(str(receipts[0]["blockNumber"]), 16))
    return all_hashes(devnet.rpc)


class TestDevnet:
    def test_makes_everything_final_and_then_rests(self, tmp_path: Path) -> None:
        devnet = start_devnet(tmp_path, *FAST, "--finality-depth", "4")
        account = dev_account(0)
        sent = devnet.rpc.call("eth_sendRawTransaction", transfer(account, 0))
        (receipt,) = wait_until_mined(devnet.rpc, [sent])
        number = int(str(receipt["blockNumber"]), 16)
        wait_until_final(devnet.rpc, number)
        assert head_number(devnet.rpc) == number + 4
        assert devnet.stop() == 0

    def test_gives_the_same_chain_after_a_clean_stop(self, tmp_path: Path) -> None:
        devnet = start_devnet(tmp_path, *FAST)
        before = make_blocks(devnet, 5)
        assert devnet.stop() == 0
        devnet = start_devnet(tmp_path, *FAST)
        assert all_hashes(devnet.rpc) == before
        assert make_blocks(devnet, 2)[: len(before)] == before
        devnet.stop()

    @pytest.mark.parametrize("seed", range(4))
    def test_keeps_every_block_anyone_saw_when_both_are_killed(self, tmp_path: Path, seed: int) -> None:
        chance = random.Random(seed)
        raw = [transfer(dev_account(sender), nonce) for nonce in range(150) for sender in range(3)]
        seen: dict[int, str] = {}
        finalized = 0
        for _ in range(3):
            devnet = start_devnet(tmp_path, *FAST)
            if seen:
                hashes = all_hashes(devnet.rpc)
                assert {number: hashes[number] for number in seen} == seen
            sender = threading.Thread(target=send_until_gone, args=(devnet.url, raw))
            sender.start()
            until = time.monotonic() + chance.uniform(0.05, 0.6)
            # However busy the machine is: something must have become final, or the kill would show little.
            while time.monotonic() < until or not finalized:
                head, final = devnet.rpc.batch(
                    [("eth_getBlockByNumber", (name, False)) for name in ("latest", "finalized")]
                )
                seen[int(head["number"], 16)] = head["hash"]
                seen[int(final["number"], 16)] = final["hash"]
                finalized = max(finalized, int(final["number"], 16))
            devnet.kill()
            sender.join()
        devnet = start_devnet(tmp_path, *FAST)
        hashes = all_hashes(devnet.rpc)
        assert {number: hashes[number] for number in seen} == seen
        devnet.stop()

    def test_is_told_the_time_from_its_beginning_until_it_has_caught_up(self, tmp_path: Path) -> None:
        begins_at, account = int(time.time()) - 40 * 86_400, dev_account(0)

        def block_time(nonce: int) -> int:
            sent = devnet.rpc.call("eth_sendRawTransaction", transfer(account, nonce))
            (receipt,) = wait_until_mined(devnet.rpc, [sent])
            return int(devnet.rpc.call("eth_getBlockByNumber", receipt["blockNumber"], False)["timestamp"], 16)

        def tell(at: int) -> None:
            devnet.rpc.call("evm_setNextBlockTimestamp", at)

        devnet = start_devnet(tmp_path, *FAST, "--begins-at", str(begins_at))
        assert int(devnet.rpc.call("eth_getBlockByNumber", "0x0", False)["timestamp"], 16) == begins_at
        assert begins_at < block_time(0) < begins_at + 60
        tell(begins_at + 86_400)
        # A block without transactions may come in between, and each is at least a second after the one before.
        assert 0 <= block_time(1) - (begins_at + 86_400) < 60
        wait_until_quiet(devnet.rpc)
        for impossible in (begins_at, int(time.time()) + 86_400):
            with pytest.raises(RpcError, match="after"):
                tell(impossible)
        before = all_hashes(devnet.rpc)
        assert devnet.stop() == 0

        devnet = start_devnet(tmp_path, *FAST, "--begins-at", str(begins_at))
        assert all_hashes(devnet.rpc) == before
        tell(begins_at + 2 * 86_400)
        assert 0 <= block_time(2) - (begins_at + 2 * 86_400) < 60
        tell(int(time.time()))
        assert block_time(3) >= int(time.time()) - 60
        with pytest.raises(RpcError, match="follows it"):
            tell(int(time.time()))
        devnet.stop()

    def test_is_not_told_the_time_once_it_has_begun(self, tmp_path: Path) -> None:
        devnet = start_devnet(tmp_path, *FAST)
        with pytest.raises(RpcError, match="not offered"):
            devnet.rpc.call("evm_setNextBlockTimestamp", int(time.time()) + 1)
        devnet.stop()
        status, complaint = run_devnet_to_its_end(tmp_path, "--begins-at", "1700000000")
        assert status == 1
        assert "another beginning" in complaint

    def test_orders_many_senders_and_a_full_block_the_same_way_again(self, tmp_path: Path) -> None:
        devnet = start_devnet(tmp_path, "--block-period-ms", "100")
        sent = [
            devnet.rpc.call("eth_sendRawTransaction", transfer(dev_account(n), nonce, gas=9_000_000))
            for nonce in range(6)
            for n in range(4)
        ]
        wait_until_mined(devnet.rpc, sent)
        blocks = [
            devnet.rpc.call("eth_getBlockByNumber", hex(n), True) for n in range(head_number(devnet.rpc) + 1)
        ]
        assert max(int(block["gasUsed"], 16) for block in blocks) <= 60_000_000
        devnet.kill()
        devnet = start_devnet(tmp_path, *FAST)
        assert all_hashes(devnet.rpc)[: len(blocks)] == [block["hash"] for block in blocks]
        devnet.stop()

    def test_fills_a_block_by_what_is_used_and_carries_the_rest_over(self, tmp_path: Path) -> None:
        devnet = start_devnet(tmp_path, "--block-period-ms", "500")
        account = dev_account(0)
        burning = {
            **{"type": 2, "chainId": 31337, "to": "", "data": BURNS_ALL_GAS, "value": 0},
            **{"maxFeePerGas": 10**11, "maxPriorityFeePerGas": 0},
        }
        raws = [
            account.sign_transaction({**burning, "nonce": nonce, "gas": gas}).raw_transaction.to_0x_hex()
            for nonce, gas in enumerate([16_000_000] * 3)
        ]
        # One allows itself more than is left then; what follows would fit, and may not go before it.
        raws += [transfer(account, 3, gas=15_000_000), transfer(account, 4), transfer(account, 5, gas=15_000_000)]
        sent = [devnet.rpc.call("eth_sendRawTransaction", raw) for raw in raws]
        receipts = wait_until_mined(devnet.rpc, sent)
        wait_until_final(devnet.rpc, int(str(receipts[-1]["blockNumber"]), 16))
        hashes = all_hashes(devnet.rpc)
        devnet.kill()
        devnet = start_devnet(tmp_path, *FAST)
        assert all_hashes(devnet.rpc)[: len(hashes)] == hashes
        devnet.stop()

    def test_does_not_stumble_over_a_transaction_that_turns_out_invalid(self, tmp_path: Path) -> None:
        devnet = start_devnet(tmp_path, "--block-period-ms", "200")
        poor = dev_account(50)
        rich = dev_account(1)
        funding = {
            **{"type": 2, "chainId": 31337, "nonce": 0, "to": poor.address, "value": 10**16, "gas": 21_000},
            **{"maxFeePerGas": 10**11, "maxPriorityFeePerGas": 0},
        }
        raw = rich.sign_transaction(funding).raw_transaction.to_0x_hex()
        wait_until_mined(devnet.rpc, [devnet.rpc.call("eth_sendRawTransaction", raw)])
        # Each alone could be paid for; the second cannot once the first has been.
        spend = {
            **{"type": 2, "chainId": 31337, "to": rich.address, "value": 7 * 10**15, "gas": 21_000},
            **{"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 0},
        }
        for nonce in (0, 1):
            signed = poor.sign_transaction({**spend, "nonce": nonce}).raw_transaction.to_0x_hex()
            devnet.rpc.batch_each([("eth_sendRawTransaction", (signed,))])
        before = make_blocks(devnet, 2)
        assert devnet.stop() == 0
        devnet = start_devnet(tmp_path)
        assert all_hashes(devnet.rpc) == before
        devnet.stop()

    def test_cuts_a_block_that_was_torn_while_being_written(self, tmp_path: Path) -> None:
        devnet = start_devnet(tmp_path, *FAST)
        before = make_blocks(devnet, 3)
        devnet.kill()
        with (tmp_path / "blocks").open("ab") as file:
            file.write(b"\x00\x00\x01")
        devnet = start_devnet(tmp_path, *FAST)
        assert all_hashes(devnet.rpc) == before
        devnet.stop()

    def test_mines_a_block_that_was_written_but_not_mined(self, tmp_path: Path) -> None:
        devnet = start_devnet(tmp_path, *FAST)
        before = make_blocks(devnet, 1)
        devnet.kill()
        file = BlocksFile(tmp_path / "blocks", genesis={})
        raw = bytes.fromhex(transfer(dev_account(0), 1)[2:])
        file.append_block(BlockRecord(timestamp=4_000_000_000, transactions=(raw,)))
        file.close()
        devnet = start_devnet(tmp_path, *FAST)
        assert all_hashes(devnet.rpc)[: len(before)] == before
        assert len(devnet.rpc.call("eth_getBlockByNumber", hex(len(before)), False)["transactions"]) == 1
        wait_until_final(devnet.rpc, len(before))
        devnet.stop()

    def test_says_in_one_line_where_a_replay_differs(self, tmp_path: Path) -> None:
        devnet = start_devnet(tmp_path / "a", *FAST)
        make_blocks(devnet, 2)
        devnet.stop()
        original = BlocksFile(tmp_path / "a" / "blocks", genesis={})
        forged = BlocksFile(tmp_path / "b" / "blocks", genesis=original.genesis)
        number = differs_at = 0
        for record in original.records():
            if isinstance(record, HashRecord):
                forged.append_hash(record.block_hash)
                continue
            number += 1
            if record.transactions and number > 1 and not differs_at:
                differs_at = number
                record = BlockRecord(record.timestamp, ())
            forged.append_block(record)
        original.close()
        forged.close()
        status, complaint = run_devnet_to_its_end(tmp_path / "b")
        assert status != 0
        assert len(complaint.splitlines()) == 1
        assert f"differs at block {differs_at}" in complaint

    def test_refuses_a_directory_of_another_chain_or_in_use(self, tmp_path: Path) -> None:
        devnet = start_devnet(tmp_path)
        status, complaint = run_devnet_to_its_end(tmp_path)
        assert (status, "used by another devnet" in complaint) == (1, True)
        devnet.stop()
        status, complaint = run_devnet_to_its_end(tmp_path, "--chain-id", "7")
        assert (status, "another chain_id" in complaint) == (1, True)

    def test_ends_with_anvil_and_leaves_no_anvil_behind(self, tmp_path: Path) -> None:
        devnet = start_devnet(tmp_path)
        os.kill(int(devnet.said["anvil_pid"]), signal.SIGKILL)
        assert devnet.process.wait() != 0
        devnet = start_devnet(tmp_path)
        devnet.process.kill()
        devnet.process.wait()
        wait_until_port_is_silent(int(devnet.said["anvil_port"]))

    def test_keeps_old_blocks_receipts_and_logs_readable(self, tmp_path: Path) -> None:
        devnet = start_devnet(tmp_path, *FAST)
        hashes = make_blocks(devnet, 12)
        block = devnet.rpc.call("eth_getBlockByHash", hashes[1], False)
        receipt = devnet.rpc.call("eth_getTransactionReceipt", block["transactions"][0])
        assert receipt["blockHash"] == hashes[1]
        assert devnet.rpc.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"}) == []
        assert block_hash(devnet.rpc, 1) == hashes[1]
        devnet.stop()

    def test_keeps_block_times_strictly_increasing(self, tmp_path: Path) -> None:
        devnet = start_devnet(tmp_path, *FAST)
        make_blocks(devnet, 6)
        times = [
            int(devnet.rpc.call("eth_getBlockByNumber", hex(n), False)["timestamp"], 16)
            for n in range(head_number(devnet.rpc) + 1)
        ]
        assert times == sorted(set(times))
        devnet.stop()


class TestGate:
    def test_does_not_let_anyone_change_the_chain_behind_the_file(self, devnet: RunningDevnet) -> None:
        before = block_hash(devnet.rpc, "latest")
        for method in ("evm_mine", "anvil_reorg", "hardhat_setBalance", "eth_sendRawTransactionSync"):
            with pytest.raises(RpcError) as caught:
                devnet.rpc.call(method)
            assert caught.value.code == -32601
        with pytest.raises(RpcError):
            devnet.rpc.batch([("eth_chainId", ()), ("evm_mine", ())])
        assert block_hash(devnet.rpc, "latest") == before

    def test_takes_only_json_over_post(self, devnet: RunningDevnet) -> None:
        assert httpx.get(devnet.url).status_code == 405
        answer = httpx.post(devnet.url, content=b"{}", headers={"content-type": "text/plain"})
        assert answer.status_code == 415

    def test_lets_pages_read_and_never_send(self, devnet: RunningDevnet) -> None:
        asked = httpx.options(devnet.url, headers={"origin": "null", "access-control-request-method": "POST"})
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, "*")
        for method, params, error in (("eth_blockNumber", [], False), ("eth_sendRawTransaction", ["0x00"], True)):
            request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            answer = httpx.post(devnet.url, json=request, headers={"origin": "https://elsewhere.example"})
            assert ("not offered" in str(answer.json().get("error"))) is error

    def test_passes_on_what_anvil_says_of_nonsense(self, devnet: RunningDevnet) -> None:
        answer = httpx.post(devnet.url, content=b"{nonsense", headers={"content-type": "application/json"})
        assert "error" in answer.json()

    def test_answers_many_clients_at_once(self, devnet: RunningDevnet) -> None:
        found: list[str] = []

        def ask() -> None:
            with Rpc(devnet.url) as rpc:
                found.extend(rpc.call("eth_chainId") for _ in range(20))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == ["0x7a69"] * 160


class TestChoose:
    def pool(self, **senders: list[int]) -> dict[str, object]:
        pending = {
            sender: {str(9 + n): {"hash": f"{sender}{n}", "gas": hex(gas)} for n, gas in enumerate(gases)}
            for sender, gases in senders.items()
        }
        return {"pending": pending, "queued": {}}

    def test_lets_senders_take_turns_in_nonce_order(self) -> None:
        chosen, left = choose(self.pool(a=[1, 1, 1], b=[1]), gas_limit=100)
        assert [one.transaction_hash for one in chosen] == ["a0", "b0", "a1", "a2"]
        assert left == []

    def test_leaves_what_does_not_fit_and_all_that_follows_from_that_sender(self) -> None:
        chosen, left = choose(self.pool(a=[60, 60, 1], b=[30]), gas_limit=100)
        assert [one.transaction_hash for one in chosen] == ["a0", "b0"]
        assert left == ["a1", "a2"]


class TestLeftOut:
    def test_tells_what_had_no_room_from_what_was_refused(self) -> None:
        pool = TestChoose().pool(a=[60, 30], b=[10, 10], c=[40])
        chosen, _ = choose(pool, gas_limit=1000)
        mined = {"a0", "b0"}
        assert left_out(chosen, mined, gas_left=20) == (["b1"], ["c0", "a1"])

    def test_lets_what_follows_wait_behind_what_had_no_room(self) -> None:
        chosen, _ = choose(TestChoose().pool(a=[60, 60, 1]), gas_limit=1000)
        assert left_out(chosen, {"a0"}, gas_left=30) == ([], ["a1", "a2"])


def send_until_gone(url: str, raw: list[str]) -> None:
    """Send everything, in order, until the node is killed; refusals of repeats do not matter."""
    with Rpc(url) as rpc:
        for one in raw:
            try:
                rpc.batch_each([("eth_sendRawTransaction", (one,))])
            except RpcUnavailable:
                return


def wait_until_port_is_silent(port: int) -> None:
    while True:
        try:
            httpx.post(f"http://127.0.0.1:{port}", timeout=1)
        except httpx.ConnectError:
            return
        time.sleep(0.02)
