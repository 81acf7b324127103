"""The fold's state, backed by the `slot` table.

Every value is kept with the block that set it. Reading takes the newest; a rollback drops what is newer
than the common ancestor; what is older than the finalised block is pruned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import Connection, bindparam, delete, func, select, tuple_

from backend.domain.custody_state import Desk, Device, Give, Lot, Root, State, Totals, WaitingStep, WaitingTake
from backend.domain.journal import Network
from backend.store.intake import upsert
from backend.store.tables import Slot, table_of

K = TypeVar("K")
V = TypeVar("V")

_SLOTS = table_of(Slot)
# Not a value of the fold: how far old values are pruned. Block 0 is never rolled back.
_PRUNED: dict[str, Any] = {"name": "pruned", "key": "", "block_number": 0}
_NEWEST = (
    select(_SLOTS.c.value)
    .where(_SLOTS.c.name == bindparam("name"), _SLOTS.c.key == bindparam("key"))
    .order_by(_SLOTS.c.block_number.desc())
    .limit(1)
)


class SlotMap(MutableMapping[K, V], Generic[K, V]):
    """A map whose values come from the database when first asked for, and remember what changed."""

    def __init__(
        self,
        name: str,
        key_text: Callable[[K], str],
        read_key: Callable[[str], K],
        to_json: Callable[[V], Any],
        from_json: Callable[[Any], V],
    ) -> None:
        self.name, self._key_text, self._read_key = name, key_text, read_key
        self._to_json, self._from_json = to_json, from_json
        self._values: dict[K, V | None] = {}
        self.dirty: set[K] = set()
        self.connection: Connection | None = None

    def _load(self, key: K) -> V | None:
        if key not in self._values:
            assert self.connection is not None, "the fold reads its state within a transaction only"
            raw = self.connection.execute(
                _NEWEST, {"name": self.name, "key": self._key_text(key)}
            ).scalar_one_or_none()
            self._values[key] = None if raw is None else self._from_json(orjson.loads(raw))
        return self._values[key]

    def __getitem__(self, key: K) -> V:
        value = self._load(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: K, value: V) -> None:
        self._values[key] = value
        self.dirty.add(key)

    def __delitem__(self, key: K) -> None:
        if self._load(key) is None:
            raise KeyError(key)
        self._values[key] = None
        self.dirty.add(key)

    def __iter__(self) -> Iterator[K]:
        assert self.connection is not None
        stored = self.connection.execute(
            select(_SLOTS.c.key).where(_SLOTS.c.name == self.name).distinct()
        ).scalars()
        keys = {self._read_key(text) for text in stored} | set(self._values)
        return iter(sorted((k for k in keys if self._load(k) is not None), key=self._key_text))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def changed_rows(self, block_number: int) -> list[dict[str, Any]]:
        """Return the rows that this block's changes make, and forget that they were changes."""
        rows = []
        for key in self.dirty:
            value = self._values[key]
            raw = None if value is None else orjson.dumps(self._to_json(value))
            rows.append(
                {"name": self.name, "key": self._key_text(key), "block_number": block_number, "value": raw}
            )
        self.dirty.clear()
        return rows

    def forget(self) -> None:
        """Drop everything held in memory."""
        self._values.clear()
        self.dirty.clear()


def _hex_key(key: Any) -> str:
    if isinstance(key, tuple):
        return ".".join(f"{part:x}" for part in key)
    return key.hex() if isinstance(key, bytes) else f"{key:x}"


def _read_int(text: str) -> Any:
    return int(text, 16)


def _read_ints(text: str) -> Any:
    return tuple(int(part, 16) for part in text.split("."))


def _plain(value: Any) -> Any:
    """A named tuple as a list; 64-bit and longer integers and bytes as hex so that JSON holds them."""
    return [
        part.hex() if isinstance(part, bytes) else f"{part:x}" if type(part) is int else part
        for part in map(_narrow, value)
    ]


def _narrow(part: Any) -> Any:
    return int(part) if isinstance(part, int) and not isinstance(part, bool) else part


def _reader(shape: Callable[..., V], kinds: str) -> Callable[[Any], V]:
    convert: dict[str, Callable[[Any], Any]] = {
        "i": lambda text: int(text, 16),
        "b": bytes.fromhex,
        "?": bool,
    }

    def read(parts: list[Any]) -> V:
        return shape(*(convert[kind](part) for kind, part in zip(kinds, parts, strict=True)))

    return read


class BookState(State):
    """The fold's state in the books' database."""

    def __init__(self, network: Network) -> None:
        def slots(name: str, shape: Any, kinds: str, read_key: Any = _read_int) -> SlotMap[Any, Any]:
            return SlotMap(name, _hex_key, read_key, _plain, _reader(shape, kinds))

        def flags(name: str, read_key: Any) -> SlotMap[Any, bool]:
            return SlotMap(name, _hex_key, read_key, bool, bool)

        super().__init__(
            network,
            roots=slots("root", Root, "iii"),
            named_roots=flags("named_root", _read_int),
            devices=slots("device", Device, "iiii?ib"),
            desks=slots("desk", Desk, "ii"),
            lots=slots("lot", Lot, "iiiiiii?"),
            gives=slots("give", Give, "iiib"),
            waiting_takes=slots("waiting_take", WaitingTake, "iiib", _read_ints),
            waiting_steps=slots("waiting_step", WaitingStep, "iiibii", _read_ints),
            totals=slots("totals", Totals, "iiii"),
            day_totals=slots("day_totals", Totals, "iiii", _read_ints),
            attested=flags("attested", bytes.fromhex),
        )
        self._maps: list[SlotMap[Any, Any]] = [
            value for value in vars(self).values() if isinstance(value, SlotMap)
        ]

    def attach(self, connection: Connection | None) -> None:
        """Read from this transaction from now on; None detaches."""
        for slot_map in self._maps:
            slot_map.connection = connection

    def changed_lots(self) -> set[int]:
        """Return the lots whose own slot or give changed since the last write."""
        return {key for slot_map in self._maps if slot_map.name in ("lot", "give") for key in slot_map.dirty}

    def write(self, connection: Connection, block_number: int) -> None:
        """Write what changed as of a block."""
        rows = [row for slot_map in self._maps for row in slot_map.changed_rows(block_number)]
        for start in range(0, len(rows), 5000):
            upsert(connection, _SLOTS, rows[start : start + 5000])

    def forget(self) -> None:
        """Drop everything held in memory; the database has the truth."""
        for slot_map in self._maps:
            slot_map.forget()


def roll_back(connection: Connection, ancestor: int) -> set[int]:
    """Drop every value set after the ancestor block; return the lots that were touched."""
    newer = _SLOTS.c.block_number > ancestor
    lots = connection.execute(
        select(_SLOTS.c.key).where(newer, _SLOTS.c.name.in_(("lot", "give"))).distinct()
    ).scalars()
    touched = {int(key, 16) for key in lots}
    connection.execute(delete(_SLOTS).where(newer))
    return touched


def prune(connection: Connection, finalized: int) -> None:
    """Drop values that a newer final value replaces, and note how far back a rollback can now go.

    Only keys set since the last time can have such values, so the cost follows what is new.
    """
    before = pruned_to(connection)
    if finalized <= before:
        return
    fresh = select(_SLOTS.c.name, _SLOTS.c.key).where(
        _SLOTS.c.block_number > before, _SLOTS.c.block_number <= finalized
    )
    newer = _SLOTS.alias("newer")
    newest_final = (
        select(func.max(newer.c.block_number))
        .where(
            newer.c.name == _SLOTS.c.name,
            newer.c.key == _SLOTS.c.key,
            newer.c.block_number <= finalized,
        )
        .scalar_subquery()
    )
    connection.execute(
        delete(_SLOTS).where(tuple_(_SLOTS.c.name, _SLOTS.c.key).in_(fresh), _SLOTS.c.block_number < newest_final)
    )
    # A value deleted for good leaves nothing behind.
    connection.execute(
        delete(_SLOTS).where(
            _SLOTS.c.block_number > before, _SLOTS.c.block_number <= finalized, _SLOTS.c.value.is_(None)
        )
    )
    upsert(connection, _SLOTS, [{**_PRUNED, "value": orjson.dumps(finalized)}])


def pruned_to(connection: Connection) -> int:
    """Return the block before which old values are gone: a rollback to an earlier one needs a new fold."""
    raw = connection.execute(
        select(_SLOTS.c.value).where(*(_SLOTS.c[name] == value for name, value in _PRUNED.items()))
    ).scalar_one_or_none()
    return -1 if raw is None else int(orjson.loads(raw))


def empty(connection: Connection) -> None:
    """Drop the whole state."""
    connection.execute(delete(_SLOTS))


def lots_waited_for(connection: Connection) -> set[int]:
    """Return the lots that some step waits for."""
    rows = connection.execute(
        select(_SLOTS.c.name, _SLOTS.c.key)
        .where(_SLOTS.c.name.in_(("waiting_take", "waiting_step")), _SLOTS.c.value.is_not(None))
        .distinct()
    )
    return {int(row.key.split(".")[3 if row.name == "waiting_take" else 0], 16) for row in rows}
