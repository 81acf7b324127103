/** The device's journal on disk. What is in it goes only by `trim` (store/trimming.ts). */
import type { JournalTip } from "../domain/journal.ts";
import type { Seq } from "../domain/types.ts";
import type {
  Database,
  EntryState,
  OnLedger,
  Proved,
  Standing,
  StoredEntry,
  StoredPhoto,
  StoredSeal,
} from "./database.ts";

/** Where the journal ends; `empty` when nothing has been written. */
export async function readTip(db: Database, empty: JournalTip): Promise<JournalTip> {
  return tipOf(await db.transaction("seals").store.openCursor(null, "prev"), empty);
}

/** Where the journal ends, and what may forbid to write there: all as of one moment. */
export async function readBeforeWriting(
  db: Database,
  empty: JournalTip,
): Promise<{ tip: JournalTip; isRevoked: boolean; isReplaced: boolean }> {
  const reading = db.transaction(["singles", "seals"]);
  const singles = reading.objectStore("singles");
  const [last, standing, successor] = await Promise.all([
    reading.objectStore("seals").openCursor(null, "prev"),
    singles.get("standing") as Promise<Standing | undefined>,
    singles.getKey("successor"),
  ]);
  return {
    tip: tipOf(last, empty),
    isRevoked: standing?.isRevoked ?? false,
    isReplaced: successor !== undefined,
  };
}

function tipOf(last: { readonly value: StoredSeal } | null, empty: JournalTip): JournalTip {
  return last === null ? empty : { nextSeq: last.value.seq + 1, head: last.value.head };
}

/**
 * Adds an entry with its seal, and with the photo that its evidence names; all on disk before this returns.
 *
 * Adding fails when the seq is taken, so two tabs can never write two lines with one number.
 */
export async function addEntry(
  db: Database,
  entry: StoredEntry,
  seal: StoredSeal,
  photo?: Omit<StoredPhoto, "seq">,
): Promise<void> {
  const change = db.transaction(["entries", "seals", "photos"], "readwrite", { durability: "strict" });
  await Promise.all([
    change.objectStore("entries").add(entry),
    change.objectStore("seals").add(seal),
    photo && change.objectStore("photos").add({ seq: entry.seq, ...photo }),
    change.done,
  ]);
}

export async function readEntries(db: Database, firstSeq: Seq, lastSeq?: Seq): Promise<StoredEntry[]> {
  if (lastSeq !== undefined && lastSeq < firstSeq) return [];
  const range =
    lastSeq === undefined ? IDBKeyRange.lowerBound(firstSeq) : IDBKeyRange.bound(firstSeq, lastSeq);
  return db.getAll("entries", range);
}

/** So many entries from a seq on, whether or not some between them are gone. */
export async function readRun(db: Database, firstSeq: Seq, count: number): Promise<StoredEntry[]> {
  return db.getAll("entries", IDBKeyRange.lowerBound(firstSeq), count);
}

/** At first; what lies further back is read in ever longer runs. */
const NEWEST_AT_ONCE = 16;

/** The newest entries that are wanted, newest first; none from before the one at which the search is over. */
export async function readNewest(
  db: Database,
  wish: {
    readonly count: number;
    isWanted(entry: StoredEntry): boolean;
    isOver(entry: StoredEntry): boolean;
  },
): Promise<StoredEntry[]> {
  const found: StoredEntry[] = [];
  const { store } = db.transaction("entries");
  let lastSeq = (await store.openKeyCursor(null, "prev"))?.key ?? 0;
  for (let count = NEWEST_AT_ONCE; lastSeq > 0; count = Math.min(2 * count, READ_AT_ONCE)) {
    const run = await store.getAll(IDBKeyRange.bound(lastSeq - count + 1, lastSeq));
    for (const entry of run.reverse()) {
      if (found.length === wish.count || wish.isOver(entry)) return found;
      if (wish.isWanted(entry)) found.push(entry);
    }
    if (found.length === wish.count) return found;
    lastSeq -= count;
  }
  return found;
}

const READ_AT_ONCE = 256;

/** All entries after the newest of a kind that is at or before `lastSeq`, and that one's seq; 0 when there is none. */
export async function readSince(
  db: Database,
  kind: string,
  lastSeq: Seq,
): Promise<{ endSeq: Seq; entries: StoredEntry[] }> {
  const newer: StoredEntry[] = [];
  for (let last = lastSeq; last > 0; last -= READ_AT_ONCE) {
    const run = await readEntries(db, Math.max(1, last - READ_AT_ONCE + 1), last);
    const at = run.findLastIndex((entry) => entry.kind === kind);
    newer.unshift(...run.slice(at + 1));
    const end = run[at];
    if (end !== undefined) return { endSeq: end.seq, entries: newer };
  }
  return { endSeq: 0, entries: newer };
}

export async function readSeal(db: Database, seq: Seq): Promise<StoredSeal | undefined> {
  return db.get("seals", seq);
}

/** What the backend does not have. */
export async function countUnsent(
  db: Database,
): Promise<Record<Exclude<EntryState["is"], "accepted">, number>> {
  const states = db.transaction("entries").store.index("by_state");
  const [queued, rejected] = await Promise.all([states.count("queued"), states.count("rejected")]);
  return { queued, rejected };
}

/** The lowest seq of a state, if any entry has it. */
export async function firstSeqOf(db: Database, state: EntryState["is"]): Promise<Seq | undefined> {
  const key = await db.transaction("entries").store.index("by_state").openKeyCursor(state);
  return key?.primaryKey;
}

export async function changeStates(
  db: Database,
  range: { firstSeq: Seq; lastSeq: Seq },
  change: (entry: StoredEntry) => EntryState,
): Promise<void> {
  await changeEntries(db, range, (entry) => ({ ...entry, state: change(entry) }));
}

/** Notes that this device has found these entries on the ledger itself. */
export async function noteProved(
  db: Database,
  range: { firstSeq: Seq; lastSeq: Seq },
  proved: Proved,
): Promise<void> {
  await changeEntries(db, range, (entry) => ({ ...entry, proved }));
}

async function changeEntries(
  db: Database,
  range: { firstSeq: Seq; lastSeq: Seq },
  change: (entry: StoredEntry) => StoredEntry,
): Promise<void> {
  const work = db.transaction("entries", "readwrite", { durability: "strict" });
  let cursor = await work.store.openCursor(IDBKeyRange.bound(range.firstSeq, range.lastSeq));
  while (cursor !== null) {
    await cursor.update(change(cursor.value));
    cursor = await cursor.continue();
  }
  await work.done;
}

export async function noteOnLedger(
  db: Database,
  range: { firstSeq: Seq; lastSeq: Seq },
  news: (entry: StoredEntry, before: OnLedger) => OnLedger,
): Promise<void> {
  await changeStates(db, range, (entry) =>
    entry.state.is === "accepted"
      ? { ...entry.state, onLedger: news(entry, entry.state.onLedger) }
      : entry.state,
  );
}

/** Puts rejected entries back in the queue, when a person has decided to try again. */
export async function queueRejected(db: Database): Promise<void> {
  const rejected = await db.getAllKeysFromIndex("entries", "by_state", "rejected");
  for (const seq of rejected) {
    await changeStates(db, { firstSeq: seq, lastSeq: seq }, () => ({ is: "queued" }));
  }
}
