/** Totals of grams: of a stream, and of an organisation's day. */
import { dayKey, type State, type Totals } from "./custody_state.ts";
import type { Grams, OrganisationId, Seconds } from "./types.ts";

const SHANGHAI_SECONDS = 8 * 3600;
const DAY_SECONDS = 86_400;
const NO_TOTALS: Totals = { lifted: 0n, gained: 0n, out: 0n, lost: 0n };

/** The number of the Asia/Shanghai day that holds an instant. */
export function dayOf(blockTime: Seconds): number {
  return Math.floor((blockTime + SHANGHAI_SECONDS) / DAY_SECONDS);
}

/** Adds grams to the totals of a stream, and of an organisation's day; each counts modulo 2^64. */
export function book(
  state: State,
  organisation: OrganisationId,
  blockTime: Seconds,
  stream: number,
  side: keyof Totals,
  grams: Grams,
): void {
  const key = dayKey(organisation, dayOf(blockTime), stream);
  state.totals.set(stream, added(state.totals.get(stream), side, grams));
  state.dayTotals.set(key, added(state.dayTotals.get(key), side, grams));
}

function added(before: Totals = NO_TOTALS, side: keyof Totals, grams: Grams): Totals {
  return { ...before, [side]: BigInt.asUintN(64, before[side] + BigInt(grams)) };
}
