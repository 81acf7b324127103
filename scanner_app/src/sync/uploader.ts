/**
 * Sends the journal, segment by segment, exactly once whatever is cut on the way.
 *
 * A segment's bounds are kept on disk before it is sent, and a segment without an answer is sent again with
 * the same bounds: the backend then knows it and gives the very same receipt.
 */
import { SEGMENT_ENTRIES_MAX } from "../domain/journal.ts";
import type { PublicKey } from "../domain/seal.ts";
import type { DeviceId, Seconds, Seq } from "../domain/types.ts";
import {
  type Database,
  dropSingle,
  type EntryState,
  keepSingle,
  type OnLedger,
  readSingle,
} from "../store/database.ts";
import { changeStates, firstSeqOf, readEntries, readSeal } from "../store/journal.ts";
import { type Segment, uploadOf } from "./segments.ts";
import { keepStanding } from "./standing.ts";
import { type Api, type Problem, slugOf, type Uploaded } from "./api.ts";

export type Step =
  | { readonly is: "idle" }
  | { readonly is: "sent"; readonly entries: number }
  /** Something was learnt or put right; go on at once. */
  | { readonly is: "repaired" }
  | { readonly is: "wait"; readonly atLeastSeconds: number; readonly why: string }
  /** A person must look: a rejected entry stands before everything else. */
  | { readonly is: "blocked" };

interface Range {
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
}
const SERVER_CATCHES_UP_SECONDS = 60;
const NOT_YET: OnLedger = { state: "queued", outcome: null, blockNumber: null, txHash: null };

export class Uploader {
  private entriesMax = SEGMENT_ENTRIES_MAX;

  constructor(
    private readonly db: Database,
    private readonly api: Api,
    private readonly device: DeviceId,
    private readonly key: PublicKey,
    private readonly now: () => Seconds,
  ) {}

  /** Does the next thing there is to do, and says what came of it. */
  async step(): Promise<Step> {
    const segment = await this.next();
    if (segment === "blocked") return { is: "blocked" };
    if (segment === undefined) return { is: "idle" };
    const range = { firstSeq: segment.firstSeq, lastSeq: segment.lastSeq };
    await keepSingle(this.db, "inflight", range);
    const answer = await this.api.upload(uploadOf(this.device, this.key, segment));
    if (answer.is === "unreachable") return { is: "wait", atLeastSeconds: 0, why: "unreachable" };
    if (answer.is === "ok") return this.accept(segment, answer.value);
    return this.repair(segment, answer.problem, answer.retryAfterSeconds ?? 0);
  }

  private async next(): Promise<Segment | "blocked" | undefined> {
    const first = await firstSeqOf(this.db, "queued");
    const rejected = await firstSeqOf(this.db, "rejected");
    if (rejected !== undefined && (first === undefined || rejected < first)) return "blocked";
    if (first === undefined) return undefined;
    const inflight = await readSingle(this.db, "inflight");
    const last =
      inflight?.firstSeq === first ? inflight.lastSeq : Math.min(first + this.entriesMax - 1, 2 ** 40 - 1);
    const run = await readEntries(this.db, first, last);
    const end = run.findIndex((entry, at) => entry.state.is !== "queued" || entry.seq !== first + at);
    const entries = end < 0 ? run : run.slice(0, end);
    const lastSeq = first + entries.length - 1;
    const seal = await readSeal(this.db, lastSeq);
    return seal && { firstSeq: first, lastSeq, entries, seal };
  }

  private async accept(segment: Segment, { receipt, warnings }: Uploaded): Promise<Step> {
    // The head covers everything before it; a receipt may begin later when the first part was known.
    const isOurs =
      receipt.device === this.device &&
      receipt.last_seq === segment.lastSeq &&
      receipt.head === segment.seal.head;
    if (!isOurs) return { is: "wait", atLeastSeconds: 10, why: "receipt-mismatch" };
    await this.db.put("receipts", receipt);
    await changeStates(this.db, segment, (entry) => ({
      is: "accepted",
      receiptId: receipt.id,
      receivedAt: receipt.received_at,
      warnings: (warnings ?? [])
        .filter((warning) => warning.seq === entry.seq)
        .map(({ code, message }) => ({ code, message })),
      onLedger: NOT_YET,
    }));
    if ((warnings ?? []).some(({ code }) => code === "revoked-device")) {
      await keepStanding(this.db, true, this.now());
    }
    await dropSingle(this.db, "inflight");
    return { is: "sent", entries: segment.entries.length };
  }

  private async repair(segment: Segment, problem: Problem, retryAfter: number): Promise<Step> {
    const slug = slugOf(problem);
    if ((slug === "too-large" || slug === "segment-too-heavy") && segment.entries.length > 1) {
      this.entriesMax = Math.ceil(segment.entries.length / 2);
      await dropSingle(this.db, "inflight");
      return { is: "repaired" };
    }
    if (slug === "gap" || slug === "fork" || slug === "overlap") {
      const step = await this.agree(segment, problem.next_seq);
      if (step !== undefined) return step;
    }
    if (problem.retryable) return { is: "wait", atLeastSeconds: retryAfter, why: slug };
    await this.reject(segment, problem);
    return { is: "blocked" };
  }

  /** Finds out how much of this journal the backend has; undefined when it has something else. */
  private async agree(segment: Range, nextSeq: Seq | undefined): Promise<Step | undefined> {
    if (nextSeq !== undefined && nextSeq > 0 && nextSeq < segment.firstSeq) {
      const trimmed = await readSingle(this.db, "trimmed");
      // What is gone here is on the ledger for good: a server that lost it reads it there again.
      if (trimmed !== undefined && nextSeq <= trimmed.throughSeq) {
        return { is: "wait", atLeastSeconds: SERVER_CATCHES_UP_SECONDS, why: "server-behind" };
      }
      const lost = { firstSeq: nextSeq, lastSeq: segment.firstSeq - 1 };
      await changeStates(this.db, lost, () => ({ is: "queued" }));
      await dropSingle(this.db, "inflight");
      return { is: "repaired" };
    }
    const answer = await this.api.device(this.device);
    if (answer.is !== "ok") return { is: "wait", atLeastSeconds: 0, why: "unreachable" };
    const { seq, head } = answer.value.accepted;
    if (seq < segment.firstSeq) return undefined;
    const ours = await readSeal(this.db, seq);
    if (ours?.head !== head) return undefined;
    const accepted: EntryState = {
      is: "accepted",
      receiptId: "",
      receivedAt: new Date(this.now() * 1000).toISOString(),
      warnings: [],
      onLedger: NOT_YET,
    };
    await changeStates(this.db, { firstSeq: segment.firstSeq, lastSeq: seq }, () => accepted);
    await dropSingle(this.db, "inflight");
    return { is: "repaired" };
  }

  private async reject(segment: Range, { type, title, detail, status }: Problem): Promise<void> {
    const rejectedAt = this.now();
    await changeStates(this.db, segment, () => ({
      is: "rejected",
      rejectedAt,
      problem: { type, title, detail, status },
    }));
    await dropSingle(this.db, "inflight");
  }
}
