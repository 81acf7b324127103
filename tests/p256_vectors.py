"""Other people's P-256 signatures: Project Wycheproof's, in DER, and a thousand valid ones made at random.

Wycheproof (`ecdsa_secp256r1_sha256_test.json`) holds what has broken other implementations. Our interfaces take
r and s as two numbers of 256 bits: a signature that is no DER, or holds other numbers, cannot reach them at all.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shared_material import find_shared

from backend.domain.seal import CURVE_ORDER

WYCHEPROOF_COUNT, RANDOM_COUNT = 484, 1000


@dataclass(frozen=True)
class Signature:
    """A signature as our interfaces take it, and whether it is one."""

    name: str
    message: bytes
    x: int
    y: int
    r: int
    s: int
    is_valid: bool

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.message).digest()

    @property
    def is_high(self) -> bool:
        return self.s > CURVE_ORDER // 2

    def to_json(self) -> dict[str, str]:
        numbers = {name: f"{getattr(self, name):064x}" for name in "xyrs"}
        return {"message": self.message.hex(), **numbers}


@dataclass(frozen=True)
class DerSignature:
    """A signature of Wycheproof's, as it is written there."""

    name: str
    message: bytes
    x: int
    y: int
    der: bytes
    is_valid: bool

    def read(self) -> Signature | str:
        """Return it with its two numbers, or why it has none that our interfaces could be given."""
        numbers = read_der(self.der)
        if isinstance(numbers, str):
            return numbers
        return Signature(self.name, self.message, self.x, self.y, *numbers, self.is_valid)


class NotDer(Exception):
    """These bytes are not DER of a sequence of two integers."""


def read_der(der: bytes) -> tuple[int, int] | str:
    """Return (r, s), or a reason. Written apart from the app's own reader, to be compared with it."""
    try:
        body, rest = _element(der, 0x30)
        r, behind = _element(body, 0x02)
        s, end = _element(behind, 0x02)
        if rest or end:
            raise NotDer
        numbers = [_integer(digits) for digits in (r, s)]
    except NotDer:
        return "is not DER"
    if min(numbers) < 0:
        return "has a negative number"
    if max(numbers) >= 1 << 256:
        return "has a number of more than 256 bits"
    return numbers[0], numbers[1]


def _element(data: bytes, tag: int) -> tuple[bytes, bytes]:
    if len(data) < 2 or data[0] != tag:
        raise NotDer
    length, start = data[1], 2
    if length >= 0x80:
        digits = data[2 : 2 + (length & 0x7F)]
        start, length = 2 + len(digits), int.from_bytes(digits, "big")
        # The long form is DER only where the short one would not do, and without leading zeros.
        if not digits or len(digits) < (data[1] & 0x7F) or digits[0] == 0 or length < 0x80:
            raise NotDer
    if start + length > len(data):
        raise NotDer
    return data[start : start + length], data[start + length :]


def _integer(digits: bytes) -> int:
    if not digits:
        raise NotDer
    value = int.from_bytes(digits, "big", signed=True)
    if len(digits) != (value.bit_length() if value >= 0 else (value + 1).bit_length()) // 8 + 1:
        raise NotDer
    return value


def wycheproof() -> list[DerSignature]:
    """Return the published signatures; empty only where it was asked to go without them."""
    path = find_shared("p256/wycheproof-der.json")
    if path is None:
        return []
    found = []
    for group in json.loads(path.read_text())["testGroups"]:
        assert group["sha"] == "SHA-256"
        x, y = (int(group["publicKey"][name], 16) for name in ("wx", "wy"))
        for test in group["tests"]:
            assert test["result"] in ("valid", "invalid"), test
            name = f"{test['tcId']}: {test['comment']}"
            message, der = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
            found.append(DerSignature(name, message, x, y, der, test["result"] == "valid"))
    assert len(found) == WYCHEPROOF_COUNT
    return found


def random_valid() -> list[Signature]:
    """Return the random signatures, all valid; empty only where it was asked to go without them."""
    path = find_shared("p256/random-valid.jsonl")
    if path is None:
        return []
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        vector = json.loads(line)
        assert vector["valid"] is True
        numbers = [int(vector[name], 16) for name in "xyrs"]
        signature = Signature(f"random {number}", bytes.fromhex(vector["msg"]), *numbers, True)
        assert signature.hash.hex() == vector["hash"]
        found.append(signature)
    assert len(found) == RANDOM_COUNT
    return found


def read_all() -> tuple[list[Signature], Counter[str]]:
    """Return every signature that our interfaces can be given, and how many cannot, by reason."""
    signatures, reasons = [], Counter[str]()
    for published in wycheproof():
        read = published.read()
        if isinstance(read, Signature):
            signatures.append(read)
        else:
            assert not published.is_valid, f"{published.name} is valid, and cannot be expressed: it {read}"
            reasons[read] += 1
    return [*signatures, *random_valid()], reasons


def judge_all(interface: str, judge: Callable[[Sequence[Signature]], Iterable[bool]]) -> str:
    """Ask an interface of every signature, require the published answers, and return what was counted."""
    signatures, reasons = read_all()
    verdicts = list(judge(signatures))
    wrong = [s.name for s, verdict in zip(signatures, verdicts, strict=True) if verdict is not s.is_valid]
    assert not wrong, f"{interface} answers otherwise than published: {wrong}"
    accepted = [s for s, verdict in zip(signatures, verdicts, strict=True) if verdict]
    high, refused = sum(one.is_high for one in accepted), len(signatures) - len(accepted)
    cannot = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return (
        f"{interface}: {len(signatures)} of {len(signatures) + reasons.total()} expressed,"
        f" {len(accepted)} accepted ({high} with a high s), {refused} refused; not expressed: {cannot or 0}"
    )
