/**
 * Who may take lots for whom: mandates, the chain of them, and each way to overstep one. A mandate is named by
 * (device, seq) of the entry that granted it. Source: docs/spec/entries.md, rule 9.
 */
import { entryKey, type Mandate, type State, type Step } from "./custody_state.ts";
import { bitOf } from "./mixing.ts";
import {
  type DeviceId,
  type Flaw,
  type Grams,
  hasSerial,
  NO_SITE,
  NOBODY,
  organisationOf,
  type Seq,
} from "./types.ts";

const MANDATE_LEVELS_MAX = 4;

/** Says whether `to` (a device, or an organisation: serial 0) means this device. */
export function isNamed(to: DeviceId, device: DeviceId): boolean {
  return to === device || (!hasSerial(to) && organisationOf(to) === organisationOf(device));
}

/** The mandates that cover a take, lowest first, and the principal at their top. */
export interface Authority {
  readonly is: "covered";
  readonly keys: readonly string[];
  readonly principal: DeviceId;
}
export type FoundAuthority =
  Authority | { readonly is: "overstepped"; readonly flaw: Flaw } | { readonly is: "not-known" };

/** The mandates under which a device may take, or what it oversteps, or that one of them is not known yet. */
export function findAuthority(state: State, taker: DeviceId, take: Step, stream: number): FoundAuthority {
  const keys: string[] = [];
  let granter = take.principal;
  let seq: Seq = take.mandateSeq;
  let agent = taker;
  while (keys.length < MANDATE_LEVELS_MAX) {
    const key = entryKey(granter, seq);
    const mandate = state.mandates.get(key);
    if (mandate === undefined) return { is: "not-known" };
    const overstepped = oversteppedBy(mandate, agent, take, stream);
    const flaw = overstepped === "none" && mandate.depth < keys.length ? "mandate-depth" : overstepped;
    if (flaw !== "none") return { is: "overstepped", flaw };
    keys.push(key);
    if (mandate.parent === NOBODY) return { is: "covered", keys, principal: granter };
    agent = granter;
    granter = mandate.parent;
    seq = mandate.parentSeq;
  }
  return { is: "overstepped", flaw: "mandate-depth" };
}

function oversteppedBy(mandate: Mandate, agent: DeviceId, take: Step, stream: number): Flaw {
  if (!isNamed(mandate.to, agent)) return "mandate-foreign";
  if (mandate.isRevoked) return "mandate-ended";
  if (take.occurredAt > mandate.until) return "mandate-expired";
  if ((mandate.streams & bitOf(stream)) === 0) return "mandate-stream";
  if (mandate.site !== NO_SITE && mandate.site !== take.site) return "mandate-site";
  if (take.grams > mandate.left) return "mandate-grams";
  return "none";
}

/** Takes grams off every mandate that covered a take. */
export function useUp(state: State, authority: Authority, grams: Grams): void {
  for (const key of authority.keys) {
    const mandate = state.mandates.get(key);
    if (mandate !== undefined) state.mandates.set(key, { ...mandate, left: mandate.left - grams });
  }
}
