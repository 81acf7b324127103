import { describe, expect, it } from "vitest";
import { append, emptyJournal, makeEntry } from "../../../scanner_app/src/domain/journal.ts";
import { sealDigest } from "../../../scanner_app/src/domain/seal.ts";
import { type LotId, numberOf } from "../../../scanner_app/src/domain/types.ts";
import { isSealOf, signDigest } from "../../../scanner_app/src/sign/device_key.ts";
import { JournalWriter } from "../../../scanner_app/src/sign/writer.ts";
import { checkSeal } from "../check_seal.ts";
import { lift, load, newPhone, NOW } from "../phone.ts";

const LOT = "000002000000000700000001" as LotId;

describe("the journal's writer", () => {
  it("puts one seal after every entry, over everything before it", async () => {
    const phone = await newPhone();
    await phone.writer.write(() => load(numberOf(LOT)));
    await phone.writer.write(() => lift(1));
    let tip = emptyJournal(phone.writer.place);
    for (const entry of await phone.db.getAll("entries")) {
      tip = append(tip, entry.words);
      const seal = await phone.db.get("seals", entry.seq);
      if (seal === undefined) throw new Error("no seal");
      expect(seal.head).toBe(tip.head);
      const digest = sealDigest(phone.writer.place, entry.seq, tip.head);
      expect(checkSeal(digest, phone.key.publicKey, seal)).toBe(true);
    }
    expect(tip.nextSeq).toBe(3);
  });

  it("numbers lines without gap or double when two tabs write at once", async () => {
    const phone = await newPhone();
    const other = new JournalWriter(phone.db, phone.changes, phone.key, phone.identity, () => NOW);
    const writers = [phone.writer, other];
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, at) => writers[at % 2]?.write(() => lift(at))),
    );
    expect(all.map((written) => written?.seq).sort((a = 0, b = 0) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
    expect((await phone.writer.tip()).nextSeq).toBe(21);
  });

  it("knows its own lot, also what another tab loaded", async () => {
    const phone = await newPhone();
    const other = new JournalWriter(phone.db, phone.changes, phone.key, phone.identity, () => NOW);
    await phone.writer.write(() => load(numberOf(LOT)));
    await phone.writer.write(() => lift(1, 12_000));
    await other.write(() => lift(2, 8000));
    expect((await phone.writer.custody()).lots.get(LOT)).toMatchObject({ grams: 20_000, lifts: 2 });
  });

  it("says before sealing what the ledger would say", async () => {
    const invalid = { outcome: "invalid", flaw: "none" };
    const phone = await newPhone();
    expect(await phone.writer.preview(lift(1))).toEqual(invalid);
    await phone.writer.write(() => load(numberOf(LOT)));
    expect(await phone.writer.preview(lift(1))).toEqual({ outcome: "applied", flaw: "none" });
    expect(await phone.writer.preview(lift(1, 1, 3))).toEqual({ outcome: "applied", flaw: "mixed" });
    const weigh = { lot: 1, net: 1, ticket: 1, gross: 2, tare: 1, evidence: 0 };
    const scale = { vehicle: 0, calibration: 0, calibration_until: 0, flags: 0, occurred_at: NOW };
    const notAScale = { outcome: "invalid", flaw: "not-a-scale" };
    expect(await phone.writer.preview(makeEntry("weigh", { ...weigh, ...scale }))).toEqual(notAScale);
  });
});

describe("the device's key", () => {
  it("cannot be read", async () => {
    const { key } = await newPhone();
    expect(key.privateKey.extractable).toBe(false);
    await expect(crypto.subtle.exportKey("pkcs8", key.privateKey)).rejects.toThrow();
  });

  it("makes low seals that verify, and none for other data", async () => {
    const { key } = await newPhone();
    const digest = new Uint8Array(32).fill(7);
    for (let round = 0; round < 16; round += 1) {
      const seal = await signDigest(key, digest);
      expect(BigInt(`0x${seal.s}`) < 2n ** 255n).toBe(true);
      expect(await isSealOf(digest, key.publicKey, seal)).toBe(true);
      expect(await isSealOf(new Uint8Array(32), key.publicKey, seal)).toBe(false);
    }
  });
});
