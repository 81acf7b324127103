/** Sealed segments of this device's own journal, as they are handed in. */
import { bytesToHex, concatBytes } from "../domain/bytes.ts";
import { canonicalJson } from "../domain/evidence.ts";
import { SEGMENT_ENTRIES_MAX } from "../domain/journal.ts";
import type { PublicKey } from "../domain/seal.ts";
import type { Upload } from "../domain/segment_bytes.ts";
import type { DeviceId, Seq } from "../domain/types.ts";
import type { Database, StoredEntry, StoredSeal } from "../store/database.ts";
import { firstSeqOf, readEntries, readSeal } from "../store/journal.ts";

export interface Segment {
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
  readonly entries: readonly StoredEntry[];
  /** Of the last entry; it covers everything before. */
  readonly seal: StoredSeal;
}

export function uploadOf(device: DeviceId, key: PublicKey, { firstSeq, entries, seal }: Segment): Upload {
  const evidence = entries.flatMap(({ seq, evidence: kept }) =>
    kept ? [{ seq, salt: kept.salt, document: canonicalJson(kept.document) }] : [],
  );
  return {
    device,
    first_seq: firstSeq,
    words: bytesToHex(concatBytes(...entries.map((entry) => entry.words))),
    key,
    seal: { r: seal.r, s: seal.s },
    ...(evidence.length > 0 && { evidence }),
  };
}

/** Everything from the first entry that has no receipt to the journal's end. */
export async function unsentUploads(db: Database, device: DeviceId, key: PublicKey): Promise<Upload[]> {
  const firsts = [await firstSeqOf(db, "queued"), await firstSeqOf(db, "rejected")];
  const first = Math.min(...firsts.map((seq) => seq ?? Number.POSITIVE_INFINITY));
  if (!Number.isFinite(first)) return [];
  const entries = await readEntries(db, first);
  const uploads: Upload[] = [];
  for (let at = 0; at < entries.length; at += SEGMENT_ENTRIES_MAX) {
    const run = entries.slice(at, at + SEGMENT_ENTRIES_MAX);
    const firstSeq = first + at;
    const lastSeq = firstSeq + run.length - 1;
    const seal = await readSeal(db, lastSeq);
    if (seal === undefined) throw new Error(`entry ${lastSeq} has no seal`);
    uploads.push(uploadOf(device, key, { firstSeq, lastSeq, entries: run, seal }));
  }
  return uploads;
}
