"""The fold's state, backed by the `slot` table.

Every value is kept with the block that set it. Reading takes the newest; a rollback drops what is newer
than the common ancestor; what is older than the finalised block is pruned.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, MutableMapping, Set
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import Connection, bindparam, delete, func, select, tuple_

from backend.domain.custody_state import (
    Desk,
    Device,
    Expected,
    Gap,
    Give,
    Lot,
    Mandate,
    Moved,
    Origin,
    Pin,
    Queue,
    QueueKey,
    Root,
    Seen,
    State,
    Step,
    Totals,
)
from backend.domain.journal import Network
from backend.store.bulk import insert_rows
from backend.store.intake import upsert
from backend.store.tables import Slot, table_of

K = TypeVar("K")
V = TypeVar("V")

_SLOTS = table_of(Slot)
_KEYS_A_QUERY = 500
_FEW_DEVICES = 20
_VALUES_HELD_MAX = 200_000
# Not a value of the fold: how far old values are pruned. Block 0 is never rolled back.
PRUNED = "pruned"
_PRUNED: dict[str, Any] = {"name": PRUNED, "key": "", "block_number": 0}
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
        self._touched: set[K] = set()
        self._set_at: dict[K, int] = {}
        self.connection: Connection | None = None
        self.is_whole = False
        """Nothing is stored that is not in memory, as in books just begun or of a kind nobody has used."""

    def _load(self, key: K) -> V | None:
        if key not in self._values:
            if self.is_whole:
                return None
            assert self.connection is not None, "the fold reads its state within a transaction only"
            raw = self.connection.execute(
                _NEWEST, {"name": self.name, "key": self._key_text(key)}
            ).scalar_one_or_none()
            self._values[key] = None if raw is None else self._from_json(orjson.loads(raw))
        return self._values[key]

    def load_all(self, keys: Iterable[K]) -> None:
        """Read these keys' values in few statements, for a fold that will ask for each of them."""
        if self.is_whole:
            return
        assert self.connection is not None
        missing = {self._key_text(key): key for key in keys if key not in self._values}
        texts = list(missing)
        for start in range(0, len(texts), _KEYS_A_QUERY):
            some = texts[start : start + _KEYS_A_QUERY]
            self._values.update((missing[text], None) for text in some)
            rows = self.connection.execute(
                select(_SLOTS.c.key, _SLOTS.c.value)
                .where(_SLOTS.c.name == self.name, _SLOTS.c.key.in_(some))
                .order_by(_SLOTS.c.block_number)
            )
            newest: dict[str, bytes | None] = {row.key: row.value for row in rows}
            for text, raw in newest.items():
                self._values[missing[text]] = None if raw is None else self._from_json(orjson.loads(raw))

    def read_all(self) -> None:
        """Read all values that are not in memory, in one statement."""
        if self.is_whole:
            return
        assert self.connection is not None
        rows = self.connection.execute(
            select(_SLOTS.c.key, _SLOTS.c.value)
            .where(_SLOTS.c.name == self.name)
            .order_by(_SLOTS.c.key, _SLOTS.c.block_number)
        )
        newest: dict[str, bytes | None] = {row.key: row.value for row in rows}
        for text, raw in newest.items():
            key = self._read_key(text)
            if key not in self._values:
                self._values[key] = None if raw is None else self._from_json(orjson.loads(raw))
        self.is_whole = True

    def __getitem__(self, key: K) -> V:
        value = self._load(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: K, value: V) -> None:
        self._values[key] = value
        self._touched.add(key)

    def __delitem__(self, key: K) -> None:
        if self._load(key) is None:
            raise KeyError(key)
        self._values[key] = None
        self._touched.add(key)

    def __iter__(self) -> Iterator[K]:
        keys = set(self._values)
        if not self.is_whole:
            assert self.connection is not None
            stored = self.connection.execute(
                select(_SLOTS.c.key).where(_SLOTS.c.name == self.name).distinct()
            ).scalars()
            keys |= {self._read_key(text) for text in stored}
        return iter(sorted((k for k in keys if self._load(k) is not None), key=self._key_text))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def touched(self) -> Set[K]:
        """The keys set since the last block ended."""
        return self._touched

    @property
    def size(self) -> int:
        """How many values are held in memory."""
        return len(self._values)

    def end_block(self, block_number: int) -> None:
        """Note that what was set since the last block ended was set in this one."""
        for key in self._touched:
            self._set_at[key] = block_number
        self._touched.clear()

    def take_rows(self) -> Iterator[tuple[str, str, int, bytes | None]]:
        """Return a row for each value set since the last time, with the block that set it last."""
        for key, block_number in self._set_at.items():
            value = self._values[key]
            raw = None if value is None else orjson.dumps(self._to_json(value))
            yield self.name, self._key_text(key), block_number, raw
        self._set_at.clear()

    def forget(self) -> None:
        """Drop everything held in memory."""
        self._values.clear()
        self._touched.clear()
        self._set_at.clear()
        self.is_whole = False


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


_read_step = _reader(Step, "iiibiiiiiii?iiiii")


def _plain_queue(queue: Queue) -> Any:
    return [_plain(step) for step in queue]


def _read_queue(parts: list[Any]) -> Queue:
    return tuple(_read_step(step) for step in parts)


def _roots() -> SlotMap[int, Root]:
    return SlotMap("root", _hex_key, _read_int, _plain, _reader(Root, "iii??"))


class BookState(State):
    """The fold's state in the books' database."""

    def __init__(self, network: Network) -> None:
        def slots(name: str, shape: Any, kinds: str, read_key: Any = _read_int) -> SlotMap[Any, Any]:
            return SlotMap(name, _hex_key, read_key, _plain, _reader(shape, kinds))

        def flags(name: str, read_key: Any) -> SlotMap[Any, bool]:
            return SlotMap(name, _hex_key, read_key, bool, bool)

        super().__init__(
            network,
            roots=_roots(),
            named_roots=flags("named_root", _read_int),
            devices=slots("device", Device, "iiiiiib"),
            pins=slots("pin", Pin, "ib"),
            seen=slots("seen", Seen, "ii"),
            gaps=slots("gap", Gap, "iib"),
            origins=slots("origin", Origin, "i"),
            moves=slots("moved", Moved, "i"),
            desks=slots("desk", Desk, "iii"),
            lots=slots("lot", Lot, "iiiiiii?i"),
            gives=slots("give", Give, "iiib"),
            queues=SlotMap("queue", _hex_key, _read_ints, _plain_queue, _read_queue),
            expected=slots("expected", Expected, "i", _read_ints),
            mandates=slots("mandate", Mandate, "iiiii?iii", _read_ints),
            releases=flags("release", _read_ints),
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

    def prepare(self, devices: Collection[int]) -> None:
        """Read at once what the fold of these devices' segments will ask for, as far as can be foreseen."""
        if not any(slot_map.size for slot_map in self._maps):
            self._find_out_what_is_stored()
        if len(devices) < _FEW_DEVICES:
            return
        of_devices: list[SlotMap[int, Any]] = [self.devices, self.gaps, self.seen, self.desks]  # type: ignore[list-item]
        for slot_map in of_devices:
            slot_map.load_all(devices)
        lots: SlotMap[int, Lot] = self.lots  # type: ignore[assignment]
        desks = ((device, self.desks.get(device)) for device in devices)
        lots.load_all([device << 32 | desk.lot_serial for device, desk in desks if desk and desk.lot_serial])

    def _find_out_what_is_stored(self) -> None:
        connection = self._maps[0].connection
        assert connection is not None
        for slot_map in self._maps:
            some = select(_SLOTS.c.key).where(_SLOTS.c.name == slot_map.name).limit(1)
            slot_map.is_whole = connection.execute(some).first() is None

    def touched_lots(self) -> set[int]:
        """Return the lots whose own slot or give was set since the last block ended."""
        return {key for slot_map in self._maps if slot_map.name in ("lot", "give") for key in slot_map.touched}

    def end_block(self, block_number: int) -> None:
        """Note in which block the newest values were set."""
        for slot_map in self._maps:
            slot_map.end_block(block_number)

    def write(self, connection: Connection) -> None:
        """Write what was set since the last time: of each value the newest, with the block that set it."""
        insert_rows(connection, _SLOTS, [row for slot_map in self._maps for row in slot_map.take_rows()])

    def replace(self, connection: Connection) -> None:
        """Write what was set since the last time in place of what was there: nobody will go back behind it."""
        rows = [row for slot_map in self._maps for row in slot_map.take_rows()]
        raw: Any = connection.connection.dbapi_connection
        raw.executemany("DELETE FROM slot WHERE name = ? AND key = ?", [row[:2] for row in rows])
        insert_rows(connection, _SLOTS, [row for row in rows if row[3] is not None])

    def read_all(self) -> None:
        """Read every value at once, for a reader who will ask for all of them."""
        for slot_map in self._maps:
            slot_map.read_all()

    def make_room(self) -> None:
        """Forget everything once it is more than a process should hold."""
        if sum(slot_map.size for slot_map in self._maps) > _VALUES_HELD_MAX:
            self.forget()

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
    """Return the block before which old values are gone: a rollback to an earlier one needs a new fold.

    It is the newest that the watcher called final, of those in the books; -1 where none is.
    """
    raw = connection.execute(
        select(_SLOTS.c.value).where(*(_SLOTS.c[name] == value for name, value in _PRUNED.items()))
    ).scalar_one_or_none()
    return -1 if raw is None else int(orjson.loads(raw))


def empty(connection: Connection) -> None:
    """Drop the whole state."""
    connection.execute(delete(_SLOTS))


def regulators_kept(connection: Connection) -> frozenset[int]:
    """Return the organisations that the city calls regulators."""
    roots = _roots()
    roots.connection = connection
    return frozenset(organisation for organisation, root in roots.items() if root.is_regulator)


def queues_kept(connection: Connection) -> set[QueueKey]:
    """Return (lot, device) of the queues that steps wait in, or waited in not long ago."""
    keys = connection.execute(
        select(_SLOTS.c.key).where(_SLOTS.c.name == "queue", _SLOTS.c.value.is_not(None)).distinct()
    ).scalars()
    return {_read_ints(key) for key in keys}
