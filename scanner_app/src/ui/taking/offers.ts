/** Lots that may be taken here: heard of from the backend, or read off the giver's screen. */
import { isSameKey } from "../../domain/certificate.ts";
import { type GiveCode, giveDigest, giveEntry, giveHead, giveText, readAppCode } from "../../domain/codes.ts";
import type { HeardGive } from "../../domain/heard.ts";
import { unpackEntry } from "../../domain/journal.ts";
import { isNamed } from "../../domain/mandates.ts";
import {
  deskOf,
  type DeviceId,
  deviceId,
  type Grams,
  type Head,
  lotId,
  type LotId,
  organisationOf,
  type Seq,
  type Stream,
  STREAM_CODE,
  STREAMS,
} from "../../domain/types.ts";
import { isSealOf } from "../../sign/device_key.ts";
import { readSingle, type StoredEntry } from "../../store/database.ts";
import { findDevice } from "../../store/directory.ts";
import { readEntries } from "../../store/journal.ts";
import type { LotOnTheWay } from "../../sync/api.ts";
import type { App } from "../app.ts";
import { nameIn, organisationName } from "../words.ts";
import { principalsOf, readMandates } from "./mandates.ts";

export interface Offer {
  readonly lot: LotId;
  /** Unknown when only the give has been seen: its words do not carry the stream. */
  readonly stream: Stream | undefined;
  /** Bit 1 << stream for each other stream in it, as far as the backend has said. */
  readonly mixture: number;
  readonly grams: Grams;
  readonly lifts: number;
  readonly giver: DeviceId;
  readonly giveSeq: Seq;
  readonly giveHead: Head;
  /** This device, its organisation, or one that it may have a mandate from. */
  readonly to: DeviceId;
  readonly from: string;
  readonly isSealChecked: boolean;
}
/** This device's answer to a give: a take of a lot, or a refusal. */
export interface OwnAnswer {
  readonly entry: StoredEntry;
  readonly kind: "take" | "refuse";
  readonly lot: LotId;
  readonly grams: Grams;
  readonly key: string;
}

/** Asks for the lots given to this organisation, and to those whose mandates it has. */
export async function fetchOffers(app: App): Promise<"fresh" | "stale"> {
  const receivers = [organisationOf(app.identity.device), ...principalsOf(await readMandates(app.db))];
  const all: (LotOnTheWay & { to: DeviceId })[] = [];
  for (const receiver of new Set(receivers)) {
    const answer = await app.api.lotsGivenTo(receiver);
    if (answer.is !== "ok") return "stale";
    all.push(...answer.value.lots.map((lot) => ({ ...lot, to: deskOf(receiver) })));
  }
  app.lotsOnTheWay = all;
  return "fresh";
}

/** What may still be taken: not answered by this device already, nor heard of twice. */
export async function openOffers(app: App): Promise<Offer[]> {
  const answered = new Set((await ownAnswers(app)).map(({ key }) => key));
  const all = [...(await witnessed(app)), ...(app.lotsOnTheWay ?? []).map((lot) => heard(app, lot))];
  // What the backend adds (the stream) wins over the code alone.
  const byGive = new Map(all.map((offer) => [keyOf(offer), offer]));
  return [...byGive.values()].filter((offer) => !answered.has(keyOf(offer)));
}

const keyOf = (offer: { giver: string; giveSeq: Seq; lot: string }) =>
  `${offer.giver}:${offer.giveSeq}:${offer.lot}`;

/** Takes and refusals of this journal, oldest first; an unattested take answers no give, and is among them. */
export async function ownAnswers(app: App): Promise<OwnAnswer[]> {
  const entries = await readEntries(app.db, 1);
  return entries.flatMap((entry): OwnAnswer[] => {
    const read = entry.kind === "take" || entry.kind === "refuse" ? unpackEntry(entry.words) : undefined;
    if (read?.is !== "known") return [];
    const { kind, fields } = read.entry;
    if (kind !== "take" && kind !== "refuse") return [];
    const lot = lotId(fields.lot);
    const key = keyOf({ giver: deviceId(fields.giver), giveSeq: Number(fields.give_seq), lot });
    return [{ entry, kind, lot, grams: Number(fields.grams), key }];
  });
}

function heard(app: App, lot: LotOnTheWay & { to: DeviceId }): Offer {
  return {
    lot: lot.lot,
    stream: typeof lot.stream === "number" ? STREAMS[lot.stream - 1] : lot.stream,
    mixture: lot.mixture ?? 0,
    grams: lot.grams,
    lifts: lot.lifts,
    giver: lot.giver,
    giveSeq: lot.give_seq,
    giveHead: lot.give_head,
    to: lot.to,
    from: nameIn(app, lot.from.name, lot.from.organisation),
    isSealChecked: false,
  };
}

export type ReadOffer =
  { readonly is: "offer"; readonly lot: LotId } | { readonly is: "other" | "forged" | "not-us" };

/** Checks a scanned give, and keeps it: should its giver lose it, this device still has it. */
export async function readOffer(app: App, text: string): Promise<ReadOffer> {
  const read = readAppCode(text);
  if (read.is !== "give") return { is: "other" };
  const { give } = read;
  const entry = giveEntry(give);
  if (entry === undefined) return { is: "other" };
  if (!(await isSealOf(giveDigest(app.identity.network, give), give.key, give.seal))) return { is: "forged" };
  // Whose key it is can be known beforehand; else the ledger finds it out.
  const known = await findDevice(app.db, give.giver, app.now());
  if (known !== undefined && !isSameKey(known.key, give.key)) return { is: "forged" };
  const to = deviceId(entry.fields.to);
  const isFor = (organisation: string) => organisationOf(to) === organisation;
  const isOurs = isNamed(to, app.identity.device) || principalsOf(await readMandates(app.db)).some(isFor);
  if (!isOurs) return { is: "not-us" };
  const code = giveText("", give);
  await app.db.put("witnesses", { id: `${give.giver}-${give.seq}`, code, seenAt: app.now() });
  return { is: "offer", lot: lotId(entry.fields.lot) };
}

async function witnessed(app: App): Promise<Offer[]> {
  const directory = await readSingle(app.db, "directory");
  const kept = await app.db.getAll("witnesses");
  return kept.flatMap(({ code }) => {
    const read = readAppCode(code);
    const offer = read.is === "give" ? offerOf(read.give) : undefined;
    if (offer === undefined) return [];
    return [{ ...offer, from: organisationName(app, directory, organisationOf(offer.giver)) }];
  });
}

function offerOf(give: GiveCode): Omit<Offer, "from"> | undefined {
  const fields = giveEntry(give)?.fields;
  return (
    fields && {
      lot: lotId(fields.lot),
      stream: undefined,
      mixture: 0,
      grams: Number(fields.grams),
      lifts: Number(fields.lifts),
      giver: give.giver,
      giveSeq: give.seq,
      giveHead: giveHead(give),
      to: deviceId(fields.to),
      isSealChecked: true,
    }
  );
}

/** The give as the rules know it; undefined while its stream is not known, and nothing can be foreseen of it. */
export function heardGive(offer: Offer): HeardGive | undefined {
  const { lot, giver, giveSeq, giveHead, to, grams, mixture, stream } = offer;
  if (stream === undefined) return undefined;
  return { lot, giver, giveSeq, giveHead, to, grams, mixture, stream: STREAM_CODE[stream] };
}
