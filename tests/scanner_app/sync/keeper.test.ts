import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { canonicalJson } from "../../../scanner_app/src/domain/evidence.ts";
import { type Entry, makeEntry } from "../../../scanner_app/src/domain/journal.ts";
import { type KindName, layoutOf } from "../../../scanner_app/src/domain/layout.ts";
import { deskOf, type LotId, numberOf, type Role, type Seq } from "../../../scanner_app/src/domain/types.ts";
import { JournalWriter } from "../../../scanner_app/src/sign/writer.ts";
import { Changes } from "../../../scanner_app/src/store/changes.ts";
import { type EntryState, type Identity, readSingle } from "../../../scanner_app/src/store/database.ts";
import { changeStates, noteProved, readEntries, readSeal } from "../../../scanner_app/src/store/journal.ts";
import { Api } from "../../../scanner_app/src/sync/api.ts";
import { Keeper } from "../../../scanner_app/src/sync/keeper.ts";
import { rescueFile } from "../../../scanner_app/src/sync/rescue.ts";
import { FakeBackend, problem } from "../fakes.ts";
import { bundleOf, MadeNode } from "../made_chain.ts";
import { DEVICE, lift, load, newPhone, NOW, type Phone, uploaderOf } from "../phone.ts";

const DAY = 86_400;
const NODE = "https://node.example/";
const PARK = deskOf("000004" as never);
const lotOf = (serial: number) => `0000020000000007${serial.toString(16).padStart(8, "0")}` as LotId;

const shiftEnd = () => makeEntry("shift_end", { lifts: 0, grams: 0, flags: 0, occurred_at: NOW });
const give = (serial: number, lifts: number) =>
  makeEntry("give", {
    lot: numberOf(lotOf(serial)),
    grams: 30_000 * lifts,
    last_seq: 0,
    to: numberOf(PARK),
    to_seq: 0,
    lifts,
    evidence: 0,
    lifts_root: 0,
    to_head: 0,
    flags: 0,
    occurred_at: NOW,
  });
/** An entry that is zero in every field but these. */
function blank(kind: KindName, fields: Readonly<Record<string, number>>): Entry {
  const names = layoutOf(kind)
    .words.flat()
    .map(([name]) => name);
  const zeros = Object.fromEntries(names.map((name) => [name, 0n]));
  const told = Object.entries(fields).map(([name, value]) => [name, BigInt(value)]);
  return { kind, fields: { ...zeros, ...Object.fromEntries(told) } } as Entry;
}
const weigh = (ticket: number) => blank("weigh", { net: 8_000, ticket, occurred_at: NOW });

/** A phone whose journal is on a chain that is made here, and the server that tells it of that. */
class Street {
  readonly node = new MadeNode();
  bundles = new Map<Seq, string>();
  nodes: readonly string[] = [NODE];
  isCut = false;
  private blocks = 0;

  private constructor(readonly phone: Phone) {}

  static async of(role: Role = "crew"): Promise<Street> {
    return new Street(await newPhone(role));
  }

  /** Writes entries, each run as a segment of its own that is recorded in a block of its own. */
  async work(...segments: readonly (readonly Entry[])[]): Promise<void> {
    for (const entries of segments) {
      const seqs: Seq[] = [];
      for (const entry of entries) seqs.push((await this.phone.writer.write(() => entry)).seq);
      await this.record(seqs[0] ?? 0, seqs.at(-1) ?? 0);
    }
  }

  async record(firstSeq: Seq, lastSeq: Seq): Promise<void> {
    this.blocks += 1;
    const block = { number: this.blocks, timestamp: NOW };
    const id = `${firstSeq}-${lastSeq}`;
    for (let seq = firstSeq; seq <= lastSeq; seq += 1) {
      const { text, blockHash } = await bundleOf(this.phone, { seq, firstSeq, lastSeq }, block);
      this.bundles.set(seq, text);
      this.node.blocks.set(block.number, blockHash);
    }
    const { db } = this.phone;
    await db.put("receipts", {
      id,
      device: DEVICE,
      first_seq: firstSeq,
      last_seq: lastSeq,
      head: (await readSeal(db, lastSeq))?.head ?? ("" as never),
      received_at: "",
    });
    await changeStates(db, { firstSeq, lastSeq }, () => ({ ...FINAL, receiptId: id }));
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const url = String(input);
    if (this.isCut) throw new TypeError("no network");
    if (url === NODE) return this.node.answer(String(init?.body));
    if (url.endsWith("/network")) return Response.json({ nodes: this.nodes });
    const bundle = this.bundles.get(Number(url.split("/").at(-2)));
    return bundle === undefined ? problem("not-recorded-yet", 409) : new Response(bundle);
  };

  keeper(after: number): Keeper {
    const { db, identity, key } = this.phone;
    const api = new Api(this.fetch, () => "en");
    return new Keeper(db, api, identity, key.publicKey, () => NOW + after);
  }

  /** Lets the keeper work until it rests. */
  async keep(after: number): Promise<number> {
    const keeper = this.keeper(after);
    let rounds = 0;
    while (await keeper.round()) {
      rounds += 1;
      if (rounds > 100) throw new Error("it never rests");
    }
    return rounds;
  }

  async seqs(): Promise<Seq[]> {
    return (await readEntries(this.phone.db, 1)).map(({ seq }) => seq);
  }

  /** The app as it is when it is opened again. */
  reopened(): JournalWriter {
    const { db, key, identity } = this.phone;
    return new JournalWriter(db, new Changes(`${db.name}-again`), key, identity, () => NOW);
  }
}

const FINAL: EntryState & { is: "accepted" } = {
  is: "accepted",
  receiptId: "",
  receivedAt: "",
  warnings: [],
  onLedger: { state: "finalized", outcome: "applied", blockNumber: 1, txHash: null },
};
const OLD = 31 * DAY;
/** Three shifts; the lot of the first was handed over. */
const THREE_SHIFTS = [
  [load(numberOf(lotOf(1))), lift(1), lift(2)],
  [give(1, 2), shiftEnd()],
  [load(numberOf(lotOf(2))), lift(3), give(2, 1), shiftEnd()],
  [load(numberOf(lotOf(3))), lift(4), shiftEnd()],
  [load(numberOf(lotOf(4))), lift(5)],
];
const answer = (street: Street, serial: number, giveSeq: Seq) =>
  street.phone.db.put("answers", {
    id: `${lotOf(serial)}-${giveSeq}`,
    taker: PARK,
    grams: 60_000,
    toldBy: "seal",
    code: "#take=…",
  });

let street: Street;
beforeEach(async () => {
  street = await Street.of();
  vi.stubGlobal("fetch", street.fetch);
});
afterEach(() => vi.unstubAllGlobals());

describe("a journal of which everything is on the ledger", () => {
  beforeEach(async () => {
    await street.work(...THREE_SHIFTS);
    await answer(street, 1, 4);
    await answer(street, 2, 8);
  });

  it("loses, after thirty days, what was before the shift before this one", async () => {
    await street.keep(OLD);
    expect(await street.seqs()).toEqual([9, 10, 11, 12, 13, 14]);
  });

  it("is kept whole for thirty days", async () => {
    await street.keep(30 * DAY - 1);
    expect(await street.seqs()).toHaveLength(14);
  });

  it("says of each entry when and in which block it was found", async () => {
    await street.keep(OLD);
    const [entry] = await readEntries(street.phone.db, 12, 12);
    expect(entry?.proved).toEqual({
      at: NOW + OLD,
      blockNumber: 4,
      blockHash: street.node.blocks.get(4),
      recordedAt: NOW,
    });
  });

  it("tells the same of custody afterwards, and goes on where it ended", async () => {
    // The day that a fold books on is the one on which it folds.
    const told = async (writer: JournalWriter) => ({ ...(await writer.custody()), dayTotals: undefined });
    const before = await told(street.reopened());
    await street.keep(OLD);
    const after = street.reopened();
    expect(await told(after)).toEqual(before);
    const { seq, prevHead } = await after.write(() => lift(6));
    expect([seq, prevHead]).toEqual([15, (await readSeal(street.phone.db, 14))?.head]);
    expect((await after.custody()).lots.get(lotOf(4))?.lifts).toBe(2);
  });

  it("is still folded right by a page that was open all the while, and by one that reads it for the first time", async () => {
    const early = street.reopened();
    await early.custody();
    const late = street.reopened();
    await street.keep(OLD);
    await street.work([lift(7)]);
    expect((await early.custody()).lots.get(lotOf(4))?.lifts).toBe(2);
    expect((await late.custody()).lots.get(lotOf(4))?.lifts).toBe(2);
  });

  it("keeps the head before each entry that is left, and no other seal", async () => {
    await street.keep(OLD);
    expect((await street.phone.db.getAllKeys("seals")).map(Number)).toEqual([8, 9, 10, 11, 12, 13, 14]);
  });

  it("lets receipts go with the last of their entries", async () => {
    await street.keep(OLD);
    expect(await street.phone.db.getAllKeys("receipts")).toEqual(["10-12", "13-14", "6-9"]);
  });

  it("lets a photo go with its entry, and only that one", async () => {
    const bytes = new Uint8Array(3);
    await street.phone.db.put("photos", { seq: 2, type: "image/jpeg", bytes });
    await street.phone.db.put("photos", { seq: 11, type: "image/jpeg", bytes });
    await street.keep(OLD);
    expect(await street.phone.db.getAllKeys("photos")).toEqual([11]);
  });

  it("still knows that a lot was answered, without the answer's code", async () => {
    await street.keep(OLD);
    const kept = await street.phone.db.get("answers", `${lotOf(1)}-4`);
    expect(kept).toEqual({ id: `${lotOf(1)}-4`, taker: PARK, grams: 60_000, toldBy: "seal" });
  });

  it("can still be rescued, and the file says what is not in it", async () => {
    await street.keep(OLD);
    await street.phone.writer.write(() => lift(8));
    const identity = { ...street.phone.identity, certificate: undefined } as unknown as Identity;
    await street.phone.db.put("singles", street.phone.key, "key");
    const content = JSON.parse(await (await rescueFile(street.phone.db, identity)).text());
    expect(content.trimmed_through).toBe(8);
    expect(content.entries.map(({ seq }: { seq: Seq }) => seq)).toEqual([9, 10, 11, 12, 13, 14, 15]);
    expect(content.uploads).toHaveLength(1);
  });

  it("is worked through in small pieces, and then left alone", async () => {
    const keeper = street.keeper(OLD);
    const asked: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const before = street.node.asked;
      await keeper.round();
      asked.push(street.node.asked - before);
    }
    expect(asked).toEqual([3, 3, 3, 3, 3, 0, 0, 0]);
    expect(await keeper.round()).toBe(false);
  });

  it("is not trimmed for a registrar, who still needs what it sealed", async () => {
    const identity = { ...street.phone.identity, role: "registrar" as const };
    const api = new Api(street.fetch, () => "en");
    const keeper = new Keeper(street.phone.db, api, identity, street.phone.key.publicKey, () => NOW + OLD);
    expect(await keeper.round()).toBe(false);
    expect(street.node.asked).toBe(0);
  });

  it("is never sent again from what is gone, when the server has lost it", async () => {
    await street.keep(OLD);
    await street.phone.writer.write(() => lift(9));
    const backend = new FakeBackend(DEVICE, street.phone.key.publicKey);
    const step = await uploaderOf(street.phone, backend).step();
    expect(step).toMatchObject({ is: "wait", why: "server-behind" });
    expect((await readEntries(street.phone.db, 10, 10))[0]?.state.is).toBe("accepted");
  });
});

describe("what is still needed", () => {
  it("stays while nobody has answered its give, with the lifts that went into it", async () => {
    await street.work(...THREE_SHIFTS);
    await answer(street, 2, 8);
    await street.keep(OLD);
    expect(await street.seqs()).toEqual([1, 2, 3, 4, 9, 10, 11, 12, 13, 14]);
    const trimmed = await readSingle(street.phone.db, "trimmed");
    expect(trimmed).toMatchObject({ throughSeq: 8, untilAt: NOW });
    await answer(street, 1, 4);
    await street.keep(OLD);
    expect(await street.seqs()).toEqual([9, 10, 11, 12, 13, 14]);
  });

  it("is the whole journal before two shifts have ended", async () => {
    await street.work(
      [load(numberOf(lotOf(1))), lift(1)],
      [give(1, 1), shiftEnd()],
      [load(numberOf(lotOf(2)))],
    );
    await answer(street, 1, 3);
    await street.keep(OLD);
    expect(await street.seqs()).toHaveLength(5);
  });

  it("is what waits to be sent or was rejected, whatever else is said of it", async () => {
    await street.work(...THREE_SHIFTS);
    await answer(street, 1, 4);
    await answer(street, 2, 8);
    const one = (seq: Seq) => ({ firstSeq: seq, lastSeq: seq });
    const proved = { at: NOW, blockNumber: 1, blockHash: "", recordedAt: NOW };
    await noteProved(street.phone.db, { firstSeq: 1, lastSeq: 14 }, proved);
    await changeStates(street.phone.db, one(2), () => ({ is: "queued" }));
    await changeStates(street.phone.db, one(5), () => ({
      is: "rejected",
      rejectedAt: NOW,
      problem: { type: "", title: "", detail: "", status: 409 },
    }));
    await street.keep(OLD);
    // With the lift stay its load and the other lift: which lot it went into is read off them.
    expect((await street.seqs()).slice(0, 4)).toEqual([1, 2, 3, 5]);
  });

  it("is a gate's weighing that no take has cited, its newest, and the journal's last line", async () => {
    street = await Street.of("gate");
    vi.stubGlobal("fetch", street.fetch);
    const take = blank("take", { weigh_seq: 1, occurred_at: NOW });
    await street.work([weigh(1)], [weigh(2)], [take], [weigh(3), shiftEnd(), shiftEnd()]);
    await street.phone.db.put("witnesses", { id: "0000000000000000-0", code: "", seenAt: NOW });
    await street.keep(OLD);
    expect(await street.seqs()).toEqual([2, 4, 6]);
    expect(await street.phone.db.count("witnesses")).toBe(0);
  });
});

describe("a phone that is short of storage", () => {
  beforeEach(async () => {
    await street.work(...THREE_SHIFTS);
    await answer(street, 1, 4);
    await answer(street, 2, 8);
  });
  const disk = (usage: number, quota: number) =>
    vi.stubGlobal("navigator", { storage: { estimate: async () => ({ usage, quota }) } });

  it("lets go of what is proved after a day, and of nothing else", async () => {
    disk(81, 100);
    street.bundles.delete(4);
    street.bundles.delete(5);
    await street.keep(2 * DAY);
    expect(await street.seqs()).toEqual([4, 5, 9, 10, 11, 12, 13, 14]);
  });

  it("keeps the last day all the same", async () => {
    disk(99, 100);
    await street.keep(DAY - 1);
    expect(await street.seqs()).toHaveLength(14);
  });

  it("keeps thirty days while there is room", async () => {
    disk(79, 100);
    await street.keep(2 * DAY);
    expect(await street.seqs()).toHaveLength(14);
  });

  it("learns it also from a browser that refuses to keep an entry", async () => {
    disk(1, 100);
    const keeper = street.keeper(2 * DAY);
    expect(await keeper.round()).toBe(false);
    keeper.wantRoom();
    while (await keeper.round());
    expect(await street.seqs()).toHaveLength(6);
  });
});

describe("a server that says `finalized`", () => {
  beforeEach(async () => {
    await street.work(...THREE_SHIFTS);
    await answer(street, 1, 4);
    await answer(street, 2, 8);
  });
  const nothingGone = async () => {
    await street.keep(OLD);
    expect(await street.seqs()).toHaveLength(14);
    expect(await readSingle(street.phone.db, "trimmed")).toBeUndefined();
  };
  const everyBundle = (change: (text: string, seq: Seq) => string) => {
    street.bundles = new Map([...street.bundles].map(([seq, text]) => [seq, change(text, seq)]));
  };

  it("is not believed without a proof", async () => {
    street.bundles.clear();
    await nothingGone();
  });

  it("is not believed with the proof of another entry", async () => {
    const other = street.bundles.get(13) ?? "";
    everyBundle(() => other);
    await street.keep(OLD);
    expect((await street.seqs()).slice(0, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it("is not believed with the proof of another journal", async () => {
    const stranger = await Street.of();
    await stranger.work(...THREE_SHIFTS);
    street.bundles = stranger.bundles;
    stranger.node.blocks.forEach((hash, number) => street.node.blocks.set(number, hash));
    await nothingGone();
  });

  it("is not believed with a proof that was changed anywhere", async () => {
    everyBundle((text) => text.replaceAll('"receipt":0', '"receipt":1'));
    await nothingGone();
    everyBundle((text) => `${text} `);
    await nothingGone();
  });

  it("is not believed with a proof from another ledger", async () => {
    everyBundle((text) => {
      const content = JSON.parse(text) as Record<string, unknown>;
      return canonicalJson({ ...content, ledger: "11".repeat(20) } as never);
    });
    await nothingGone();
  });

  it("is not believed while no node has the block", async () => {
    street.node.blocks.clear();
    await nothingGone();
  });

  it("is not believed while the node has another block there", async () => {
    for (const number of street.node.blocks.keys()) street.node.blocks.set(number, "22".repeat(32));
    await nothingGone();
  });

  it("is not believed while the block can still change", async () => {
    street.node.finalNumber = 0;
    await nothingGone();
  });

  it("is not believed while no node answers, nor where there is none", async () => {
    street.node.isAway = true;
    await nothingGone();
    street.nodes = [];
    await nothingGone();
  });

  it("is asked again soon when nobody was there, and at once when the network is back", async () => {
    street.isCut = true;
    let now = NOW + OLD;
    const { db, identity, key } = street.phone;
    const keeper = new Keeper(db, new Api(street.fetch, () => "en"), identity, key.publicKey, () => now);
    expect(await keeper.round()).toBe(false);
    street.isCut = false;
    expect(await keeper.round()).toBe(false);
    now += 60;
    expect(await keeper.round()).toBe(true);
    street.isCut = true;
    while (await keeper.round());
    expect(await street.seqs()).toHaveLength(11);
    street.isCut = false;
    expect(await keeper.round()).toBe(false);
    keeper.lookAgain();
    while (await keeper.round());
    expect(await street.seqs()).toEqual([9, 10, 11, 12, 13, 14]);
  });

  it("cannot make a phone forget a node that would have told otherwise", async () => {
    street.node.blocks.clear();
    await street.keep(OLD);
    const liar = new MadeNode();
    street.nodes = ["https://liar.example/"];
    vi.stubGlobal("fetch", async (input: RequestInfo, init: RequestInit) =>
      String(input) === "https://liar.example/" ? liar.answer(String(init.body)) : street.fetch(input, init),
    );
    for (const [seq, text] of street.bundles) {
      const { recorded } = JSON.parse(text) as { recorded: { block_hash: string } };
      for (let number = 1; number <= seq; number += 1) liar.blocks.set(number, recorded.block_hash);
    }
    await nothingGone();
    expect(await readSingle(street.phone.db, "nodes")).toEqual([NODE, "https://liar.example/"]);
  });
});
