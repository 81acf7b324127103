"""All that the contract keeps, read through its views: for each key that the Python state ever had."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from eth_abi import decode

from backend.domain.custody_state import DeviceFlag, State
from backend.domain.types import device_text, lot_text, organisation_text
from tests.differential.operations import Kept, Trace, total_json
from tests.differential.solidity import Chain, call_of

Reader = Callable[[tuple[Any, ...]], Any]
"""Turns what a view answers into the value of a dump, or None where there is nothing."""


class _Sheet:
    """Views to read, with the places in a dump that their answers belong to."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []
        self._places: list[tuple[str, str, tuple[str, ...], Reader]] = []

    def ask(
        self, section: str, key: str, view: str, types: tuple[str, ...], arguments: tuple[Any, ...],
        returns: tuple[str, ...], read: Reader,
    ) -> None:  # fmt: skip
        self.calls.append(call_of(view, types, *arguments))
        self._places.append((section, key, returns, read))

    def fill(self, answers: Iterable[bytes]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for (section, key, returns, read), answer in zip(self._places, answers, strict=True):
            value = read(decode(list(returns), answer))
            if value is not None:
                found.setdefault(section, {})[key] = value
        return found


def dump_solidity(chain: Chain, trace: Trace) -> list[dict[str, Any]]:
    """Return what each ledger keeps, in the form of `operations.dump`."""
    return [_dump(chain, ledger, kept) for ledger, kept in enumerate(trace.ledgers)]


def _dump(chain: Chain, ledger: int, kept: Kept) -> dict[str, Any]:
    sheet = _Sheet()
    _ask_devices(sheet, kept)
    _ask_lots(sheet, kept)
    _ask_the_rest(sheet, kept.state)
    found = sheet.fill(chain.read(ledger, sheet.calls))
    devices = found.get("devices", {})
    # An origin of 0 is an origin when the device is a passkey.
    passkeys = {device for device, slot in devices.items() if slot[4] & DeviceFlag.PASSKEY}
    found["origins"] = {device: origin for device, origin in found["origins"].items() if device in passkeys}
    return {
        name: sorted(found.get(name, {})) if name in ("releases", "attested") else found.get(name, {})
        for name in _SECTIONS
    }


_SEEN = ("bool", "uint40", "uint40")
_SECTIONS = (
    *("devices", "pins", "seen", "gaps", "origins", "moves", "desks", "lots", "gives", "queues", "expected"),
    *("mandates", "releases", "totals", "day_totals", "attested"),
)


def _ask_devices(sheet: _Sheet, kept: Kept) -> None:
    heads: dict[str, tuple[int, str]] = {}
    for device in sorted({*kept.devices, *kept.state.devices, *kept.state.desks}):
        text, of = device_text(device), (("uint64",), (device,))

        def keep_head(values: tuple[Any, ...], text: str = text) -> None:
            heads[text] = (values[0], values[1].hex())

        def read_device(v: tuple[Any, ...], text: str = text) -> Any:
            slot, head = heads[text]
            return [f"{v[0]:040x}", *v[1:], head] if slot else None

        journal = ("uint256", "bytes32", "address", "uint64", "uint256")
        sheet.ask("", text, "journalOf", *of, journal, keep_head)
        slots = ("uint160", "uint40", "uint32", "uint8", "uint8", "uint8")
        sheet.ask("devices", text, "deviceOf", *of, slots, read_device)
        pin = ("uint40", "bytes27")
        sheet.ask("pins", text, "pinOf", *of, pin, lambda v: [v[0], v[1].hex()] if v[0] else None)
        sheet.ask("seen", text, "seenOf", *of, _SEEN, lambda v: list(v[1:]) if v[0] else None)
        gap = ("uint40", "uint40", "bytes32")
        sheet.ask("gaps", text, "gapOf", *of, gap, lambda v: [v[0], v[1], v[2].hex()] if v[1] else None)
        sheet.ask("origins", text, "originOf", *of, ("uint64",), lambda v: f"{v[0]:016x}")
        sheet.ask("moves", text, "movedTo", *of, ("address",), _read_address)
        desk = ("uint32", "uint16", "uint40")
        sheet.ask("desks", text, "deskOf", *of, desk, lambda v: list(v) if any(v) else None)


def _ask_lots(sheet: _Sheet, kept: Kept) -> None:
    lot_slots = ("uint64", "uint48", "uint32", "uint8", "uint8", "uint16", "uint40", "bool", "uint8")
    for lot in sorted({*kept.state.lots, *(lot for lot, _ in kept.queues)}):
        text, of = lot_text(lot), (("uint96",), (lot,))
        sheet.ask("lots", text, "lotOf", *of, lot_slots, _read_lot)
        give = ("uint64", "uint40", "uint48", "bytes13")
        sheet.ask("gives", text, "giveOf", *of, give, _read_give)
    for lot, device in sorted(kept.queues):
        text, types = f"{lot_text(lot)}:{device_text(device)}", ("uint96", "uint64")
        sheet.ask("queues", text, "queueOf", types, (lot, device), ("uint256[3][]",), _read_queue)
    for giver, seq, organisation, lot in sorted(kept.expected):
        text = f"{device_text(giver)}:{seq}:{organisation_text(organisation)}:{lot_text(lot)}"
        types, key = ("uint64", "uint40", "uint24", "uint96"), (giver, seq, organisation, lot)
        sheet.ask("expected", text, "expectedOf", types, key, ("uint64",), _read_device)


def _read_address(v: tuple[Any, ...]) -> Any:
    return v[0][2:].lower() if int(v[0], 16) else None


def _read_device(v: tuple[Any, ...]) -> Any:
    return device_text(v[0]) if v[0] else None


def _read_lot(v: tuple[Any, ...]) -> Any:
    holder, grams, lifts, stream, status, pendings, last_seq, shut, mixture = v
    if not status:
        return None if not any(v) else list(v)
    return [device_text(holder), grams, lifts, stream, status, pendings, last_seq, int(shut), mixture]


def _read_give(v: tuple[Any, ...]) -> Any:
    to, seq, grams, head13 = v
    return [device_text(to), seq, grams, head13.hex()] if seq else None


def _read_queue(v: tuple[Any, ...]) -> Any:
    return [[f"{word:064x}" for word in step] for step in v[0]] or None


def _ask_the_rest(sheet: _Sheet, state: State) -> None:
    mandate = ("uint64", "uint48", "uint40", "uint8", "uint16", "bool", "uint64", "uint64", "uint40")
    totals = ("uint64",) * 4
    for device, seq in state.mandates:
        text = f"{device_text(device)}:{seq}"
        sheet.ask("mandates", text, "mandateOf", ("uint64", "uint40"), (device, seq), mandate, _read_mandate)
    for device, seq, head17, organisation in state.releases:
        text = f"{device_text(device)}:{seq}:{head17:034x}:{organisation_text(organisation)}"
        key = (device, seq, head17.to_bytes(17, "big"), organisation)
        types = ("uint64", "uint40", "bytes17", "uint24")
        sheet.ask("releases", text, "releaseOf", types, key, ("bool",), lambda v: v[0] or None)
    for statement in state.attested:
        text, of = statement.hex(), (("bytes32",), (statement,))
        sheet.ask("attested", text, "attested", *of, ("bool",), lambda v: v[0] or None)
    for stream in range(6):
        sheet.ask("totals", str(stream), "totalsOf", ("uint8",), (stream,), totals, _read_totals)
    for organisation, day, stream in state.day_totals:
        text = f"{organisation_text(organisation)}:{day}:{stream}"
        types, key = ("uint24", "uint32", "uint8"), (organisation, day, stream)
        sheet.ask("day_totals", text, "dayTotalsOf", types, key, totals, _read_totals)


def _read_mandate(v: tuple[Any, ...]) -> Any:
    to, left, until, depth, streams, is_revoked, site, parent, parent_seq = v
    if not to:
        return None
    ends = (device_text(site), device_text(parent), parent_seq)
    return [device_text(to), left, until, depth, streams, int(is_revoked), *ends]


def _read_totals(v: tuple[Any, ...]) -> Any:
    return [total_json(grams) for grams in v] if any(v) else None
