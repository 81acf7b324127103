/** Mandates that this organisation has, as the backend last told of them. */
import { entryKey, type Mandate } from "../../domain/custody_state.ts";
import { isNamed } from "../../domain/mandates.ts";
import {
  type DeviceId,
  type OrganisationId,
  organisationOf,
  type Seq,
  type SiteId,
} from "../../domain/types.ts";
import { type Database, keepSingle, readSingle, type ToldMandate } from "../../store/database.ts";
import type { Api } from "../../sync/api.ts";

const MANDATE_LEVELS_MAX = 4;

/** The mandate that a take cites, and where the lot is taken. */
export interface Cited {
  readonly principal: DeviceId;
  readonly seq: Seq;
  readonly site: SiteId;
}

/** Asks for the organisation's mandates and keeps them for places without a network; false when nobody answered. */
export async function fetchMandates(
  db: Database,
  api: Pick<Api, "mandatesOf">,
  own: OrganisationId,
): Promise<boolean> {
  const answer = await api.mandatesOf(own);
  if (answer.is !== "ok") return false;
  await keepSingle(db, "mandates", answer.value.mandates);
  return true;
}

export async function readMandates(db: Database): Promise<readonly ToldMandate[]> {
  return (await readSingle(db, "mandates")) ?? [];
}

/** As the rules look them up. */
export function heardMandates(told: readonly ToldMandate[]): ReadonlyMap<string, Mandate> {
  return new Map(
    told.map((each): [string, Mandate] => [
      entryKey(each.principal, each.seq),
      {
        to: each.to,
        left: each.left,
        until: each.until,
        depth: each.depth,
        streams: each.streams,
        isRevoked: each.is_revoked,
        site: each.site,
        parent: each.parent,
        parentSeq: each.parent_seq,
      },
    ]),
  );
}

/** Those that this device may cite. */
export function mandatesFor(told: readonly ToldMandate[], device: DeviceId): ToldMandate[] {
  return told.filter(({ to }) => isNamed(to, device));
}

/** The organisation at the top of a mandate: what was given to it may be taken under it. */
export function principalOf(told: readonly ToldMandate[], mandate: ToldMandate): OrganisationId {
  let at = mandate;
  // The rules go up no further than four, so a ring of mandates ends here too.
  for (let level = 1; level < MANDATE_LEVELS_MAX; level += 1) {
    const parent = told.find((each) => each.principal === at.parent && each.seq === at.parent_seq);
    if (parent === undefined) break;
    at = parent;
  }
  return organisationOf(at.principal);
}

export function principalsOf(told: readonly ToldMandate[]): OrganisationId[] {
  return [...new Set(told.map((each) => principalOf(told, each)))];
}
