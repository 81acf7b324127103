"""The ABI of the registries' authority: calls as calldata, and what its logs say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.chain.abi import selector, topic

_WORD = 32
_SCHEDULE = selector("schedule(address,bytes,uint48)")
_EXECUTE = selector("execute(address,bytes)")
_CANCEL = selector("cancel(address,address,bytes)")
_GRANT = selector("grantRole(uint64,address,uint32)")
_REVOKE = selector("revokeRole(uint64,address)")
_LABEL = selector("labelRole(uint64,string)")
_SET_FUNCTION_ROLE = selector("setTargetFunctionRole(address,bytes4[],uint64)")
_FUNCTION_ROLE_OF = selector("getTargetFunctionRole(address,bytes4)")
_SET_CLOSED = selector("setTargetClosed(address,bool)")
_CLOSE = selector("closeTarget(address)")
_MULTICALL = selector("multicall(bytes[])")

ROLE_GRANTED = topic("RoleGranted(uint64,address,uint32,uint48,bool)")
ROLE_REVOKED = topic("RoleRevoked(uint64,address)")
FUNCTION_ROLE_SET = topic("TargetFunctionRoleUpdated(address,bytes4,uint64)")
TARGET_CLOSED = topic("TargetClosed(address,bool)")
OPERATION_SCHEDULED = topic("OperationScheduled(bytes32,uint32,uint48,address,address,bytes)")
OPERATION_EXECUTED = topic("OperationExecuted(bytes32,uint32)")
OPERATION_CANCELLED = topic("OperationCanceled(bytes32,uint32)")


@dataclass(frozen=True, slots=True)
class Operation:
    """An act that was announced; `ready_at` is the first second at which it may be carried out."""

    caller: str
    target: str
    data: bytes
    ready_at: int


def encode_schedule(*, target: str, data: bytes, when: int = 0) -> bytes:
    """Return the call that announces an act; `when` 0 is as soon as the caller's notice allows."""
    return b"".join((_SCHEDULE, _address(target), _word(3 * _WORD), _word(when), _bytes(data)))


def encode_execute(*, target: str, data: bytes) -> bytes:
    """Return the call that carries an act out, once its notice has passed."""
    return b"".join((_EXECUTE, _address(target), _word(2 * _WORD), _bytes(data)))


def encode_cancel(*, caller: str, target: str, data: bytes) -> bytes:
    """Return the call that cancels what `caller` has announced."""
    return b"".join((_CANCEL, _address(caller), _address(target), _word(3 * _WORD), _bytes(data)))


def encode_grant_role(*, role: int, account: str, notice_seconds: int) -> bytes:
    """Return the administrator's call that gives an account a role, to be used with so much notice."""
    return b"".join((_GRANT, _word(role), _address(account), _word(notice_seconds)))


def encode_revoke_role(*, role: int, account: str) -> bytes:
    """Return the administrator's call that takes a role from an account."""
    return b"".join((_REVOKE, _word(role), _address(account)))


def encode_label_role(*, role: int, label: str) -> bytes:
    """Return the administrator's call that gives a role a name for people."""
    return b"".join((_LABEL, _word(role), _word(2 * _WORD), _bytes(label.encode())))


def encode_set_function_role(*, target: str, selectors: Sequence[bytes], role: int) -> bytes:
    """Return the administrator's call that opens functions to a role."""
    listed = b"".join(each.ljust(_WORD, b"\0") for each in selectors)
    return b"".join(
        (_SET_FUNCTION_ROLE, _address(target), _word(3 * _WORD), _word(role), _word(len(selectors)), listed)
    )


def encode_function_role_of(*, target: str, function: bytes) -> bytes:
    """Return the call that answers which role a function is open to."""
    return b"".join((_FUNCTION_ROLE_OF, _address(target), function.ljust(_WORD, b"\0")))


def encode_set_closed(*, target: str, is_closed: bool) -> bytes:
    """Return the administrator's call that closes a registry or opens it again."""
    return b"".join((_SET_CLOSED, _address(target), _word(is_closed)))


def encode_close_target(target: str) -> bytes:
    """Return the auditor's call that closes a registry at once."""
    return _CLOSE + _address(target)


def encode_multicall(calls: Sequence[bytes]) -> bytes:
    """Return the call that makes several, all or none."""
    offsets, tails = [], []
    at = len(calls) * _WORD
    for call in calls:
        offsets.append(_word(at))
        tails.append(_bytes(call))
        at += len(tails[-1])
    return b"".join((_MULTICALL, _word(_WORD), _word(len(calls)), *offsets, *tails))


def decode_operation(log: dict[str, Any]) -> Operation:
    """Return the announcement in an `OperationScheduled` log."""
    data = bytes.fromhex(log["data"][2:])
    start = int.from_bytes(data[96:128], "big")
    size = int.from_bytes(data[start : start + _WORD], "big")
    return Operation(
        caller="0x" + data[44:64].hex(),
        target="0x" + data[76:96].hex(),
        data=data[start + _WORD : start + _WORD + size],
        ready_at=int.from_bytes(data[:_WORD], "big"),
    )


def _word(value: int) -> bytes:
    return value.to_bytes(_WORD, "big")


def _address(value: str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x")).rjust(_WORD, b"\0")


def _bytes(value: bytes) -> bytes:
    return _word(len(value)) + value + bytes(-len(value) % _WORD)
