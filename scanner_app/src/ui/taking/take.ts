/** Seals the answer to an offer: taken whole, taken in part, or refused. */
import type { Heard } from "../../domain/heard.ts";
import { makeEntry } from "../../domain/journal.ts";
import {
  declineCode,
  type DeclineReason,
  type Grams,
  type LotId,
  NO_LOT,
  NO_SITE,
  NOBODY,
  numberOf,
  type Seq,
  STREAM_CODE,
} from "../../domain/types.ts";
import { saltEvidence, type Written } from "../../sign/writer.ts";
import { keepSingle, readSingle } from "../../store/database.ts";
import type { App } from "../app.ts";
import { nextLot } from "../own_lots.ts";
import { trySeal } from "../sealing.ts";
import { mayBeSealed } from "../warning.ts";
import { type Cited, heardMandates, readMandates } from "./mandates.ts";
import { heardGive, type Offer } from "./offers.ts";
import type { Declared } from "./verdict.ts";

/** The take then leaves the stream as it is. */
export const AS_GIVEN = 0;

/** Why a load is turned away: the reasons of a refused bin that a whole load can have, with their codes. */
export const REFUSE_REASONS = [
  "mixed",
  "hazardous-inside",
  "construction-waste",
  "bulky-item",
  "liquid",
] as const satisfies readonly DeclineReason[];
export type RefuseReason = (typeof REFUSE_REASONS)[number];

export interface Taking {
  readonly offer: Offer;
  readonly grams: Grams;
  /** A stream's code, or AS_GIVEN. */
  readonly takenAs: number;
  readonly isInPart: boolean;
  /** The seq of this device's own weigh ticket; undefined where nothing was weighed. */
  readonly weighSeq: Seq | undefined;
  readonly mandate: Cited | undefined;
  readonly declared: Declared;
}

/** Undefined when the person thought better of it after a warning, or when nothing could be sealed and was said so. */
export async function sealTake(app: App, taking: Taking): Promise<Written | undefined> {
  const { offer, mandate, weighSeq } = taking;
  const entry = makeEntry("take", {
    lot: numberOf(offer.lot),
    grams: taking.grams,
    give_seq: offer.giveSeq,
    giver: numberOf(offer.giver),
    weigh_seq: weighSeq ?? 0,
    stream: taking.takenAs,
    evidence: 0,
    give_head: numberOf(offer.giveHead),
    weigher: numberOf(weighSeq === undefined ? NOBODY : app.identity.device),
    into: numberOf(taking.isInPart ? await nextLot(app) : NO_LOT),
    principal: numberOf(mandate?.principal ?? NOBODY),
    mandate_seq: mandate?.seq ?? 0,
    site: numberOf(mandate?.site ?? NO_SITE),
    flags: 0,
    occurred_at: app.now(),
  });
  if (!(await mayBeSealed(app, entry, await heardOf(app, offer)))) return undefined;
  return trySeal(app, async () => {
    // Before the seal: should there be no room for it, there is none for the entry either.
    await keepTaken(app, taking);
    return app.writer.write(() => entry);
  });
}

/** What the rules will need to know of this lot while the ledger has not told of it. */
async function keepTaken(app: App, { offer, takenAs, declared }: Taking): Promise<void> {
  const stream = (declared.stream && STREAM_CODE[declared.stream]) ?? takenAs;
  const { lot, giver, giveSeq, giveHead, to, grams, mixture } = offer;
  const give = { lot, giver, giveSeq, giveHead, to, grams, mixture, stream, basis: declared.basis };
  const before = (await readSingle(app.db, "takenGives")) ?? [];
  const others = before.filter((each) => each.giver !== giver || each.giveSeq !== giveSeq);
  await keepSingle(app.db, "takenGives", [...others, give]);
}

/** Turns a whole lot away; it stays in its giver's hands. */
export async function sealRefusal(
  app: App,
  offer: Offer,
  reason: RefuseReason,
): Promise<Written | undefined> {
  const { evidence, digest } = saltEvidence({ about: "refuse", reason });
  const entry = makeEntry("refuse", {
    lot: numberOf(offer.lot),
    grams: offer.grams,
    give_seq: offer.giveSeq,
    giver: numberOf(offer.giver),
    reason: declineCode(reason),
    evidence: digest,
    give_head: numberOf(offer.giveHead),
    flags: 0,
    occurred_at: app.now(),
  });
  if (!(await mayBeSealed(app, entry, await heardOf(app, offer)))) return undefined;
  return trySeal(app, () => app.writer.write(() => entry, evidence));
}

/** What this device has heard that the rules need to foresee the ledger's answer. */
async function heardOf(app: App, offer: Offer): Promise<Heard> {
  const give = heardGive(offer);
  return { ...(give && { gives: [give] }), mandates: heardMandates(await readMandates(app.db)) };
}

/** A take from somebody who is not registered: the lot begins here, on this device's word alone. */
export async function sealUnattested(
  app: App,
  { grams, stream, document }: { grams: Grams; stream: number; document: string },
): Promise<{ readonly lot: LotId } | undefined> {
  const lot = await nextLot(app);
  const { evidence, digest } = saltEvidence({ about: "unattested", document });
  const entry = makeEntry("take", {
    lot: numberOf(lot),
    grams,
    give_seq: 0,
    giver: numberOf(NOBODY),
    weigh_seq: 0,
    stream,
    evidence: digest,
    give_head: 0,
    weigher: 0,
    into: 0,
    principal: 0,
    mandate_seq: 0,
    site: 0,
    flags: 0,
    occurred_at: app.now(),
  });
  if (!(await mayBeSealed(app, entry))) return undefined;
  return (await trySeal(app, () => app.writer.write(() => entry, evidence))) && { lot };
}
