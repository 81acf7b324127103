"""The treaty's pure functions on a chain of its own or on a devnet."""

from __future__ import annotations

from typing import Any

from eth_account import Account
from p256_vectors import Signature
from web3 import Web3

from backend.chain.anvil import TEST_MNEMONIC
from backend.chain.build import REPOSITORY, compile_contract

Account.enable_unaudited_hdwallet_features()


def deploy_harness(w3: Web3) -> Any:
    """Deploy the harness and nothing else; return its functions, each by its name."""
    built = compile_contract("mocks/TreatyHarness", REPOSITORY / "contracts")
    factory = w3.eth.contract(abi=built["abi"], bytecode="0x" + built["evm"]["bytecode"]["object"])
    payer = Account.from_mnemonic(TEST_MNEMONIC)
    nonce = w3.eth.get_transaction_count(payer.address)
    made = factory.constructor().build_transaction({"from": payer.address, "nonce": nonce})
    sent = w3.eth.send_raw_transaction(payer.sign_transaction(made).raw_transaction)
    receipt = w3.eth.wait_for_transaction_receipt(sent)
    assert receipt["status"] == 1
    return w3.eth.contract(address=receipt["contractAddress"], abi=built["abi"]).functions


def ask_precompile(harness: Any, one: Signature) -> bool:
    """Return what the chain says of a signature."""
    r, s, x, y = (number.to_bytes(32, "big") for number in (one.r, one.s, one.x, one.y))
    return bool(harness.verifyP256(one.hash, r, s, x, y).call())
