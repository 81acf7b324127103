/** Asks what became of accepted entries, until their blocks can no longer change. */
import { answerOf, type DeviceId, FLAWS, type Seq } from "../domain/types.ts";
import type { Database, OnLedger, StoredEntry } from "../store/database.ts";
import { noteOnLedger, readEntries } from "../store/journal.ts";
import type { Api, EntryInfo } from "./api.ts";

const ASKED_AT_ONCE = 20;
const ENTRIES_LOOKED_AT = 2000;

export class Follower {
  constructor(
    private readonly db: Database,
    private readonly api: Api,
    private readonly device: DeviceId,
  ) {}

  /**
   * One round; true while something is still on its way. Segments are asked for by one entry, since a block
   * holds a segment whole; outcomes differ, so those are asked for one by one, newest first.
   */
  async round(tipSeq: Seq): Promise<boolean> {
    const recent = await readEntries(this.db, Math.max(1, tipSeq - ENTRIES_LOOKED_AT));
    const open = recent.filter(isOpen).reverse();
    const told = new Set<Seq>();
    let asked = 0;
    for (const entry of open) {
      if (asked >= ASKED_AT_ONCE) break;
      if (told.has(entry.seq) && entry.kind === "lift") continue;
      asked += 1;
      const answer = await this.api.entry(this.device, entry.seq);
      if (answer.is === "unreachable") return true;
      if (answer.is === "problem") continue;
      const news = answer.value;
      await noteOnLedger(this.db, { firstSeq: entry.seq, lastSeq: entry.seq }, () => readNews(news));
      for (let seq = news.segment?.first_seq ?? 1; seq <= (news.segment?.last_seq ?? 0); seq += 1) {
        told.add(seq);
      }
      if (news.segment !== null && news.block_number !== null) {
        const range = { firstSeq: news.segment.first_seq, lastSeq: news.segment.last_seq };
        await noteOnLedger(this.db, range, (_, before) => ({
          ...readNews(news),
          outcome: before.outcome,
          flaw: before.flaw ?? "none",
        }));
        await noteOnLedger(this.db, { firstSeq: entry.seq, lastSeq: entry.seq }, () => readNews(news));
      }
    }
    return open.length > 0;
  }

  /** The outcome of one entry, for a person who is looking at it. */
  async look(seq: Seq): Promise<void> {
    const answer = await this.api.entry(this.device, seq);
    if (answer.is !== "ok") return;
    await noteOnLedger(this.db, { firstSeq: seq, lastSeq: seq }, () => readNews(answer.value));
  }
}

function isOpen({ state }: StoredEntry): boolean {
  return state.is === "accepted" && state.onLedger.state !== "finalized";
}

function readNews(news: EntryInfo): OnLedger {
  return {
    state: news.state,
    ...readAnswer(news),
    blockNumber: news.block_number,
    txHash: news.tx_hash,
  };
}

function readAnswer({ outcome, flaw }: EntryInfo): Pick<OnLedger, "outcome" | "flaw"> {
  if (typeof outcome === "number") return answerOf(outcome) ?? { outcome: null };
  const name = flaw?.replaceAll("_", "-");
  return { outcome, flaw: FLAWS.find((each) => each === name) ?? "none" };
}
