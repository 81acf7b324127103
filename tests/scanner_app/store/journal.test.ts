import { describe, expect, it } from "vitest";
import { keepSingle } from "../../../scanner_app/src/store/database.ts";
import { changeStates, countUnsent, queueRejected, readNewest } from "../../../scanner_app/src/store/journal.ts";
import { KeyReplaced, KeyRevoked } from "../../../scanner_app/src/sign/writer.ts";
import { lift, load, newPhone, NOW } from "../phone.ts";

const ALL = { count: 1000, isWanted: () => true, isOver: () => false };

/** A phone with a load and so many lifts. */
async function phoneWith(lifts: number) {
  const phone = await newPhone();
  await phone.writer.write(() => load(1n));
  for (let bin = 1; bin <= lifts; bin += 1) await phone.writer.write(() => lift(bin));
  return phone;
}

describe("the newest entries", () => {
  it("come newest first, however many runs they are read in", async () => {
    const { db } = await phoneWith(60);
    const seqs = (await readNewest(db, ALL)).map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: 61 }, (_, at) => 61 - at));
    for (const count of [0, 1, 15, 16, 17, 48, 49]) {
      const found = await readNewest(db, { ...ALL, count });
      expect(found.map(({ seq }) => seq)).toEqual(seqs.slice(0, count));
    }
  });

  it("are those that are wanted, back to where the search is over", async () => {
    const { db } = await phoneWith(40);
    const found = await readNewest(db, {
      count: 3,
      isWanted: ({ seq }) => seq % 10 === 0,
      isOver: ({ seq }) => seq === 20,
    });
    expect(found.map(({ seq }) => seq)).toEqual([40, 30]);
  });

  it("are found behind a hole that was trimmed, and in a journal without any", async () => {
    const { db } = await phoneWith(100);
    await db.delete("entries", IDBKeyRange.bound(10, 95));
    const seqs = (await readNewest(db, ALL)).map(({ seq }) => seq);
    expect(seqs).toEqual([101, 100, 99, 98, 97, 96, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(await readNewest((await newPhone()).db, ALL)).toEqual([]);
  });
});

describe("what the backend does not have", () => {
  it("is what waits, and what was refused", async () => {
    const { db } = await phoneWith(3);
    const problem = { type: "about:blank", title: "", detail: "", status: 422 };
    await changeStates(db, { firstSeq: 2, lastSeq: 3 }, () => ({ is: "rejected", rejectedAt: NOW, problem }));
    expect(await countUnsent(db)).toEqual({ queued: 2, rejected: 2 });
    await queueRejected(db);
    expect(await countUnsent(db)).toEqual({ queued: 4, rejected: 0 });
  });
});

describe("a journal that may not be written to", () => {
  it("is a revoked device's", async () => {
    const { db, writer } = await phoneWith(1);
    await keepSingle(db, "standing", { isRevoked: true, heardAt: NOW });
    await expect(writer.write(() => lift(2))).rejects.toThrow(KeyRevoked);
    await keepSingle(db, "standing", { isRevoked: false, heardAt: NOW });
    expect((await writer.write(() => lift(2))).seq).toBe(3);
  });

  it("is one that goes on elsewhere", async () => {
    const { db, writer } = await phoneWith(1);
    await keepSingle(db, "successor", { database: "next" });
    await expect(writer.write(() => lift(2))).rejects.toThrow(KeyReplaced);
    expect((await writer.tip()).nextSeq).toBe(3);
  });
});
