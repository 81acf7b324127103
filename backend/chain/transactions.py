"""EIP-1559 transactions: fees, signing, and the plain way to send one and wait."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_account import Account
from eth_account.signers.local import LocalAccount

from backend.chain.client import Rpc, RpcError
from backend.chain.contract_errors import read_contract_error

_GAS_MARGIN_PERCENT = 20
# EIP-7825: no transaction may ask for more.
TRANSACTION_GAS_MAX = 16_777_216


class TransactionFailed(Exception):
    """A transaction was mined and reverted, or can no longer be mined."""


class NotMinedInTime(TransactionFailed):
    """A transaction was not mined so far; it may still be, or have to be sent again."""


@dataclass(frozen=True)
class Fees:
    """What a transaction offers per gas, in wei."""

    fee_wei_max: int
    tip_wei_max: int

    def raised(self) -> Fees:
        """Return fees an eighth higher, rounded up: what pools ask of a replacement."""
        return Fees(_raise(self.fee_wei_max), _raise(self.tip_wei_max))

    def at_least(self, other: Fees) -> Fees:
        """Return the higher of the two, each by itself."""
        return Fees(max(self.fee_wei_max, other.fee_wei_max), max(self.tip_wei_max, other.tip_wei_max))


def _raise(wei: int) -> int:
    return max(-(-wei * 9 // 8), wei + 1)


@dataclass(frozen=True)
class SignedTransaction:
    """Bytes ready to send; the hash names them for ever."""

    nonce: int
    raw: bytes
    tx_hash: bytes


def account_of(key: bytes) -> LocalAccount:
    """Return the account of a private key."""
    account: LocalAccount = Account.from_key(key)
    return account


def suggest_fees(rpc: Rpc) -> Fees:
    """Return the node's suggested tip, and a cap that outlasts a doubling of the base fee."""
    tip, block = rpc.batch([("eth_maxPriorityFeePerGas", ()), ("eth_getBlockByNumber", ("latest", False))])
    tip_wei = int(tip, 16)
    return Fees(fee_wei_max=tip_wei + 2 * int(block.get("baseFeePerGas", "0x0"), 16), tip_wei_max=tip_wei)


def sign(
    account: LocalAccount,
    *,
    chain_id: int,
    nonce: int,
    to: str,
    data: bytes,
    gas: int,
    fees: Fees,
    value_wei: int = 0,
) -> SignedTransaction:
    """Return a signed transaction."""
    signed = account.sign_transaction(
        {
            "type": 2,
            "chainId": chain_id,
            "nonce": nonce,
            "to": bytes.fromhex(to.removeprefix("0x")),
            "value": value_wei,
            "gas": gas,
            "maxFeePerGas": fees.fee_wei_max,
            "maxPriorityFeePerGas": fees.tip_wei_max,
            "data": data,
        }
    )
    return SignedTransaction(nonce=nonce, raw=bytes(signed.raw_transaction), tx_hash=bytes(signed.hash))


@dataclass(frozen=True)
class TransactionCall:
    """What a signed transaction asks for."""

    nonce: int
    to: str
    data: bytes
    gas: int
    fees: Fees


def read_transaction(raw: bytes) -> TransactionCall:
    """Return what an EIP-1559 transaction of ours asks for, to sign it again with other fees."""
    if raw[:1] != b"\x02":
        raise ValueError("not an EIP-1559 transaction")
    _, nonce, tip, fee, gas, to, _, data, *_ = rlp.decode(raw[1:])
    return TransactionCall(
        nonce=int.from_bytes(nonce, "big"),
        to="0x" + to.hex(),
        data=data,
        gas=int.from_bytes(gas, "big"),
        fees=Fees(fee_wei_max=int.from_bytes(fee, "big"), tip_wei_max=int.from_bytes(tip, "big")),
    )


def estimate_gas(rpc: Rpc, *, sender: str, to: str, data: bytes) -> int:
    """Return what the node says the call needs, with a margin.

    Raises:
        ContractError: the contract would say no, and how.
        RpcError: the node said no.
    """
    try:
        needed = int(rpc.call("eth_estimateGas", {"from": sender, "to": to, "data": "0x" + data.hex()}), 16)
    except RpcError as error:
        known = read_contract_error(error.revert_data) if error.revert_data else None
        if known is not None:
            raise known from error
        raise
    return min(needed * (100 + _GAS_MARGIN_PERCENT) // 100, TRANSACTION_GAS_MAX)


def send_and_wait(
    rpc: Rpc, *, key: bytes, to: str, data: bytes, value_wei: int = 0, timeout_seconds: float = 120
) -> dict[str, Any]:
    """Send one transaction of an account that nothing else uses meanwhile, and return its receipt.

    Raises:
        ContractError: the contract would say no, and how; nothing was sent.
        TransactionFailed: it was mined and reverted.
        NotMinedInTime: it was not mined so far.
    """
    account = account_of(key)
    gas = 21_000 if not data else estimate_gas(rpc, sender=account.address, to=to, data=data)
    nonce = int(rpc.call("eth_getTransactionCount", account.address, "pending"), 16)
    signed = sign(
        account,
        chain_id=rpc.chain_id,
        nonce=nonce,
        to=to,
        data=data,
        gas=gas,
        fees=suggest_fees(rpc),
        value_wei=value_wei,
    )
    rpc.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
    return wait_for_receipt(rpc, signed.tx_hash, timeout_seconds=timeout_seconds)


def wait_for_receipt(
    rpc: Rpc, tx_hash: bytes, *, timeout_seconds: float = 120, poll_period_seconds: float = 0.05
) -> dict[str, Any]:
    """Return the receipt of a transaction that succeeded.

    Raises:
        TransactionFailed: it reverted.
        NotMinedInTime: it was not mined so far.
    """
    until = time.monotonic() + timeout_seconds
    while True:
        receipt: dict[str, Any] | None = rpc.call("eth_getTransactionReceipt", "0x" + tx_hash.hex())
        if receipt is not None:
            if int(receipt["status"], 16) != 1:
                raise TransactionFailed(f"transaction 0x{tx_hash.hex()} reverted")
            return receipt
        if time.monotonic() > until:
            raise NotMinedInTime(f"transaction 0x{tx_hash.hex()} was not mined in {timeout_seconds} s")
        time.sleep(poll_period_seconds)
