from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from chain_support import SHARED_DATA, PlainAnvil, RunningDevnet

from backend.chain.anvil import free_port
from backend.chain.client import Rpc, RpcError, RpcUnavailable, WrongChain, read_answers

REQUEST = [{"id": 1, "method": "eth_chainId"}]


def real_exchanges() -> Iterator[tuple[str, dict[str, Any], bytes]]:
    folder = SHARED_DATA / "json_rpc"
    if not folder.is_dir():
        if os.environ.get("HUANLIAN_WITHOUT_SHARED") == "1":
            return
        pytest.fail(f"{folder} is not there; set HUANLIAN_WITHOUT_SHARED=1 to test without it")
    for path in sorted(folder.rglob("*.io")):
        lines = path.read_text().splitlines()
        question = next(line for line in lines if line.startswith(">> "))
        answer = next(line for line in lines if line.startswith("<< "))
        yield path.name, orjson.loads(question[3:]), answer[3:].encode()


class TestReadAnswers:
    def test_reads_what_real_nodes_say(self) -> None:
        for name, request, answer in real_exchanges():
            (found,) = read_answers(answer, [request])
            expected = orjson.loads(answer)
            if "error" in expected:
                assert isinstance(found, RpcError), name
                assert (found.code, found.message) == (
                    expected["error"]["code"],
                    expected["error"]["message"],
                )
            else:
                assert found == expected["result"], name

    def test_finds_the_revert_data_of_real_reverts(self) -> None:
        for name, request, answer in real_exchanges():
            if name.startswith(("call-revert", "estimate-call-abi-error")):
                (found,) = read_answers(answer, [request])
                assert found.revert_data[:4].hex() in ("08c379a0", "4e487b71"), name

    def test_puts_answers_in_the_order_of_the_requests(self) -> None:
        content = b'[{"id":2,"result":"b"},{"id":1,"result":null}]'
        requests = [{"id": 1, "method": "a"}, {"id": 2, "method": "b"}]
        assert read_answers(content, requests) == [None, "b"]

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"<html>502</html>",
            b'{"jsonrpc":"2.0","id":1,"resu',
            b'{"jsonrpc":"2.0","id":1}',
            b'{"id":1,"result":1,"error":{"code":1}}',
            b'{"id":9,"result":1}',
            b'[{"id":1,"result":1},{"id":1,"result":2}]',
            b'"text"',
            b"[]",
        ],
    )
    def test_does_not_take_a_broken_answer_for_one(self, content: bytes) -> None:
        with pytest.raises(RpcUnavailable):
            read_answers(content, REQUEST)


class TestRpc:
    def test_tells_a_refusal_from_silence(self, devnet: RunningDevnet) -> None:
        with pytest.raises(RpcError) as caught:
            devnet.rpc.call("eth_sendRawTransaction", "0x00")
        assert caught.value.method == "eth_sendRawTransaction"
        with Rpc(f"http://127.0.0.1:{free_port()}") as silent, pytest.raises(RpcUnavailable):
            silent.call("eth_chainId")

    def test_turns_to_the_next_node_and_stays_there(self, devnet: RunningDevnet) -> None:
        dead = f"http://127.0.0.1:{free_port()}"
        with Rpc([dead, devnet.url], chain_id=31337) as rpc:
            assert rpc.call("eth_chainId") == "0x7a69"
            assert rpc.batch([("eth_chainId", ()), ("net_version", ())]) == ["0x7a69", "31337"]

    def test_refuses_a_node_of_another_chain(self, devnet: RunningDevnet) -> None:
        with Rpc(devnet.url, chain_id=1) as rpc, pytest.raises(WrongChain) as caught:
            rpc.call("eth_blockNumber")
        assert (caught.value.expected, caught.value.found) == (1, 31337)

    def test_gives_up_on_a_node_that_does_not_answer(self, anvil: PlainAnvil, tmp_path: Path) -> None:
        anvil.process.send_signal(19)
        with Rpc(anvil.url, timeout_seconds=0.2) as rpc, pytest.raises(RpcUnavailable):
            rpc.call("eth_chainId")
        anvil.process.send_signal(18)

    def test_gives_each_refusal_of_a_batch_its_own_place(self, devnet: RunningDevnet) -> None:
        answers = devnet.rpc.batch_each([("eth_chainId", ()), ("eth_nonsense", ()), ("net_version", ())])
        assert answers[0] == "0x7a69"
        assert isinstance(answers[1], RpcError)
        assert answers[2] == "31337"
