/** A device's own journal as the custody rules see it before its first line. */
import { emptyState, type State } from "./custody_state.ts";
import { emptyJournal, type JournalPlace } from "./journal.ts";
import { type Role, ROLE_CODE } from "./types.ts";

export function ownStart(
  place: JournalPlace,
  device: { readonly keyHash: string; readonly role: Role },
): State {
  const self = {
    keyHash: device.keyHash,
    nextSeq: 1,
    notAfter: 0,
    role: ROLE_CODE[device.role],
    flags: 0,
    epoch: 0,
    head: emptyJournal(place).head,
  };
  return {
    ...emptyState({ chainId: place.chainId, ledger: place.ledger }),
    devices: new Map([[place.device, self]]),
  };
}
