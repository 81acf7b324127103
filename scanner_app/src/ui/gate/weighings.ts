/** What this gate has weighed: tickets in its journal, and first weighings that wait for the second. */
import { unpackEntry } from "../../domain/journal.ts";
import { type Grams, lotId, type LotId, numberOf, type Seconds, type Seq } from "../../domain/types.ts";
import { type FirstWeighing, keepSingle, readSingle } from "../../store/database.ts";
import { readEntries } from "../../store/journal.ts";
import type { App } from "../app.ts";

export interface Weighing {
  readonly seq: Seq;
  readonly number: number;
  readonly net: Grams;
  readonly gross: Grams;
  readonly tare: Grams;
  readonly at: Seconds;
  readonly calibratedUntil: Seconds;
}

/** The latest weighing of this lot that no take has cited: each can be cited once. */
export async function unusedWeighing(app: App, lot: LotId): Promise<Weighing | undefined> {
  let latest: Weighing | undefined;
  for (const { seq, kind, words } of await readEntries(app.db, 1)) {
    if (kind !== "weigh" && kind !== "take") continue;
    const read = unpackEntry(words);
    if (read.is !== "known") continue;
    if (read.entry.kind === "weigh" && lotId(read.entry.fields.lot) === lot) {
      latest = weighingOf(seq, read.entry.fields);
    }
    if (read.entry.kind === "take") {
      const { weigher, weigh_seq: cited } = read.entry.fields;
      if (weigher === numberOf(app.identity.device) && Number(cited) === latest?.seq) latest = undefined;
    }
  }
  return latest;
}

/** This device's own ticket at a seq; undefined when that entry is none. */
export async function findWeighing(app: App, seq: Seq): Promise<Weighing | undefined> {
  const entry = await app.db.get("entries", seq);
  const read = entry && unpackEntry(entry.words);
  return read?.is === "known" && read.entry.kind === "weigh" ? weighingOf(seq, read.entry.fields) : undefined;
}

type WeighField = "net" | "gross" | "tare" | "ticket" | "occurred_at" | "calibration_until";

function weighingOf(seq: Seq, fields: Readonly<Record<WeighField, bigint>>): Weighing {
  return {
    seq,
    number: Number(fields.ticket),
    net: Number(fields.net),
    gross: Number(fields.gross),
    tare: Number(fields.tare),
    at: Number(fields.occurred_at),
    calibratedUntil: Number(fields.calibration_until),
  };
}

/** Until when the scale was calibrated, as its last ticket says; 0 for a first weighing. */
export async function lastCalibration(app: App): Promise<Seconds> {
  for (const { kind, words } of (await readEntries(app.db, 1)).reverse()) {
    const read = kind === "weigh" ? unpackEntry(words) : undefined;
    if (read?.is === "known" && read.entry.kind === "weigh")
      return Number(read.entry.fields.calibration_until);
  }
  return 0;
}

export async function findFirstWeighing(app: App, lot: LotId): Promise<FirstWeighing | undefined> {
  return ((await readSingle(app.db, "firstWeighings")) ?? []).find((each) => each.lot === lot);
}

/** Kept on disk: the vehicle tips for a quarter of an hour, others are weighed, and the page may be reloaded. */
export async function keepFirstWeighing(app: App, first: FirstWeighing): Promise<void> {
  const others = ((await readSingle(app.db, "firstWeighings")) ?? []).filter(({ lot }) => lot !== first.lot);
  await keepSingle(app.db, "firstWeighings", [...others, first]);
}

export async function dropFirstWeighing(app: App, lot: LotId): Promise<void> {
  const kept = (await readSingle(app.db, "firstWeighings")) ?? [];
  await keepSingle(
    app.db,
    "firstWeighings",
    kept.filter((each) => each.lot !== lot),
  );
}
