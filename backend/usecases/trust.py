"""What a verifier believes before it opens a bundle; never read from the bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.domain.journal import Network


@dataclass(frozen=True)
class Trust:
    """What a verifier believes before it opens a bundle.

    `checkpoints` are hashes of blocks by number that the verifier has from elsewhere. On a chain with a single
    sequencer whoever runs it could write another history; no bundle can show that, so it has to be said.
    """

    network: Network
    genesis_hash: str
    actor_registry: str
    code_hashes: dict[str, str]
    ledger_versions: str | None = None
    checkpoints: Mapping[int, str] = field(default_factory=dict)
    has_single_sequencer: bool = False


def trust_of(content: Mapping[str, Any]) -> Trust:
    """Return the trust that a trust file's content states.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the content has not the form of a trust file.
    """
    versions = content.get("ledger_versions")
    return Trust(
        Network(int(content["chain_id"]), _hex(content["ledger"], 20)),
        _hex(content["genesis_hash"], 32).hex(),
        "0x" + _hex(content["actor_registry"], 20).hex(),
        _code_hashes(content),
        None if versions is None else "0x" + _hex(versions, 20).hex(),
        {_number(one["number"]): _hex(one["hash"], 32).hex() for one in content.get("checkpoints", [])},
        content.get("sequencer") == "single",
    )


def _hex(text: str, size: int) -> bytes:
    value = bytes.fromhex(text.removeprefix("0x"))
    if len(value) != size:
        raise ValueError(f"{text!r} is not {size} bytes")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is not a block's number")
    return value


_CONTRACTS = {
    "CustodyLedger": "ledger",
    "ActorRegistry": "actor_registry",
    "BinRegistry": "bin_registry",
    "LedgerVersions": "ledger_versions",
    "CityAuthority": "city_authority",
}
_BELIEVED = {"CustodyLedger", "ActorRegistry"}


def _code_hashes(content: Mapping[str, Any]) -> dict[str, str]:
    hashes = content["code_hashes"]
    if not isinstance(hashes, dict):
        raise TypeError("code_hashes is not an object")
    missing = _BELIEVED - hashes.keys()
    if missing:
        raise ValueError(f"no code hash of {', '.join(sorted(missing))}: any code could stand there")
    return {str(content[_CONTRACTS[name]]): _hex(value, 32).hex() for name, value in hashes.items()}
