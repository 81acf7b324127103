/** What one journal tells of a shift. A shift is everything since the one before was ended. */
import type { ReadEntry } from "./journal.ts";
import { type Grams, type Seconds, type Seq, type Stream, streamOf } from "./types.ts";

export interface Shift {
  /** When its first entry was written; 0 for a shift without any. */
  readonly beganAt: Seconds;
  readonly lifts: number;
  readonly grams: Grams;
  /** Only streams that were lifted. */
  readonly gramsOf: ReadonlyMap<Stream, Grams>;
  /** Lots given, and not taken back. */
  readonly lotsGiven: number;
  readonly refusals: number;
}

/** Adds up the entries of one shift, each with its seq. The end of the shift itself adds nothing. */
export function sumShift(entries: Iterable<readonly [Seq, ReadEntry]>): Shift {
  let beganAt = 0;
  let lifts = 0;
  let refusals = 0;
  const gramsOf = new Map<Stream, Grams>();
  const gives = new Set<Seq>();
  for (const [seq, read] of entries) {
    if (read.is !== "known" || read.entry.kind === "shift_end") continue;
    const { entry } = read;
    if (beganAt === 0) beganAt = Number(entry.fields.occurred_at);
    if (entry.kind === "lift") {
      lifts += 1;
      const stream = streamOf(entry.fields.stream);
      if (stream !== undefined) gramsOf.set(stream, (gramsOf.get(stream) ?? 0) + Number(entry.fields.grams));
    }
    if (entry.kind === "decline") refusals += 1;
    if (entry.kind === "give") gives.add(seq);
    if (entry.kind === "withdraw") gives.delete(Number(entry.fields.undone_seq));
  }
  const grams = [...gramsOf.values()].reduce((sum, each) => sum + each, 0);
  return { beganAt, lifts, grams, gramsOf, lotsGiven: gives.size, refusals };
}
