/** Takes out of the journal what is proved to be on the ledger, and all that was kept for its sake. */
import { unpackEntry } from "../domain/journal.ts";
import { deviceId, lotId, type Seq } from "../domain/types.ts";
import type { Database, StoredEntry, Trimmed } from "./database.ts";

const STORES = ["entries", "seals", "photos", "receipts", "witnesses", "answers", "singles"] as const;

/** Takes out these entries, and keeps in the same moment what stands for them: a cut leaves both or neither. */
export async function trim(db: Database, gone: readonly StoredEntry[], trimmed: Trimmed): Promise<void> {
  const work = db.transaction(STORES, "readwrite", { durability: "strict" });
  const entries = work.objectStore("entries");
  const has = async (seq: Seq) => (await entries.getKey(seq)) !== undefined;
  await work.objectStore("singles").put(trimmed, "trimmed");
  for (const { seq } of gone) {
    await entries.delete(seq);
    await work.objectStore("photos").delete(seq);
  }
  for (const { seq } of gone) {
    // A seal is also the head that the next entry continues.
    if (!(await has(seq + 1))) await work.objectStore("seals").delete(seq);
    if (!(await has(seq - 1))) await work.objectStore("seals").delete(seq - 1);
  }
  for (const id of new Set(gone.map(receiptOf))) {
    const receipt = id === "" ? undefined : await work.objectStore("receipts").get(id);
    if (receipt === undefined) continue;
    const left = await entries.count(IDBKeyRange.bound(receipt.first_seq, receipt.last_seq));
    if (left === 0) await work.objectStore("receipts").delete(id);
  }
  for (const { seq, words } of gone) {
    const read = unpackEntry(words);
    if (read.is !== "known") continue;
    const { kind, fields } = read.entry;
    // Without the entry that answers it, a give that is kept here would be offered again.
    if (kind === "take" || kind === "refuse") {
      await work.objectStore("witnesses").delete(`${deviceId(fields.giver)}-${fields.give_seq}`);
    }
    // That it was answered still has to be known; the code was for the case that the receiver lost its journal.
    if (kind === "give") {
      const id = `${lotId(fields.lot)}-${seq}`;
      const answer = await work.objectStore("answers").get(id);
      if (answer === undefined) continue;
      const { code: _, ...rest } = answer;
      await work.objectStore("answers").put(rest);
    }
  }
  await work.done;
}

function receiptOf({ state }: StoredEntry): string {
  return state.is === "accepted" ? state.receiptId : "";
}
