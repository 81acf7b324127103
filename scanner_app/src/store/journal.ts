/** The device's journal on disk. Nothing in it is ever deleted. */
import type { JournalTip } from "../domain/journal.ts";
import type { Seq } from "../domain/types.ts";
import type { Database, EntryState, OnLedger, StoredEntry, StoredSeal } from "./database.ts";

/** Where the journal ends; `empty` when nothing has been written. */
export async function readTip(db: Database, empty: JournalTip): Promise<JournalTip> {
  const last = await db.transaction("seals").store.openCursor(null, "prev");
  return last === null ? empty : { nextSeq: last.value.seq + 1, head: last.value.head };
}

/**
 * Adds an entry with its seal, on disk before this returns.
 *
 * Adding fails when the seq is taken, so two tabs can never write two lines with one number.
 */
export async function addEntry(db: Database, entry: StoredEntry, seal: StoredSeal): Promise<void> {
  const change = db.transaction(["entries", "seals"], "readwrite", { durability: "strict" });
  await Promise.all([
    change.objectStore("entries").add(entry),
    change.objectStore("seals").add(seal),
    change.done,
  ]);
}

export async function readEntries(db: Database, firstSeq: Seq, lastSeq?: Seq): Promise<StoredEntry[]> {
  if (lastSeq !== undefined && lastSeq < firstSeq) return [];
  const range =
    lastSeq === undefined ? IDBKeyRange.lowerBound(firstSeq) : IDBKeyRange.bound(firstSeq, lastSeq);
  return db.getAll("entries", range);
}

export async function readSeal(db: Database, seq: Seq): Promise<StoredSeal | undefined> {
  return db.get("seals", seq);
}

export async function countByState(db: Database): Promise<Record<EntryState["is"], number>> {
  const [queued, accepted, rejected] = await Promise.all([
    db.countFromIndex("entries", "by_state", "queued"),
    db.countFromIndex("entries", "by_state", "accepted"),
    db.countFromIndex("entries", "by_state", "rejected"),
  ]);
  return { queued, accepted, rejected };
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
  const work = db.transaction("entries", "readwrite", { durability: "strict" });
  let cursor = await work.store.openCursor(IDBKeyRange.bound(range.firstSeq, range.lastSeq));
  while (cursor !== null) {
    await cursor.update({ ...cursor.value, state: change(cursor.value) });
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
