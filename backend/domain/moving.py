"""The change-over from one ledger to the next: journals and lots come over, each when it is met first.

A journal ends in the old ledger with `moved` and goes on in the new one from the same head. A lot follows with
its holder's next step; in the old ledger it stays as it was, in the hands of a journal that is closed.
"""

from __future__ import annotations

from backend.domain.booking import book
from backend.domain.custody_state import Device, DeviceFlag, LotStatus, Origin, State
from backend.domain.types import organisation_of

_CARRIED = DeviceFlag.REVOKED | DeviceFlag.FORKED | DeviceFlag.PASSKEY


def find_moved(state: State, device: int) -> Device | None:
    """Return a device as it comes over from the ledger before, when its journal was closed for this one."""
    before = state.predecessor
    if before is None:
        return None
    known = before.devices.get(device)
    moved = before.moves.get(device)
    if known is None or moved is None or moved.ledger != int.from_bytes(state.network.ledger, "big"):
        return None
    return known._replace(flags=known.flags & _CARRIED)


def take_over(state: State, device: int) -> None:
    """Before a device is stored here first: keep what the ledger before knows beside its slot."""
    before = state.predecessor
    known = None if device in state.devices else find_moved(state, device)
    if before is None or known is None:
        return
    if known.flags & DeviceFlag.PASSKEY:
        state.origins[device] = before.origins[device]
    if known.flags & (DeviceFlag.REVOKED | DeviceFlag.FORKED):
        state.seen[device] = before.seen[device]


def origin_of(state: State, device: int) -> Origin:
    """Return the web origin of a passkey, which may still stand in the ledger before."""
    before = state.predecessor
    return state.origins[device] if device in state.devices or before is None else before.origins[device]


def was_known_before(state: State, device: int) -> bool:
    """Say whether the ledger before has recorded or enrolled this device."""
    return state.predecessor is not None and device in state.predecessor.devices


def bring_over(state: State, device: int, lot: int, block_time: int) -> None:
    """Let a lot follow its holder, when the ledger before has it in the hands of this journal."""
    before = state.predecessor
    if before is None or lot in state.lots or find_moved(state, device) is None:
        return
    known = before.lots.get(lot)
    if known is None or not known.is_held_by(device) or known.pendings:
        return
    waits = (lot, device) in state.queues
    state.lots[lot] = known._replace(shut=True, status=LotStatus.LEAVING if waits else LotStatus.HELD)
    book(state, organisation_of(device), block_time, known.stream, gained=known.grams)
