"""A node as a witness: what a verifier asks it."""

from __future__ import annotations

from typing import Any

from backend.chain.abi import selector
from backend.chain.client import Rpc, RpcError, RpcUnavailable
from backend.chain.contract_errors import ContractError
from backend.chain.ledger import call_contract
from backend.domain.keccak import keccak256
from backend.usecases.verifying import NodeAway

_SUCCESSOR_OF = selector("successorOf(address)")


class RpcWitness:
    """Asks one node; fulfils the verifier's `ChainWitness`.

    Each question is asked once: a witness is one look at the chain, however many bundles are held against it.
    """

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self._answers: dict[str, Any] = {}

    def chain_id(self) -> int:
        """Return the node's chain id."""
        return self._number("eth_chainId")

    def block_hash(self, number: int) -> str | None:
        """Return the hash of a block of the node's chain."""
        block = self._ask("eth_getBlockByNumber", hex(number), False)
        if block is None:
            return None
        if not isinstance(block, dict) or not isinstance(block.get("hash"), str):
            raise NodeAway("its block has no hash")
        return str(block["hash"]).removeprefix("0x")

    def code_hash(self, address: str) -> str:
        """Return keccak256 of the code at an address."""
        code = self._ask("eth_getCode", address, "latest")
        try:
            return keccak256(bytes.fromhex(code.removeprefix("0x"))).hex()
        except (AttributeError, ValueError) as error:
            raise NodeAway("its code is not hex") from error

    def lists_ledger(self, ledger_versions: str, ledger: str) -> bool:
        """Say whether the city's list of ledgers has this one; the contract refuses to speak of any other."""
        asked = f"lists {ledger_versions} {ledger}"
        if asked not in self._answers:
            self._answers[asked] = self._is_listed(ledger_versions, ledger)
        return bool(self._answers[asked])

    def _is_listed(self, ledger_versions: str, ledger: str) -> bool:
        call = _SUCCESSOR_OF + bytes.fromhex(ledger).rjust(32, b"\0")
        try:
            return len(call_contract(self._rpc, ledger_versions, call)) == 64
        except ContractError:
            return False
        except (RpcError, RpcUnavailable) as error:
            raise NodeAway(str(error)) from error

    def head_number(self) -> int:
        """Return the number of the newest block."""
        return self._number("eth_blockNumber")

    def _number(self, method: str) -> int:
        try:
            return int(self._ask(method), 16)
        except (TypeError, ValueError) as error:
            raise NodeAway(f"its answer to {method} is not a number") from error

    def _ask(self, method: str, *params: Any) -> Any:
        asked = f"{method} {params}"
        if asked not in self._answers:
            try:
                self._answers[asked] = self._rpc.call(method, *params)
            except (RpcError, RpcUnavailable) as error:
                raise NodeAway(str(error)) from error
        return self._answers[asked]
