/** Which lines of its own journal a phone still needs, and which may go once they are proved to be on the ledger. */
import type { State } from "./custody_state.ts";
import { type Entry, unpackEntry } from "./journal.ts";
import { type DeviceId, lotId, type LotId, type Seconds, type Seq } from "./types.ts";

const DAY_SECONDS = 86_400;
export const KEPT_SECONDS = 30 * DAY_SECONDS;
/** Where storage is short. What happened in a day is still asked for: the last bins, the lots on the way. */
export const KEPT_WHEN_SHORT_SECONDS = DAY_SECONDS;

export interface Line {
  readonly seq: Seq;
  readonly kind: string;
  readonly words: Uint8Array;
  /** Proved to be on the ledger, and old enough. */
  readonly mayGo: boolean;
}
export interface Needs {
  /** In these hands, or handed over and not answered. */
  readonly lots: ReadonlySet<LotId>;
  /** Weighings that a take may still cite, and the newest of all. */
  readonly tickets: ReadonlySet<Seq>;
  /** From here on everything stays: the shift under way, and the one before it. */
  readonly fromSeq: Seq;
}

/** Lots whose lines are still read: their lifts go into a give, and the give is shown until it is answered. */
export function lotsStillNeeded(
  { lots, gives }: State,
  device: DeviceId,
  isAnswered: (lot: LotId, giveSeq: Seq) => boolean,
): Set<LotId> {
  const needed = [...lots].filter(([id, { holder, status }]) => {
    if (holder !== device || status === "merged" || status === "closed") return false;
    const give = status === "given" ? gives.get(id) : undefined;
    return give === undefined || !isAnswered(id, give.seq);
  });
  return new Set(needed.map(([id]) => id));
}

/**
 * The seqs that may go out of a run of the journal. The run begins at a load, or where the journal begins, and ends
 * before a load or where the journal ends: a load and the lifts after it go together or not at all, because which
 * lot a lift went into is read off the load before it.
 */
export function spareSeqs(run: readonly Line[], needs: Needs): Seq[] {
  const spare: Seq[] = [];
  let loading: Seq[] = [];
  let isLoadingSpare = true;
  const endLoading = () => {
    if (isLoadingSpare) spare.push(...loading);
    loading = [];
    isLoadingSpare = true;
  };
  for (const line of run) {
    const isSpare = line.mayGo && line.seq < needs.fromSeq && !isNeeded(line, needs);
    if (line.kind === "load") endLoading();
    if (line.kind === "load" || line.kind === "lift") {
      loading.push(line.seq);
      isLoadingSpare &&= isSpare;
    } else if (isSpare) spare.push(line.seq);
  }
  endLoading();
  return spare.sort((a, b) => a - b);
}

function isNeeded({ seq, words }: Line, { lots, tickets }: Needs): boolean {
  if (tickets.has(seq)) return true;
  const read = unpackEntry(words);
  const lot = read.is === "known" ? lotOf(read.entry) : undefined;
  return lot !== undefined && lots.has(lot);
}

function lotOf({ fields }: Entry): LotId | undefined {
  return "lot" in fields ? lotId(fields.lot) : undefined;
}

/** Where a run of whole loads ends: how many of these lines belong to it; 0 when none of them begins a new one. */
export function wholeLoads(lines: readonly { readonly kind: string }[]): number {
  return Math.max(
    0,
    lines.findLastIndex(({ kind }) => kind === "load"),
  );
}

/** When a line was written, by its own word; 0 where it has none. */
export function occurredAt(words: Uint8Array): Seconds {
  const read = unpackEntry(words);
  if (read.is !== "known" || !("occurred_at" in read.entry.fields)) return 0;
  return Number(read.entry.fields.occurred_at);
}

/** Finds, line by line, which weighings are still needed: a take cites one, and a calibration is read off the newest. */
export class Tickets {
  private readonly open = new Set<Seq>();
  private newest: Seq | undefined;

  read({ seq, kind, words }: Pick<Line, "seq" | "kind" | "words">): void {
    if (kind === "weigh") {
      this.open.add(seq);
      this.newest = seq;
    }
    if (kind !== "take") return;
    const read = unpackEntry(words);
    if (read.is === "known" && read.entry.kind === "take")
      this.open.delete(Number(read.entry.fields.weigh_seq));
  }

  needed(): Set<Seq> {
    return new Set(this.newest === undefined ? this.open : [...this.open, this.newest]);
  }
}
