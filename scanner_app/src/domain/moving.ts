/**
 * The change-over from one ledger to the next: journals and lots come over, each when it is met first. A journal
 * ends in the old ledger with `moved` and goes on in the new one from the same head. A lot follows with its
 * holder's next step; in the old ledger it stays as it was, in the hands of a journal that is closed.
 */
import { book } from "./booking.ts";
import { type Device, DEVICE_FLAG, isHeldBy, queueKey, slotOf, type State } from "./custody_state.ts";
import { addressNumber } from "./journal.ts";
import { type DeviceId, type LotId, organisationOf, type Seconds } from "./types.ts";

const CARRIED = DEVICE_FLAG.revoked | DEVICE_FLAG.forked | DEVICE_FLAG.passkey;

/** A device as it comes over from the ledger before, when its journal was closed for this one. */
export function findMoved(state: State, device: DeviceId): Device | undefined {
  const known = state.predecessor?.devices.get(device);
  const ledger = state.predecessor?.moves.get(device);
  if (known === undefined || ledger === undefined) return undefined;
  if (addressNumber(ledger) !== addressNumber(state.network.ledger)) return undefined;
  return { ...known, flags: known.flags & CARRIED };
}

/** Before a device is stored here first: keeps what the ledger before knows beside its slot. */
export function takeOver(state: State, device: DeviceId): void {
  const before = state.predecessor;
  const known = state.devices.has(device) ? undefined : findMoved(state, device);
  if (before === undefined || known === undefined) return;
  if (known.flags & DEVICE_FLAG.passkey) state.origins.set(device, slotOf(before.origins, device));
  if (known.flags & (DEVICE_FLAG.revoked | DEVICE_FLAG.forked)) {
    state.seen.set(device, slotOf(before.seen, device));
  }
}

/** The web origin of a passkey, which may still stand in the ledger before. */
export function originOf(state: State, device: DeviceId): bigint {
  const isHere = state.devices.has(device) || state.predecessor === undefined;
  return slotOf(isHere ? state.origins : state.predecessor.origins, device);
}

/** Says whether the ledger before has recorded or enrolled this device. */
export function wasKnownBefore(state: State, device: DeviceId): boolean {
  return state.predecessor?.devices.has(device) ?? false;
}

/** Lets a lot follow its holder, when the ledger before has it in the hands of this journal. */
export function bringOver(state: State, device: DeviceId, lot: LotId, blockTime: Seconds): void {
  if (state.predecessor === undefined || state.lots.has(lot)) return;
  if (findMoved(state, device) === undefined) return;
  const known = state.predecessor.lots.get(lot);
  if (!isHeldBy(known, device) || known.pendings !== 0) return;
  const status = state.queues.has(queueKey(lot, device)) ? "leaving" : "held";
  state.lots.set(lot, { ...known, isShut: true, status });
  book(state, organisationOf(device), blockTime, known.stream, "gained", known.grams);
}
