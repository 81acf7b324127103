/** Checks that the ledger recorded what this device itself wrote: the journal on the device is what is believed. */
import { readBundle } from "../domain/bundle.ts";
import { bytesToHex } from "../domain/bytes.ts";
import { rollHead, splitWords } from "../domain/journal.ts";
import {
  type Network,
  requireEntry,
  requireRecord,
  requireTrustedNetwork,
  StepFailed,
} from "../domain/proof.ts";
import type { Seal } from "../domain/seal.ts";
import type { DeviceId, Head, Seconds, Seq } from "../domain/types.ts";
import type { ProvedBlock } from "./verify.ts";

/** What the device has of an entry: its words, and the head and seal after it. */
export interface OwnEntry {
  readonly words: Uint8Array;
  readonly seal: Seal & { readonly head: Head };
}
export interface OwnJournal extends Network {
  readonly device: DeviceId;
  find(seq: Seq): Promise<OwnEntry | undefined>;
}
/** A run of this device's entries, and the block that a proof leans on; whether that block is real is not known yet. */
export interface ProvedRun {
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
  readonly block: ProvedBlock;
  readonly recordedAt: Seconds;
}

/**
 * Throws `StepFailed` or `BadBundle`. Steps 1 to 4 are those of docs/spec/bundle.md; who enrolled this device is not
 * asked, since it is this device that asks.
 *
 * 1. a bundle in its one form, 2. of this chain and ledger, 3. the block's receipts hold the ledger's record,
 * 4. the entry is in it, 5. it is the entry of this device at this seq, with its own words and head,
 * 6. the record ends in this device's own head and seal, and rolls there through its own words.
 */
export async function requireOwnSegment(data: Uint8Array, own: OwnJournal, seq: Seq): Promise<ProvedRun> {
  // 1.
  const bundle = readBundle(data);
  // 2.
  requireTrustedNetwork(bundle, own);
  // 3.
  const { header, record } = requireRecord(bundle, own);
  // 4.
  requireEntry(bundle, record);
  // 5.
  const mine = await own.find(seq);
  if (bundle.device !== own.device || bundle.seq !== seq || mine?.seal.head !== bytesToHex(bundle.head)) {
    throw new StepFailed("The proof is of another entry.");
  }
  // 6.
  const entries = splitWords(record.words);
  const firstSeq = Number(record.firstSeq);
  const lastSeq = firstSeq + entries.length - 1;
  const end = (await own.find(lastSeq))?.seal;
  const head = entries.reduce(rollHead, bytesToHex(bundle.prevHead) as Head);
  const isOurs = end?.head === head && head === bytesToHex(record.head);
  if (!isOurs || end.r !== record.seal.r || end.s !== record.seal.s) {
    throw new StepFailed("The record does not end in this device's own head and seal.");
  }
  for (const [at, words] of entries.entries()) {
    const kept = await own.find(firstSeq + at);
    if (kept === undefined || bytesToHex(kept.words) !== bytesToHex(words)) {
      throw new StepFailed(`Entry ${firstSeq + at} is recorded otherwise than it was written.`);
    }
  }
  const block = { number: header.number, hash: bytesToHex(bundle.recorded.blockHash) };
  return { firstSeq, lastSeq, block, recordedAt: header.timestamp };
}
