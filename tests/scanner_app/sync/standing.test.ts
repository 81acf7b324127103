import { describe, expect, it } from "vitest";
import { KeyRevoked } from "../../../scanner_app/src/sign/writer.ts";
import { openDatabase, readSingle } from "../../../scanner_app/src/store/database.ts";
import { readSince } from "../../../scanner_app/src/store/journal.ts";
import { Api } from "../../../scanner_app/src/sync/api.ts";
import { ServerClock } from "../../../scanner_app/src/sync/server_clock.ts";
import { askStanding } from "../../../scanner_app/src/sync/standing.ts";
import { FakeBackend } from "../fakes.ts";
import { countByState, DEVICE, lift, load, newPhone, NOW, type Phone, uploaderOf } from "../phone.ts";
import { entryOf } from "../street.ts";

const backendOf = (phone: Phone) => new FakeBackend(DEVICE, phone.key.publicKey);
const apiOf = (backend: FakeBackend) => new Api(backend.fetch, () => "zh-Hans");

describe("a revoked phone", () => {
  it("learns it from the server, seals no more, and still sends what it has", async () => {
    const phone = await newPhone();
    const backend = backendOf(phone);
    await phone.writer.write(() => load(1n));
    expect(await askStanding(phone.db, apiOf(backend), DEVICE, () => NOW)).toBe(false);
    backend.isRevoked = true;
    expect(await askStanding(phone.db, apiOf(backend), DEVICE, () => NOW)).toBe(true);
    await expect(phone.writer.write(() => lift(1))).rejects.toThrow(KeyRevoked);
    expect(await countByState(phone.db)).toEqual({ queued: 1, accepted: 0, rejected: 0 });
    await uploaderOf(phone, backend).step();
    expect(backend.entries).toHaveLength(1);
  });

  it("learns it from the answer to an upload, too", async () => {
    const phone = await newPhone();
    const backend = backendOf(phone);
    backend.isRevoked = true;
    await phone.writer.write(() => load(1n));
    expect((await uploaderOf(phone, backend).step()).is).toBe("sent");
    expect(await readSingle(phone.db, "standing")).toEqual({ isRevoked: true, heardAt: NOW });
  });

  it("seals again when the server takes it back", async () => {
    const phone = await newPhone();
    const backend = backendOf(phone);
    backend.isRevoked = true;
    await askStanding(phone.db, apiOf(backend), DEVICE, () => NOW);
    backend.isRevoked = false;
    expect(await askStanding(phone.db, apiOf(backend), DEVICE, () => NOW)).toBe(true);
    expect((await phone.writer.write(() => load(1n))).seq).toBe(1);
  });

  it("learns nothing while there is no answer", async () => {
    const phone = await newPhone();
    const backend = new FakeBackend(DEVICE, phone.key.publicKey, () => "before");
    expect(await askStanding(phone.db, apiOf(backend), DEVICE, () => NOW)).toBe(false);
  });
});

describe("the server's clock", () => {
  it("is heard from any answer, and remembered by the next page", async () => {
    const phone = await newPhone();
    const clock = await ServerClock.open(phone.db, () => NOW);
    expect(clock.heard).toBeUndefined();
    const backend = backendOf(phone);
    backend.date = "Sun, 01 Mar 2026 04:00:00 GMT";
    const api = new Api(
      backend.fetch,
      () => "en",
      "/api/v1",
      (date) => clock.note(date),
    );
    await api.entry(DEVICE, 1);
    const heard = { serverAt: Date.UTC(2026, 2, 1, 4) / 1000, deviceAt: NOW };
    expect(clock.heard).toEqual(heard);
    clock.note(null);
    clock.note("never");
    expect(clock.heard).toEqual(heard);
    await expect.poll(() => readSingle(phone.db, "serverTime")).toEqual(heard);
    expect((await ServerClock.open(phone.db, () => 0)).heard).toEqual(heard);
  });

  it("is remembered anew at once when this device's clock has been put right", async () => {
    const { db } = await newPhone();
    let now = NOW + 9000;
    const clock = await ServerClock.open(db, () => now);
    const date = new Date(NOW * 1000).toUTCString();
    clock.note(date);
    now = NOW;
    clock.note(date);
    await expect.poll(() => readSingle(db, "serverTime")).toEqual({ serverAt: NOW, deviceAt: NOW });
  });
});

describe("the journal since the last end of a shift", () => {
  it("is found however long it is", async () => {
    const phone = await newPhone();
    for (let n = 0; n < 300; n += 1) await phone.writer.write(() => lift(n));
    expect(await readSince(phone.db, "shift_end", 300)).toMatchObject({ endSeq: 0 });
    expect((await readSince(phone.db, "shift_end", 300)).entries.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 300 }, (_, at) => at + 1),
    );
    await phone.writer.write(() => entryOf("shift_end", { lifts: 300 }));
    expect(await readSince(phone.db, "shift_end", 301)).toEqual({ endSeq: 301, entries: [] });
    await phone.writer.write(() => lift(1));
    const { endSeq, entries } = await readSince(phone.db, "shift_end", 302);
    expect([endSeq, entries.map(({ seq }) => seq)]).toEqual([301, [302]]);
  });
});

describe("the phone's storage", () => {
  it("keeps the journal of a phone whose app had no photos yet", async () => {
    await new Promise((resolve, reject) => {
      const opening = indexedDB.open("old-phone", 1);
      opening.onupgradeneeded = () => {
        const { result: db } = opening;
        db.createObjectStore("singles");
        db.createObjectStore("entries", { keyPath: "seq" }).createIndex("by_state", "state.is");
        for (const name of ["seals"]) db.createObjectStore(name, { keyPath: "seq" });
        for (const name of ["receipts", "witnesses"]) db.createObjectStore(name, { keyPath: "id" });
        db.createObjectStore("bins", { keyPath: "serial_digest" });
        opening.transaction?.objectStore("entries").add({ seq: 1, kind: "load", state: { is: "queued" } });
      };
      opening.onsuccess = () => resolve(opening.result.close());
      opening.onerror = () => reject(opening.error);
    });
    const db = await openDatabase("old-phone");
    expect(await countByState(db)).toEqual({ queued: 1, accepted: 0, rejected: 0 });
    expect(await db.count("photos")).toBe(0);
  });

  it("gives way to a newer version of the app in another tab, and says so", async () => {
    let isLost = false;
    const db = await openDatabase("two-versions", () => {
      isLost = true;
    });
    await new Promise((resolve, reject) => {
      const newer = indexedDB.open("two-versions", 99);
      newer.onsuccess = () => resolve(newer.result.close());
      newer.onerror = () => reject(newer.error);
    });
    expect(isLost).toBe(true);
    await expect(db.count("entries")).rejects.toThrow();
  });
});
