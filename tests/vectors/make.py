"""Writes the vectors that bind Python, TypeScript and Solidity: `python tests/vectors/make.py [--check]`.

Everything is drawn from fixed seeds, so a run that changes nothing in the rules changes no byte.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

# The cases are shared with the tests in the folder above.
sys.path.append(str(Path(__file__).parent.parent))

from bundle_vectors import bundle_vectors, set_vectors, trie_vectors
from custody_story import NETWORK
from custody_vectors import custody_vectors, network_json
from draw_vectors import draw_vectors
from renewal_vectors import renewal_vectors
from tolerance_vectors import tolerance_vectors
from upload_vectors import upload_vectors
from webauthn_vectors import webauthn_vectors

from backend.domain.journal import (
    first_head,
    next_head,
    pack_entry_with_items,
    read_entry,
    split_entries,
)
from backend.domain.layout import LAYOUTS, Kind
from backend.domain.merkle import lift_path, lifts_root
from backend.domain.seal import CURVE_ORDER, domain_separator, key_hash, seal_digest
from backend.domain.types import (
    device_id,
    device_text,
)
from backend.domain.writer import SigningKey

HERE = Path(__file__).parent


def words_vectors() -> dict[str, Any]:
    rng = random.Random("words")
    cases = []
    for kind, layout in LAYOUTS.items():
        for fill in ("zero", "full", "random"):
            names = [(n, b) for word in layout.words for n, b in word if n not in ("kind", "words")]
            pick = {"zero": lambda _: 0, "full": lambda b: (1 << b) - 1, "random": rng.getrandbits}[fill]
            fields = {name: pick(bits) for name, bits in names}
            items: tuple[dict[str, int], ...] = ()
            if layout.repeated is not None:
                items = tuple({n: pick(b) for n, b in layout.repeated} for _ in range(2))
            packed = pack_entry_with_items(kind, fields, items)
            cases.append(
                {
                    "name": f"{kind.name.lower()} {fill}",
                    "kind": int(kind),
                    "fields": {k: str(v) for k, v in read_entry(packed).fields.items()},
                    "items": [{k: str(v) for k, v in item.items()} for item in items],
                    "words": packed.hex(),
                }
            )
    lift = pack_entry_with_items(Kind.LIFT, {"bin": 1, "stream": 4, "grams": 35_000}, ())
    unknown = bytes([99, 2]) + bytes(62)
    malformed = [
        ("empty", b""),
        ("not whole words", lift + b"\0"),
        ("declares zero words", bytes([2, 0]) + bytes(30)),
        ("overruns the end", bytes([3, 4]) + bytes(30)),
        ("overruns after good entries", lift + bytes([4, 3]) + bytes(62)),
        ("257 entries", lift * 257),
    ]
    return {
        "layouts": {
            kind.name.lower(): {
                "kind": int(kind),
                "words": [[[n, b] for n, b in word] for word in layout.words],
                "repeated": None if layout.repeated is None else [[n, b] for n, b in layout.repeated],
            }
            for kind, layout in LAYOUTS.items()
        },
        "entries": cases,
        "segments": [
            {"name": "lifts", "words": (lift * 3).hex(), "entries": [32] * 3},
            {
                "name": "unknown kind between lifts",
                "words": (lift + unknown + lift).hex(),
                "entries": [32, 64, 32],
            },
            {"name": "256 entries", "words": (lift * 256).hex(), "entries": [32] * 256},
        ],
        "malformed": [{"name": name, "words": words.hex()} for name, words in malformed],
    }


def heads_vectors() -> dict[str, Any]:
    rng = random.Random("heads")
    cases = []
    for n in range(6):
        device = device_id(rng.randrange(1, 1 << 24), rng.randrange(1, 1 << 40))
        words = _random_journal(rng, device, 3 + 4 * n)
        head = first_head(NETWORK, device)
        heads = [head]
        for entry in split_entries(words):
            head = next_head(head, entry)
            heads.append(head)
        cases.append({"device": device_text(device), "words": words.hex(), "heads": [h.hex() for h in heads]})
    return {"network": network_json(), "journals": cases}


def _random_journal(rng: random.Random, device: int, count: int) -> bytes:
    out = b""
    for _ in range(count):
        kind = rng.choice([Kind.LIFT, Kind.LIFT, Kind.LIFT, Kind.LOAD, Kind.GIVE, Kind.TAKE, Kind.MARK])
        fields = {
            name: rng.getrandbits(bits)
            for word in LAYOUTS[kind].words
            for name, bits in word
            if name not in ("kind", "words")
        }
        out += pack_entry_with_items(kind, fields, ())
    return out


def seals_vectors() -> dict[str, Any]:
    rng = random.Random("seals")
    cases = []
    for n in range(24):
        key = SigningKey.from_secret(rng.randrange(1, CURVE_ORDER))
        device = device_id(rng.randrange(1, 1 << 24), rng.randrange(1, 1 << 40))
        seq, head = rng.randrange(1, 1 << 40), rng.randbytes(32)
        digest = seal_digest(NETWORK, device=device, seq=seq, head=head)
        r, s = key.sign(digest)
        x, y = key.public
        case = {
            "name": "low s",
            "device": device_text(device),
            "seq": seq,
            "head": head.hex(),
            "digest": digest.hex(),
            "x": f"{x:064x}",
            "y": f"{y:064x}",
            "key_hash": f"{key_hash(x, y):040x}",
            "r": f"{r:064x}",
            "s": f"{s:064x}",
            "is_valid": True,
        }
        flaw = n % 8
        if flaw == 1:
            case |= {"name": "high s", "s": f"{CURVE_ORDER - s:064x}"}
        elif flaw == 2:
            case |= {"name": "another seq", "seq": seq ^ 1, "is_valid": False}
            case["digest"] = seal_digest(NETWORK, device=device, seq=seq ^ 1, head=head).hex()
        elif flaw == 3:
            case |= {"name": "s is zero", "s": "0" * 64, "is_valid": False}
        elif flaw == 4:
            case |= {"name": "r is the order", "r": f"{CURVE_ORDER:064x}", "is_valid": False}
        elif flaw == 5:
            case |= {"name": "key is not on the curve", "y": f"{y ^ 1:064x}", "is_valid": False}
            case["key_hash"] = f"{key_hash(x, y ^ 1):040x}"
        elif flaw == 6:
            other = SigningKey.from_secret(rng.randrange(1, CURVE_ORDER)).public
            case |= {
                "name": "another key",
                "x": f"{other[0]:064x}",
                "y": f"{other[1]:064x}",
                "is_valid": False,
            }
            case["key_hash"] = f"{key_hash(*other):040x}"
        cases.append(case)
    return {
        "network": network_json(),
        "domain_separator": domain_separator(NETWORK).hex(),
        "seals": cases,
    }


def merkle_vectors() -> dict[str, Any]:
    rng = random.Random("merkle")
    cases = []
    for count in (0, 1, 2, 3, 4, 5, 8, 13, 33):
        words = [bytes([1]) + rng.randbytes(31) for _ in range(count)]
        case: dict[str, Any] = {"lifts": [w.hex() for w in words], "root": lifts_root(words).hex()}
        if count:
            index = rng.randrange(count)
            path = lift_path(words, index)
            case |= {"index": index, "path": [{"right": right, "sibling": s.hex()} for right, s in path]}
        cases.append(case)
    return {"trees": cases}


VECTORS = {
    "words.json": words_vectors,
    "heads.json": heads_vectors,
    "seals.json": seals_vectors,
    "custody.json": custody_vectors,
    "merkle.json": merkle_vectors,
    "webauthn.json": webauthn_vectors,
    "tries.json": trie_vectors,
    "bundles.json": bundle_vectors,
    "sets.json": set_vectors,
    "uploads.json": upload_vectors,
    "draws.json": draw_vectors,
    "tolerances.json": tolerance_vectors,
    "renewals.json": renewal_vectors,
}


def main() -> int:
    stale = []
    for name, build in VECTORS.items():
        text = json.dumps(build(), indent=1) + "\n"
        path = HERE / name
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                stale.append(name)
        else:
            path.write_text(text)
    if stale:
        print(f"stale vectors: {', '.join(stale)}; run python tests/vectors/make.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
