/**
 * What a device has heard from others, laid beside what its own journal says: so that it can be warned before it
 * seals. It changes no rule; the ledger decides on what it has recorded itself.
 */
import { copyOf, type Mandate, newLot, type State } from "./custody_state.ts";
import type { DeviceId, Grams, Head, LotId, Seq } from "./types.ts";

/** A lot that is on its way here. */
export interface HeardGive {
  readonly lot: LotId;
  readonly giver: DeviceId;
  readonly giveSeq: Seq;
  readonly giveHead: Head;
  readonly to: DeviceId;
  readonly grams: Grams;
  readonly stream: number;
  readonly mixture: number;
}
export interface Heard {
  readonly gives?: readonly HeardGive[];
  /** By `entryKey`. */
  readonly mandates?: ReadonlyMap<string, Mandate>;
}

const HEAD13_DIGITS = 26;

/** The state with what was heard in it; what the device itself knows of a lot stays as it is. */
export function withHeard(state: State, heard: Heard): State {
  const whole = copyOf(state);
  for (const [key, mandate] of heard.mandates ?? []) {
    if (!whole.mandates.has(key)) whole.mandates.set(key, mandate);
  }
  for (const give of heard.gives ?? []) {
    if (whole.lots.has(give.lot)) continue;
    const { lot, giver, to, giveSeq, grams, stream, mixture } = give;
    whole.lots.set(lot, { ...newLot(giver, stream), grams, mixture, status: "given", isShut: true });
    whole.gives.set(lot, { to, seq: giveSeq, grams, head13: give.giveHead.slice(0, HEAD13_DIGITS) });
  }
  return whole;
}
