/** Everything this device still has of what it wrote, in one file that anyone can upload for it. */
import { bytesToHex, toBase64Url } from "../domain/bytes.ts";
import { type Database, type Identity, readSingle } from "../store/database.ts";
import { readEntries } from "../store/journal.ts";
import { unsentUploads } from "./segments.ts";

export async function rescueFile(db: Database, identity: Identity | undefined): Promise<Blob> {
  const key = await readSingle(db, "key");
  const trimmed = await readSingle(db, "trimmed");
  const [entries, seals, receipts, photos, answers] = await Promise.all([
    readEntries(db, 1),
    db.getAll("seals"),
    db.getAll("receipts"),
    db.getAll("photos"),
    db.getAll("answers"),
  ]);
  const content = {
    format: "huanlian-rescue-1",
    device: identity?.device ?? null,
    network: identity?.network ?? null,
    certificate: identity?.certificate ?? null,
    key: key?.publicKey ?? null,
    /** Up to here the ledger has what is not in this file. */
    trimmed_through: trimmed?.throughSeq ?? 0,
    entries: entries.map((entry) => ({ ...entry, words: bytesToHex(entry.words) })),
    seals,
    receipts,
    answers,
    // What waits to be sent, ready to be handed in by anybody.
    uploads:
      identity === undefined || key === undefined
        ? []
        : await unsentUploads(db, identity.device, key.publicKey),
    photos: photos.map((photo) => ({ ...photo, bytes: toBase64Url(photo.bytes) })),
  };
  return new Blob([JSON.stringify(content, null, 1)], { type: "application/json" });
}
