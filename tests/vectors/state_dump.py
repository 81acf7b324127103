"""The whole custody state as plain JSON values, the same in every language: what vectors and fuzzing compare."""

from __future__ import annotations

from typing import Any

from backend.domain.custody_state import State, Step
from backend.domain.layout import Kind
from backend.domain.types import device_text, lot_text, organisation_text

_SAFE = 1 << 53
# Which fields of a waiting step stand in its first word, behind kind 8 and seq 40. Source: docs/spec/entries.md.
_WORD_A: dict[int, tuple[tuple[str, int], ...]] = {
    Kind.GIVE: (("to", 64), ("head13", 104)),
    Kind.REDIRECT: (("to", 64), ("head13", 104), ("give_seq", 40)),
    Kind.WITHDRAW: (("give_seq", 40),),
    Kind.MERGE: (("into_serial", 32),),
    Kind.SPLIT: (("into_serial", 32), ("grams", 48), ("stream", 8)),
    Kind.CLOSE: (("fate", 8),),
    Kind.TRANSFORM: (("into_serial", 32), ("outputs", 8), ("grams", 48), ("loss", 48), ("is_gain", 8)),
    Kind.TAKE: (("giver", 64), ("give_seq", 40), ("grams", 48), ("stream", 8), ("into_serial", 32)),
    Kind.REFUSE: (("giver", 64), ("give_seq", 40)),
}
_WORD_B = (("head13", 104), ("principal", 64), ("mandate_seq", 40), ("occurred_at", 40))


def packed_step(step: Step) -> list[str]:
    """Return a waiting step as its three words."""
    is_answer = step.kind in (Kind.TAKE, Kind.REFUSE)
    words = [_packed(step, (("kind", 8), ("seq", 40), *_WORD_A[step.kind]))]
    words.append(_packed(step, _WORD_B) if is_answer else 0)
    words.append(step.site << 192)
    return [f"{word:064x}" for word in words]


def _packed(step: Step, fields: tuple[tuple[str, int], ...]) -> int:
    word, left = 0, 256
    for name, bits in fields:
        value = getattr(step, name)
        number = int.from_bytes(value, "big") if isinstance(value, bytes) else int(value)
        left -= bits
        word |= number << left
    return word


def _number(value: int) -> int | str:
    return value if value < _SAFE else str(value)


def dump_state(state: State) -> dict[str, Any]:
    """Return the state; desks that say nothing are left out."""
    s, d, t = state, device_text, lot_text
    content: dict[str, Any] = {
        "devices": {
            d(k): [f"{v.key_hash:040x}", v.next_seq, v.not_after, int(v.role), int(v.flags), v.epoch, v.head.hex()]
            for k, v in s.devices.items()
        },
        "pins": {d(k): [v.seq, v.head27.hex()] for k, v in s.pins.items()},
        "seen": {d(k): list(v) for k, v in s.seen.items()},
        "gaps": {d(k): [v.to_seq, v.opens_at, v.head.hex()] for k, v in s.gaps.items()},
        "origins": {d(k): f"{v.digest:016x}" for k, v in s.origins.items()},
        "moves": {d(k): f"{v.ledger:040x}" for k, v in s.moves.items()},
        "desks": {d(k): list(v) for k, v in s.desks.items() if any(v)},
        "lots": {
            t(k): [d(v.holder), v.grams, v.lifts, *map(int, v[3:7]), int(v.shut), v.mixture]
            for k, v in s.lots.items()
        },
        "gives": {t(k): [d(v.to), v.seq, v.grams, v.head13.hex()] for k, v in s.gives.items()},
        "queues": {f"{t(lot)}:{d(k)}": [packed_step(step) for step in v] for (lot, k), v in s.queues.items()},
        "expected": {
            f"{d(giver)}:{seq}:{organisation_text(o)}:{t(lot)}": d(v.device)
            for (giver, seq, o, lot), v in s.expected.items()
        },
        "mandates": {
            f"{d(k)}:{seq}": [
                d(v.to), v.left, v.until, v.depth, v.streams, int(v.is_revoked),
                d(v.site), d(v.parent), v.parent_seq,
            ]
            for (k, seq), v in s.mandates.items()
        },
        "totals": {str(int(k)): [_number(n) for n in v] for k, v in s.totals.items()},
        "day_totals": {
            f"{organisation_text(o)}:{day}:{int(stream)}": [_number(n) for n in v]
            for (o, day, stream), v in s.day_totals.items()
        },
    }  # fmt: skip
    ordered = {name: dict(sorted(values.items())) for name, values in content.items()}
    ordered["releases"] = sorted(
        f"{d(k)}:{seq}:{head17:034x}:{organisation_text(o)}" for k, seq, head17, o in s.releases
    )
    ordered["attested"] = sorted(statement.hex() for statement in s.attested)
    return ordered
