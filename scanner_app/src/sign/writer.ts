/** A journal together with the key that seals it: one entry, one seal, on disk, then it is done. */
import { foldOwn } from "../domain/custody.ts";
import type { State } from "../domain/custody_state.ts";
import { type Evidence, type EvidenceDocument, makeEvidence } from "../domain/evidence.ts";
import { type Heard, withHeard } from "../domain/heard.ts";
import {
  append,
  emptyJournal,
  type Entry,
  type JournalPlace,
  type JournalTip,
  packEntry,
} from "../domain/journal.ts";
import { ownStart } from "../domain/own_journal.ts";
import { keyHash, sealDigest } from "../domain/seal.ts";
import type { Answer, Head, Seconds, Seq } from "../domain/types.ts";
import type { Changes } from "../store/changes.ts";
import {
  type Database,
  type Identity,
  keepSingle,
  readSingle,
  type StoredPhoto,
  type StoredSeal,
  type Successor,
} from "../store/database.ts";
import { addEntry, readBeforeWriting, readEntries, readTip } from "../store/journal.ts";
import { type DeviceKey, signDigest } from "./device_key.ts";

/** A picture that the evidence names by its digest. */
export type Photo = Omit<StoredPhoto, "seq">;
/** This device was revoked: whatever it sealed now would be quarantined. */
export class KeyRevoked extends Error {
  override readonly name = "KeyRevoked";
}
/** Another device has taken this one's place: its journal has ended, and goes on in that one's. */
export class KeyReplaced extends Error {
  override readonly name = "KeyReplaced";
}
export interface Written {
  readonly seq: Seq;
  readonly words: Uint8Array;
  readonly prevHead: Head;
  readonly seal: StoredSeal;
}

export class JournalWriter {
  readonly place: JournalPlace;
  private readonly empty: JournalTip;
  private folded: State;
  private foldedTo: Seq = 0;

  constructor(
    private readonly db: Database,
    private readonly changes: Changes,
    private readonly key: DeviceKey,
    identity: Identity,
    private readonly now: () => Seconds,
  ) {
    this.place = { ...identity.network, device: identity.device };
    this.empty = emptyJournal(this.place);
    this.folded = ownStart(this.place, { keyHash: keyHash(key.publicKey), role: identity.role });
  }

  async tip(): Promise<JournalTip> {
    return readTip(this.db, this.empty);
  }

  /** What this journal alone says about custody; also sees entries that another tab has written or trimmed. */
  async custody(): Promise<State> {
    let fresh = await readEntries(this.db, this.foldedTo + 1);
    const trimmed = fresh[0]?.seq === this.foldedTo + 1 ? undefined : await readSingle(this.db, "trimmed");
    if (trimmed !== undefined && trimmed.throughSeq > this.foldedTo) {
      this.folded = trimmed.state;
      this.foldedTo = trimmed.throughSeq;
      fresh = fresh.filter(({ seq }) => seq > trimmed.throughSeq);
    }
    const last = fresh.at(-1);
    if (last !== undefined && fresh[0]?.seq === this.foldedTo + 1) {
      const words = fresh.map((entry) => entry.words);
      this.folded = foldOwn(this.folded, this.place.device, words, this.now()).state;
      this.foldedTo = last.seq;
    }
    return this.folded;
  }

  /** What the ledger would answer if it had seen nothing but this journal, and what was heard of others. */
  async preview(entry: Entry, heard: Heard = {}): Promise<Answer> {
    const state = withHeard(await this.custody(), heard);
    const { answers } = foldOwn(state, this.place.device, [packEntry(entry)], this.now());
    return answers[0] ?? { outcome: "unknown", flaw: "none" };
  }

  /**
   * Seals and keeps the entry that `make` builds once its seq is certain; one writer at a time.
   *
   * Throws `KeyRevoked`, `KeyReplaced`, and the browser's `DOMException` where the entry could not be kept; nothing is sealed then.
   */
  async write(make: (seq: Seq) => Entry, evidence?: Evidence, photo?: Photo): Promise<Written> {
    const written = await exclusively(`huanlian-journal-${this.db.name}`, async () => {
      const { tip, isRevoked, isReplaced } = await readBeforeWriting(this.db, this.empty);
      if (isReplaced) throw new KeyReplaced();
      if (isRevoked) throw new KeyRevoked();
      const entry = make(tip.nextSeq);
      const words = packEntry(entry);
      const after = append(tip, words);
      const signature = await signDigest(this.key, sealDigest(this.place, tip.nextSeq, after.head));
      const seal = { seq: tip.nextSeq, head: after.head, ...signature };
      const stored = { seq: tip.nextSeq, kind: entry.kind, words, state: { is: "queued" } as const };
      await addEntry(this.db, evidence === undefined ? stored : { ...stored, evidence }, seal, photo);
      return { seq: tip.nextSeq, words, prevHead: tip.head, seal };
    });
    this.changes.tell("written");
    return written;
  }

  /**
   * Ends this journal for good if it may end when nobody can write to it; says whether it did. The name of what
   * follows is one write, so that nothing can happen halfway.
   */
  async end(successor: Successor, mayEnd: () => Promise<boolean>): Promise<boolean> {
    const hasEnded = await exclusively(`huanlian-journal-${this.db.name}`, async () => {
      if (!(await mayEnd())) return false;
      await keepSingle(this.db, "successor", successor);
      return true;
    });
    if (hasEnded) this.changes.tell("synced");
    return hasEnded;
  }
}

/** Salts an evidence document with fresh randomness. */
export function saltEvidence(document: EvidenceDocument): { evidence: Evidence; digest: bigint } {
  return makeEvidence(document, crypto.getRandomValues(new Uint8Array(16)));
}

export async function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
  // Browsers give Web Locks only to secure pages; there, adding a taken seq still fails.
  const locks = globalThis.navigator?.locks;
  return locks === undefined ? work() : (locks.request(name, work) as Promise<T>);
}
