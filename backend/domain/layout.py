"""How every kind of entry is packed: the machine-readable form of docs/spec/entries.md.

A field is (name, bits); a word is a tuple of fields that fill 256 bits, highest bits first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

Field = tuple[str, int]
Word = tuple[Field, ...]

WORD_BYTES = 32


class Kind(IntEnum):
    """The kinds of entry a journal can hold."""

    LIFT = 1
    LOAD = 2
    GIVE = 3
    TAKE = 4
    WITHDRAW = 5
    WEIGH = 6
    MERGE = 7
    SPLIT = 8
    TRANSFORM = 9
    REFUSE = 10
    REDIRECT = 11
    CLOSE = 12
    AMEND = 13
    DISPUTE = 14
    MANDATE = 15
    ACKNOWLEDGE = 16
    ANCHOR = 17
    MARK = 18
    SHIFT_END = 19
    DECLINE = 20
    ENROL = 32
    REVOKE = 33
    ROTATE = 34
    CLOSE_GAP = 35
    MOVED = 36
    TRANSCRIBED = 37
    SITE = 40
    PLACE = 41


@dataclass(frozen=True)
class Layout:
    """The fixed words of a kind, and the word that may repeat after them (None: nothing may follow)."""

    words: tuple[Word, ...]
    repeated: Word | None = None


_HEAD: Word = (("kind", 8), ("words", 8), ("flags", 16), ("occurred_at", 40))
_EVIDENCE: Field = ("evidence", 120)


def _first(*fields: Field) -> Word:
    return _HEAD + fields


def _whole(name: str) -> Word:
    return ((name, 256),)


_ENROL_WORDS: tuple[Word, ...] = (
    _first(("device", 64), ("role", 8), ("scheme", 8), ("not_after", 40), ("origin", 64)),
    _whole("x"),
    _whole("y"),
)
_INTO: Word = (("into", 96), ("stream", 8), ("spare1", 32), _EVIDENCE)

LAYOUTS: dict[Kind, Layout] = {
    Kind.LIFT: Layout(
        (
            (
                ("kind", 8),
                ("bin", 40),
                ("stream", 4),
                ("grade", 4),
                ("basis", 4),
                ("flags", 4),
                ("occurred_at", 40),
                ("grams", 32),
                _EVIDENCE,
            ),
        )
    ),
    Kind.LOAD: Layout((_first(("lot", 96), ("stream", 8), ("vehicle", 64), ("spare0", 16)),)),
    Kind.GIVE: Layout(
        (
            _first(("lot", 96), ("grams", 48), ("last_seq", 40)),
            (("to", 64), ("to_seq", 40), ("lifts", 32), _EVIDENCE),
            _whole("lifts_root"),
            _whole("to_head"),
        )
    ),
    Kind.TAKE: Layout(
        (
            _first(("lot", 96), ("grams", 48), ("give_seq", 40)),
            (("giver", 64), ("weigh_seq", 40), ("stream", 8), ("spare1", 24), _EVIDENCE),
            _whole("give_head"),
            (("weigher", 64), ("into", 96), ("spare3", 96)),
            (("principal", 64), ("mandate_seq", 40), ("site", 64), ("spare4", 88)),
        )
    ),
    Kind.WITHDRAW: Layout((_first(("lot", 96), ("undone_seq", 40), ("spare0", 48)),)),
    Kind.WEIGH: Layout(
        (
            _first(("lot", 96), ("net", 48), ("ticket", 40)),
            (("gross", 48), ("tare", 48), ("spare1", 40), _EVIDENCE),
            (("vehicle", 64), ("calibration", 64), ("calibration_until", 40), ("spare2", 88)),
        )
    ),
    Kind.MERGE: Layout((_first(("lot", 96), ("grams", 48), ("spare0", 40)), _INTO)),
    Kind.SPLIT: Layout((_first(("lot", 96), ("grams", 48), ("spare0", 40)), _INTO)),
    Kind.TRANSFORM: Layout(
        (
            _first(("lot", 96), ("grams", 48), ("outputs", 8), ("spare0", 32)),
            (("site", 64), ("loss", 48), ("is_gain", 8), ("spare1", 16), _EVIDENCE),
        ),
        (("lot", 96), ("amount", 48), ("product", 16), ("spare", 96)),
    ),
    Kind.REFUSE: Layout(
        (
            _first(("lot", 96), ("grams", 48), ("give_seq", 40)),
            (("giver", 64), ("reason", 16), ("spare1", 56), _EVIDENCE),
            _whole("give_head"),
        )
    ),
    Kind.REDIRECT: Layout(
        (
            _first(("lot", 96), ("grams", 48), ("give_seq", 40)),
            (("to", 64), ("reason", 16), ("spare1", 56), _EVIDENCE),
        )
    ),
    Kind.CLOSE: Layout(
        (
            _first(("lot", 96), ("grams", 48), ("spare0", 40)),
            (("fate", 8), ("product", 16), ("site", 64), ("spare1", 48), _EVIDENCE),
        )
    ),
    Kind.AMEND: Layout(
        (
            _first(("op", 8), ("device", 64), ("seq", 40), ("field", 8), ("until", 40), ("spare0", 24)),
            _whole("value"),
            (("spare2", 136), _EVIDENCE),
        )
    ),
    Kind.DISPUTE: Layout(
        (
            _first(("op", 8), ("device", 64), ("seq", 40), ("rule", 16), ("until", 40), ("spare0", 16)),
            _whole("value"),
            (("spare2", 136), _EVIDENCE),
        )
    ),
    Kind.MANDATE: Layout(
        (
            _first(("op", 8), ("to", 64), ("grams", 48), ("until", 40), ("depth", 8), ("streams", 16)),
            (("site", 64), ("parent", 64), ("parent_seq", 40), ("spare1", 88)),
        )
    ),
    Kind.ACKNOWLEDGE: Layout(
        (
            _first(("device", 64), ("seq", 40), ("verdict", 8), ("spare0", 72)),
            (("head17", 136), _EVIDENCE),
        )
    ),
    Kind.ANCHOR: Layout((_first(("schema", 32), ("subject", 96), ("spare0", 56)), _whole("digest"))),
    Kind.MARK: Layout((_first(("block", 64), ("spare0", 120)), _whole("hash"))),
    Kind.SHIFT_END: Layout((_first(("lifts", 40), ("grams", 48), ("spare0", 96)),)),
    Kind.DECLINE: Layout((_first(("bin", 40), ("stream", 8), ("reason", 16), _EVIDENCE),)),
    Kind.ENROL: Layout(_ENROL_WORDS),
    Kind.REVOKE: Layout((_first(("device", 64), ("reason", 8), ("seen_seq", 40), ("spare0", 72)),)),
    Kind.ROTATE: Layout((*_ENROL_WORDS, (("replaced", 64), ("spare3", 192)))),
    Kind.CLOSE_GAP: Layout(
        (_first(("device", 64), ("from_seq", 40), ("to_seq", 40), ("spare0", 40)), _whole("head"))
    ),
    Kind.MOVED: Layout((_first(("spare0", 24), ("ledger", 160)),)),
    Kind.TRANSCRIBED: Layout(
        (
            _first(("device", 64), ("first_seq", 40), ("spare0", 80)),
            _whole("before"),
            _whole("x"),
            _whole("y"),
            _whole("r"),
            _whole("s"),
        ),
        _whole("word"),
    ),
    Kind.SITE: Layout((_first(("site", 64), ("site_kind", 8), ("spare0", 112)), _whole("digest"))),
    Kind.PLACE: Layout((_first(("site", 64), ("count", 40), ("spare0", 80)), _whole("digest"))),
}


def has_right_length(kind: Kind, words: int) -> bool:
    """Say whether an entry of this kind may have this many words."""
    layout = LAYOUTS[kind]
    return words == len(layout.words) or (layout.repeated is not None and words > len(layout.words))
