/** Lots that others have given to this organisation: heard from the backend, or read from the giver's screen. */
import { type GiveCode, giveDigest, giveEntry, giveHead, giveText, readAppCode } from "../../domain/codes.ts";
import { unpackEntry } from "../../domain/journal.ts";
import {
  type DeviceId,
  deviceId,
  type Grams,
  type Head,
  lotId,
  type LotId,
  organisationOf,
  type Seq,
  type Stream,
  STREAMS,
} from "../../domain/types.ts";
import { isSealOf } from "../../sign/device_key.ts";
import { readSingle, type StoredEntry } from "../../store/database.ts";
import { readEntries } from "../../store/journal.ts";
import type { LotOnTheWay } from "../../sync/api.ts";
import type { App } from "../app.ts";
import { nameIn, organisationName } from "../words.ts";

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
  readonly from: string;
  readonly isSealChecked: boolean;
}
export type Done = { readonly take: StoredEntry; readonly lot: LotId; readonly grams: Grams };

export async function fetchOffers(app: App): Promise<"fresh" | "stale"> {
  const answer = await app.api.lotsGivenTo(organisationOf(app.identity.device));
  if (answer.is !== "ok") return "stale";
  app.lotsOnTheWay = answer.value.lots;
  return "fresh";
}

/** What may still be taken: neither taken by this device already, nor heard of twice. */
export async function openOffers(app: App): Promise<Offer[]> {
  const taken = new Set((await ownTakes(app)).map(({ key }) => key));
  const all = [...(await witnessed(app)), ...(app.lotsOnTheWay ?? []).map((lot) => heard(app, lot))];
  // What the backend adds (the stream) wins over the code alone.
  const byGive = new Map(all.map((offer) => [keyOf(offer), offer]));
  return [...byGive.values()].filter((offer) => !taken.has(keyOf(offer)));
}

const keyOf = (offer: { giver: string; giveSeq: Seq; lot: string }) =>
  `${offer.giver}:${offer.giveSeq}:${offer.lot}`;

export async function ownTakes(app: App): Promise<(Done & { key: string })[]> {
  const entries = await readEntries(app.db, 1);
  return entries.flatMap((take) => {
    const read = take.kind === "take" ? unpackEntry(take.words) : undefined;
    if (read?.is !== "known" || read.entry.kind !== "take") return [];
    const { fields } = read.entry;
    const lot = lotId(fields.lot);
    const key = keyOf({ giver: deviceId(fields.giver), giveSeq: Number(fields.give_seq), lot });
    return [{ take, lot, grams: Number(fields.grams), key }];
  });
}

function heard(app: App, lot: LotOnTheWay): Offer {
  return {
    lot: lot.lot,
    stream: typeof lot.stream === "number" ? STREAMS[lot.stream - 1] : lot.stream,
    mixture: lot.mixture ?? 0,
    grams: lot.grams,
    lifts: lot.lifts,
    giver: lot.giver,
    giveSeq: lot.give_seq,
    giveHead: lot.give_head,
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
  const to = deviceId(entry.fields.to);
  const own = app.identity.device;
  if (to !== own && to !== `${organisationOf(own)}0000000000`) return { is: "not-us" };
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
      isSealChecked: true,
    }
  );
}
