"""Passkeys' assertions, good ones and one for each thing that can be wrong with one; `make.py` writes them down.

A flawed assertion is signed as it stands, so that nothing but its flaw can be what refuses it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from backend.domain.passkey import SoftwarePasskey
from backend.domain.seal import CURVE_ORDER
from backend.domain.webauthn import ASSERTION_BYTES_MAX, challenge_of, origin_digest_of, pack_assertion
from backend.domain.writer import SigningKey

ORIGIN = "https://bins.example.org"
PRESENT_AND_VERIFIED = 0x05
NEXT_TO_STOPS = "https://!#[]%&^`.example.org"
"""Every second character differs from a quote or a backslash in one bit or by one."""


def authenticator_data(*, flags: int = PRESENT_AND_VERIFIED, counter: int = 0, extensions: bytes = b"") -> bytes:
    relying_party = hashlib.sha256(b"bins.example.org").digest()
    return relying_party + bytes([flags]) + counter.to_bytes(4, "big") + extensions


def client_data(
    digest: bytes,
    *,
    kind: str = "webauthn.get",
    challenge: bytes | None = None,
    origin: bytes = ORIGIN.encode(),
    rest: bytes = b',"crossOrigin":false}',
) -> bytes:
    challenge = challenge_of(digest) if challenge is None else challenge
    return b'{"type":"%s","challenge":"%s","origin":"%s"%s' % (kind.encode(), challenge, origin, rest)


@dataclass(frozen=True)
class Case:
    """One assertion and what a verifier must say of it."""

    name: str
    is_valid: bool
    digest: bytes
    origin_digest: int
    assertion: bytes
    key: tuple[int, int]
    r: int
    s: int

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "digest": self.digest.hex(),
            "origin_digest": f"{self.origin_digest:016x}",
            "assertion": self.assertion.hex(),
            "x": f"{self.key[0]:064x}",
            "y": f"{self.key[1]:064x}",
            "r": f"{self.r:064x}",
            "s": f"{self.s:064x}",
            "is_valid": self.is_valid,
        }


class Maker:
    """Signs whatever it is given, with a new key and over a new digest each time."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(seed)

    def key(self) -> SigningKey:
        return SigningKey.from_secret(self.rng.randrange(1, CURVE_ORDER))

    def case(
        self,
        name: str,
        *,
        is_valid: bool,
        authenticator: bytes | None = None,
        client: Callable[[bytes], bytes] = client_data,
        origin_digest: int = origin_digest_of(ORIGIN),
        digest: bytes | None = None,
    ) -> Case:
        key = self.key()
        digest = self.rng.randbytes(32) if digest is None else digest
        authenticator = authenticator_data() if authenticator is None else authenticator
        written = client(digest)
        r, s = key.sign(authenticator + hashlib.sha256(written).digest())
        assertion = pack_assertion(authenticator, written)
        return Case(name, is_valid, digest, origin_digest, assertion, key.public, r, s)

    def good(self, name: str, **parts: Any) -> Case:
        return self.case(name, is_valid=True, **parts)

    def bad(self, name: str, **parts: Any) -> Case:
        return self.case(name, is_valid=False, **parts)


def _with(**parts: Any) -> Callable[[bytes], bytes]:
    return lambda digest: client_data(digest, **parts)


def _cut(length: int) -> Callable[[bytes], bytes]:
    return lambda digest: client_data(digest)[:length]


def _changed(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(digest: bytes) -> bytes:
        written = client_data(digest)
        assert old in written
        return written.replace(old, new, 1)

    return change


def _filled_to(maker: Maker, name: str, size: int, *, is_valid: bool) -> Case:
    spare = size - len(
        pack_assertion(authenticator_data(), client_data(bytes(32), rest=b',"crossOrigin":false,}'))
    )
    rest = b',"crossOrigin":false,' + b" " * spare + b"}"
    made = maker.case(name, is_valid=is_valid, client=_with(rest=rest))
    assert len(made.assertion) == size
    return made


def good_cases(maker: Maker) -> list[Case]:
    software = SoftwarePasskey(maker.key(), ORIGIN)
    digest = maker.rng.randbytes(32)
    asserted = software.assertion_over(digest)
    by_software = Case(
        "from the software passkey",
        True,
        digest,
        software.origin_digest,
        asserted[0],
        software.key.public,
        *asserted[1:],
    )
    plain = maker.good("plain")
    extensions = bytes.fromhex("a16a6372656450726f7465637401")
    cases = [
        by_software,
        plain,
        replace(plain, name="high s", s=CURVE_ORDER - plain.s),
        maker.good("every other flag set as well", authenticator=authenticator_data(flags=0xFF)),
        maker.good("with a counter", authenticator=authenticator_data(counter=0xFFFFFFFF)),
        maker.good("with extensions", authenticator=authenticator_data(flags=0x85, extensions=extensions)),
        maker.good("with a field more", client=_with(rest=b',"crossOrigin":false,"other_keys_can_be_added":"x"}')),
        maker.good("ends with the comma", client=_with(rest=b',"crossOrigin":false,')),
        maker.good("more behind the brace", client=_with(rest=b',"crossOrigin":false}"}')),
        _filled_to(maker, "1024 bytes", ASSERTION_BYTES_MAX, is_valid=True),
    ]
    origins = {f"origin of {n} characters": "o" * n for n in (0, 1, 10, 11, 31, 32, 33, 63, 64, 65, 300)}
    origins |= {"origin with a port": "http://localhost:8000", "origin of an app": "android:apk-key-hash:mJ-wXw_0"}
    # "#" is one bit from a quote: a search that borrows from byte to byte would stop there.
    origins |= {"origin that ends one bit from a quote": "https://bins.example.org##"}
    origins |= {"origin next to the stops": NEXT_TO_STOPS, "origin not in ASCII": "https://垃圾.example.org"}
    for name, origin in origins.items():
        client = _with(origin=origin.encode())
        cases.append(maker.good(name, client=client, origin_digest=origin_digest_of(origin)))
    # Each of the 64 characters of base64url, at each place of a challenge.
    for sextet in range(64):
        filled = int(f"{sextet:06b}" * 43, 2) >> 2
        cases.append(maker.good(f"challenge of sextets {sextet}", digest=filled.to_bytes(32, "big")))
    return cases


def bad_shapes(maker: Maker) -> list[Case]:
    plain = maker.bad("plain")
    length, rest = plain.assertion[:2], plain.assertion[2:]
    other_lengths = {"one more": 38, "one less": 36, "past the end by one": len(rest) + 1, "greatest": 0xFFFF}
    return [
        replace(plain, name="empty", assertion=b""),
        replace(plain, name="one byte", assertion=b"\0"),
        replace(plain, name="two bytes", assertion=length),
        replace(plain, name="no authenticator data", assertion=bytes(2) + rest[37:]),
        replace(plain, name="cut in the authenticator data", assertion=plain.assertion[:38]),
        *(
            replace(plain, name=f"length: {name}", assertion=n.to_bytes(2, "big") + rest)
            for name, n in other_lengths.items()
        ),
        replace(plain, name="length is little-endian", assertion=length[::-1] + rest),
        replace(plain, name="no length", assertion=rest),
        maker.bad("authenticator data of 36 bytes", authenticator=authenticator_data()[:36]),
        maker.bad("authenticator data of 32 bytes", authenticator=authenticator_data()[:32]),
        maker.bad("no client data", client=lambda _: b""),
        _filled_to(maker, "1025 bytes", ASSERTION_BYTES_MAX + 1, is_valid=False),
    ]


def bad_client_data(maker: Maker) -> list[Case]:
    whole = len(client_data(bytes(32)))
    standard = bytes([0xFB]) * 32  # base64 writes it with "+", base64url with "-"
    clients: dict[str, Callable[[bytes], bytes]] = {
        "type of a creation": _with(kind="webauthn.create"),
        "type of a payment": _with(kind="payment.get"),
        "type in capitals": _with(kind="WebAuthn.get"),
        "challenge with padding": lambda d: client_data(d, challenge=challenge_of(d) + b"="),
        "challenge without its last character": lambda d: client_data(d, challenge=challenge_of(d)[:-1]),
        "challenge with a character more": lambda d: client_data(d, challenge=challenge_of(d) + b"A"),
        "challenge in hex": lambda d: client_data(d, challenge=d.hex().encode()),
        "challenge of another digest": lambda d: client_data(d, challenge=challenge_of(bytes(31) + b"\1")),
        "challenge with spare bits set": lambda d: client_data(
            d, challenge=challenge_of(d)[:-1] + bytes([challenge_of(d)[-1] + 1])
        ),
        "challenge is empty": _with(challenge=b""),
        "another origin": _with(origin=b"https://bins.example.com"),
        "origin with a slash": _with(origin=ORIGIN.encode() + b"/"),
        "origin is a prefix": _with(origin=ORIGIN.encode()[:-1]),
        "origin is a subdomain": _with(origin=b"https://evil.bins.example.org"),
        "origin is empty": _with(origin=b""),
        "origin is not ended": lambda d: client_data(d, rest=b""),
        "origin behind an escaped quote": _with(origin=ORIGIN.encode() + b'\\"'),
        "origin ends in a backslash": _with(origin=ORIGIN.encode() + b"\\"),
        "crossOrigin is true": _with(rest=b',"crossOrigin":true}'),
        "crossOrigin is missing": _with(rest=b"}"),
        "crossOrigin is a string": _with(rest=b',"crossOrigin":"false"}'),
        "crossOrigin is longer": _with(rest=b',"crossOrigin":false1}'),
        "crossOrigin in capitals": _with(rest=b',"crossOrigin":FALSE}'),
        "crossOrigin behind topOrigin": _with(rest=b',"topOrigin":"https://a.example","crossOrigin":false}'),
        "crossOrigin then a space": _with(rest=b',"crossOrigin":false }'),
        "crossOrigin then nothing": _with(rest=b',"crossOrigin":false'),
        "fields in another order": lambda d: (
            b'{"challenge":"%s","crossOrigin":false,"origin":"%s","type":"webauthn.get"}'
            % (challenge_of(d), ORIGIN.encode())
        ),
        "a space behind a colon": _changed(b":", b": "),
        "a space before it": _changed(b"{", b" {"),
        "a byte order mark before it": _changed(b"{", b"\xef\xbb\xbf{"),
        "a field before the type": _changed(b"{", b'{"a":1,'),
    }
    clients |= {
        f"cut to {n} bytes": _cut(n) for n in (1, 35, 36, 78, 79, 90, 91, 92, whole - 22, whole - 2, whole - 1)
    }
    return [
        *(maker.bad(name, client=client) for name, client in clients.items()),
        maker.bad(
            "challenge in plain base64",
            digest=standard,
            client=lambda d: client_data(d, challenge=challenge_of(d).replace(b"-", b"+")),
        ),
    ]


def bad_origin_digests(maker: Maker) -> list[Case]:
    right = origin_digest_of(ORIGIN)
    wrong = {"last bit": right ^ 1, "first bit": right ^ 1 << 63, "zero": 0, "all bits": (1 << 64) - 1}
    backslash, quoted = "https://a\\b.example.org", 'https://a"b.example.org'
    return [
        *(maker.bad(f"origin digest: {name}", origin_digest=value) for name, value in wrong.items()),
        # Section 5.8.1.1 writes both escaped, so no such origin is ever written as it is.
        *(
            maker.bad(
                f"origin with a {name}, enrolled so",
                origin_digest=origin_digest_of(origin),
                client=_with(origin=origin.encode()),
            )
            for name, origin in {"backslash": backslash, "quote": quoted}.items()
        ),
    ]


def bad_signatures(maker: Maker) -> list[Case]:
    plain = maker.bad("plain")
    x, y = plain.key
    order = CURVE_ORDER
    counted = bytearray(plain.assertion)
    counted[2 + 36] ^= 1
    key = maker.key()
    return [
        replace(plain, name="r is zero", r=0),
        replace(plain, name="s is zero", s=0),
        replace(plain, name="r and s are zero", r=0, s=0),
        replace(plain, name="r is the order", r=order),
        replace(plain, name="s is the order", s=order),
        replace(plain, name="r and s are exchanged", r=plain.s, s=plain.r),
        replace(plain, name="r is one more", r=plain.r + 1),
        replace(plain, name="s is all ones", s=(1 << 256) - 1),
        replace(plain, name="another key", key=maker.key().public),
        replace(plain, name="key is not on the curve", key=(x, y ^ 1)),
        replace(plain, name="key is the opposite point", key=(x, (-y) % P)),
        replace(plain, name="key is zero", key=(0, 0)),
        replace(plain, name="counter changed after signing", assertion=bytes(counted)),
        _signed_otherwise(plain, "the digest is signed, as a raw seal would", key, plain.digest),
        _signed_otherwise(plain, "the client data is signed, not its hash", key, plain.assertion[2:]),
        _signed_otherwise(plain, "only the client data's hash is signed", key, _client_hash(plain)),
    ]


P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
"""The field of P-256."""


def _client_hash(case: Case) -> bytes:
    return hashlib.sha256(case.assertion[2 + 37 :]).digest()


def _signed_otherwise(case: Case, name: str, key: SigningKey, message: bytes) -> Case:
    r, s = key.sign(message)
    return replace(case, name=name, key=key.public, r=r, s=s)


def bad_flags(maker: Maker) -> list[Case]:
    flags = {"nobody present": 0x04, "nobody verified": 0x01, "no flag": 0x00, "all flags but present": 0xFE}
    flags |= {"all flags but verified": 0xFB, "flags of another order": 0xA0}
    return [maker.bad(name, authenticator=authenticator_data(flags=value)) for name, value in flags.items()]


def webauthn_vectors() -> dict[str, Any]:
    maker = Maker("webauthn")
    groups = (good_cases, bad_shapes, bad_flags, bad_client_data, bad_origin_digests, bad_signatures)
    cases = [case for group in groups for case in group(maker)]
    assert len({case.name for case in cases}) == len(cases)
    origins = [ORIGIN, "http://localhost:8000", "https://垃圾.example.org", ""]
    return {
        "origins": [{"origin": origin, "origin_digest": f"{origin_digest_of(origin):016x}"} for origin in origins],
        "assertions": [case.to_json() for case in cases],
    }
