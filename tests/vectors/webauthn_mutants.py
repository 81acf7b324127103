"""Assertions changed at random, and what Python says of them: the other two languages must say the same."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace

from webauthn_vectors import Case, Maker, good_cases

from backend.domain.webauthn import is_assertion_of


def mutants(count: int) -> Iterator[tuple[Case, bool]]:
    """Yield changed assertions, the same ones each time, with Python's verdict; both verdicts occur."""
    maker = Maker("mutants")
    seeds, accepted = good_cases(maker), 0
    for _ in range(count):
        mutant = signed_anew(maker, mutate(maker.rng, maker.rng.choice(seeds)))
        is_valid = judge(mutant)
        accepted += is_valid
        yield mutant, is_valid
    assert 0 < accepted < count


def judge(case: Case) -> bool:
    x, y = case.key
    return is_assertion_of(
        case.digest,
        origin_digest=case.origin_digest,
        assertion=case.assertion,
        x=x,
        y=y,
        r=case.r,
        s=case.s,
    )


def mutate(rng: random.Random, case: Case) -> Case:
    changed = bytearray(case.assertion)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        at, byte = rng.randrange(len(changed) + 1), rng.choice((rng.randrange(256), *b'"\\,}{:\0\xff'))
        what = rng.choice(("replace", "replace", "insert", "delete", "cut", "grow"))
        if what == "insert":
            changed.insert(at, byte)
        elif what == "cut" and rng.random() < 0.3:
            del changed[at:]
        elif what == "grow":
            changed += rng.randbytes(rng.randrange(40))
        elif at < len(changed):
            if what == "replace":
                changed[at] = byte
            else:
                del changed[at]
    return replace(case, assertion=bytes(changed))


def signed_anew(maker: Maker, case: Case) -> Case:
    """Sign what the changed bytes now say, so that the signature is never what tells them apart."""
    key = maker.key()
    split_at = 2 + int.from_bytes(case.assertion[:2], "big")
    data, client = case.assertion[2:split_at], case.assertion[split_at:]
    r, s = key.sign(data + hashlib.sha256(client).digest())
    return replace(case, key=key.public, r=r, s=s)
