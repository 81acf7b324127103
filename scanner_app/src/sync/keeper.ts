/**
 * Keeps the journal as long as it is needed here, and no longer (docs/decisions/0027): proves for itself, a segment at
 * a time, that the ledger holds what is old, and lets go only of that.
 */
import { BadBundle } from "../domain/bundle.ts";
import { foldOwn } from "../domain/custody.ts";
import { addressNumber } from "../domain/journal.ts";
import {
  KEPT_SECONDS,
  KEPT_WHEN_SHORT_SECONDS,
  lotsStillNeeded,
  type Needs,
  occurredAt,
  spareSeqs,
  Tickets,
  wholeLoads,
} from "../domain/keeping.ts";
import { ownStart } from "../domain/own_journal.ts";
import { StepFailed } from "../domain/proof.ts";
import { keyHash, type PublicKey } from "../domain/seal.ts";
import type { LotId, Role, Seconds, Seq } from "../domain/types.ts";
import {
  type Database,
  type Identity,
  readSingle,
  type StoredEntry,
  type Trimmed,
} from "../store/database.ts";
import { noteProved, readEntries, readRun, readSeal, readSince } from "../store/journal.ts";
import { trim } from "../store/trimming.ts";
import { type OwnJournal, type ProvedRun, requireOwnSegment } from "../verify/own_segment.ts";
import type { Api } from "./api.ts";
import { askElsewhere, knownNodes } from "./second_sources.ts";

/** A registrar's journal holds the certificates that it has sealed, and is short. */
const TRIMMING_ROLES: readonly Role[] = ["crew", "gate", "scale"];
const READ_AT_ONCE = 256;
const STORAGE_SHORT = 0.8;
const REST_SECONDS = 600;
/** Where nobody answered: soon again. */
const AWAY_SECONDS = 60;

export class Keeper {
  private readonly own: OwnJournal;
  /** Where the search for what can be proved goes on. */
  private from: Seq = 1;
  private restUntil: Seconds = 0;
  private nodes: readonly string[] | undefined;
  private wasRefusedRoom = false;
  private isNobodyThere = false;

  constructor(
    private readonly db: Database,
    private readonly api: Api,
    private readonly identity: Identity,
    private readonly key: PublicKey,
    private readonly now: () => Seconds,
  ) {
    const { device, network } = identity;
    this.own = {
      device,
      chainId: network.chainId,
      ledger: addressNumber(network.ledger).toString(16).padStart(40, "0"),
      find: async (seq) => {
        const [entry, seal] = await Promise.all([db.get("entries", seq), readSeal(db, seq)]);
        return entry && seal && { words: entry.words, seal };
      },
    };
  }

  /** The browser has refused to keep an entry: what is proved may go before its time. */
  wantRoom(): void {
    this.wasRefusedRoom = true;
    this.lookAgain();
  }

  /** There is a network again, say. */
  lookAgain(): void {
    this.restUntil = 0;
  }

  /** One small piece of work; true when there may be more of it. */
  async round(): Promise<boolean> {
    if (!TRIMMING_ROLES.includes(this.identity.role) || this.now() < this.restUntil) return false;
    this.isNobodyThere = false;
    const limit = this.now() - ((await this.isShort()) ? KEPT_WHEN_SHORT_SECONDS : KEPT_SECONDS);
    if (await this.proveNext(limit)) return true;
    if (await this.trimNext(limit)) return true;
    this.from = 1;
    this.nodes = undefined;
    this.restUntil = this.now() + (this.isNobodyThere ? AWAY_SECONDS : REST_SECONDS);
    // What is refused room stays so until all that may go has gone.
    this.wasRefusedRoom &&= this.isNobodyThere;
    return false;
  }

  private async isShort(): Promise<boolean> {
    if (this.wasRefusedRoom) return true;
    const { usage = 0, quota = 0 } = (await globalThis.navigator?.storage?.estimate?.()) ?? {};
    return quota > 0 && usage > STORAGE_SHORT * quota;
  }

  /** Tries to prove the next old entry with its segment; false when none is left that could be. */
  private async proveNext(limit: Seconds): Promise<boolean> {
    for (;;) {
      const run = await readRun(this.db, this.from, READ_AT_ONCE);
      const end = run.find(({ words }) => occurredAt(words) > limit);
      const entry = run.find((each) => each.proved === undefined && isSaidFinal(each));
      if (entry !== undefined && (end === undefined || entry.seq < end.seq)) return this.prove(entry.seq);
      const last = run.at(-1);
      if (last === undefined || end !== undefined) return false;
      this.from = last.seq + 1;
    }
  }

  private async prove(seq: Seq): Promise<boolean> {
    this.nodes ??= await knownNodes(this.db, this.api);
    this.isNobodyThere = this.nodes === undefined;
    if (this.nodes === undefined || this.nodes.length === 0) return false;
    const answer = await this.api.bundle(this.identity.device, seq);
    const run = answer.is === "ok" ? await this.checked(answer.value, seq) : undefined;
    const said = run && (await askElsewhere(this.nodes, this.own.chainId, run.block));
    this.isNobodyThere = answer.is === "unreachable" || said === "nobody";
    if (this.isNobodyThere) return false;
    // What could not be proved stays, and is asked for again after the rest.
    this.from = (said === "final" ? run?.lastSeq : undefined) ?? seq;
    this.from += 1;
    if (run === undefined || said !== "final") return true;
    const { block, recordedAt } = run;
    const proved = { at: this.now(), blockNumber: block.number, blockHash: block.hash, recordedAt };
    await noteProved(this.db, run, proved);
    return true;
  }

  private async checked(data: Uint8Array, seq: Seq): Promise<ProvedRun | undefined> {
    try {
      return await requireOwnSegment(data, this.own, seq);
    } catch (problem) {
      // No proof of this entry: it is not believed, and so the entry is not let go of.
      if (problem instanceof StepFailed || problem instanceof BadBundle) return undefined;
      throw problem;
    }
  }

  /** Lets go of what may go in the next run that has any; false when nothing may. */
  private async trimNext(limit: Seconds): Promise<boolean> {
    const mayGo = (entry: StoredEntry) =>
      entry.state.is === "accepted" &&
      entry.proved !== undefined &&
      Math.max(occurredAt(entry.words), entry.proved.recordedAt) <= limit;
    let needs: Needs | undefined;
    let firstSeq = 1;
    for (;;) {
      const run = await this.wholeRun(firstSeq);
      const last = run.at(-1);
      if (last === undefined) return false;
      firstSeq = last.seq + 1;
      if (!run.some(mayGo)) {
        if (run.every(({ words }) => occurredAt(words) > limit)) return false;
        continue;
      }
      needs ??= await this.needs();
      const lines = run.map((entry) => ({ ...entry, mayGo: mayGo(entry) }));
      const spare = new Set(spareSeqs(lines, needs));
      const gone = run.filter(({ seq }) => spare.has(seq));
      if (gone.length === 0) continue;
      await trim(this.db, gone, await this.stateAfter(gone));
      return true;
    }
  }

  /** Entries from a seq on that end where a load begins, or where the journal ends. */
  private async wholeRun(firstSeq: Seq): Promise<StoredEntry[]> {
    for (let count = READ_AT_ONCE; ; count += READ_AT_ONCE) {
      const run = await readRun(this.db, firstSeq, count);
      if (run.length < count) return run;
      const end = wholeLoads(run);
      if (end > 0) return run.slice(0, end);
      // A gate loads nothing, so no lift of its own hangs on a line before it.
      if (this.identity.role !== "crew") return run;
    }
  }

  private async needs(): Promise<Needs> {
    const tickets = new Tickets();
    let tipSeq = 0;
    const base = await this.base();
    let { state } = base;
    for (;;) {
      const run = await readRun(this.db, tipSeq + 1, READ_AT_ONCE);
      run.forEach((entry) => tickets.read(entry));
      const fresh = run.filter(({ seq }) => seq > base.throughSeq).map(({ words }) => words);
      if (fresh.length > 0) state = foldOwn(state, this.identity.device, fresh, this.now()).state;
      const last = run.at(-1);
      if (last === undefined) break;
      tipSeq = last.seq;
    }
    const answered = new Set(await this.db.getAllKeys("answers"));
    const isAnswered = (lot: LotId, giveSeq: Seq) => answered.has(`${lot}-${giveSeq}`);
    return {
      lots: lotsStillNeeded(state, this.identity.device, isAnswered),
      tickets: tickets.needed(),
      // The last line stays, whatever it is: the journal goes on from it.
      fromSeq: Math.min(tipSeq, this.identity.role === "crew" ? await this.shiftBefore(tipSeq) : tipSeq),
    };
  }

  /** The line after which the shift before the one under way begins; 0 before two shifts have ended. */
  private async shiftBefore(tipSeq: Seq): Promise<Seq> {
    const current = await readSince(this.db, "shift_end", tipSeq);
    return (await readSince(this.db, "shift_end", current.endSeq - 1)).endSeq;
  }

  private async base(): Promise<Trimmed> {
    const { device, network, role } = this.identity;
    const place = { ...network, device };
    return (
      (await readSingle(this.db, "trimmed")) ?? {
        throughSeq: 0,
        untilAt: 0,
        state: ownStart(place, { keyHash: keyHash(this.key), role }),
      }
    );
  }

  /** What will stand for these entries and for all that went before. */
  private async stateAfter(gone: readonly StoredEntry[]): Promise<Trimmed> {
    const base = await this.base();
    const throughSeq = Math.max(base.throughSeq, ...gone.map(({ seq }) => seq));
    const untilAt = Math.max(base.untilAt, ...gone.map(({ words }) => occurredAt(words)));
    const words = (await readEntries(this.db, base.throughSeq + 1, throughSeq)).map((entry) => entry.words);
    const { device } = this.identity;
    const state = words.length === 0 ? base.state : foldOwn(base.state, device, words, this.now()).state;
    return { throughSeq, untilAt, state };
  }
}

function isSaidFinal({ state }: StoredEntry): boolean {
  return state.is === "accepted" && state.onLedger.state === "finalized";
}
