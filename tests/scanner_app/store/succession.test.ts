import "fake-indexeddb/auto";
import { afterEach, describe, expect, it } from "vitest";
import { isSameKey, readCertificate } from "../../../scanner_app/src/domain/certificate.ts";
import type { DeviceId } from "../../../scanner_app/src/domain/types.ts";
import {
  type Database,
  keepSingle,
  openDatabase,
  readSingle,
} from "../../../scanner_app/src/store/database.ts";
import { keepDirectory, findBin } from "../../../scanner_app/src/store/directory.ts";
import { readEntries } from "../../../scanner_app/src/store/journal.ts";
import {
  earlierDevices,
  findEarlier,
  openCurrent,
  openEarlier,
  prepareSuccessor,
} from "../../../scanner_app/src/store/succession.ts";
import { rescueFile } from "../../../scanner_app/src/sync/rescue.ts";
import { lift, load } from "../phone.ts";
import { onDatabase, RENEWED, RenewingServer, renewingPhone } from "../renewing.ts";

const DIRECTORY = { dated_at: "2026-03-01T00:00:00Z", organisations: [], sites: [], devices: [] };
const BINS = [
  { number: "01", serial_digest: "bb", stream: 3, site: "", point: { zh: "", en: "" }, placed_from: 0 },
  { number: "02", serial_digest: "aa", stream: 4, site: "", point: { zh: "", en: "" }, placed_from: 0 },
];
const ROOTS = { "0000020000000001": "ab".repeat(32) };
const { put } = IDBObjectStore.prototype;

/** Lets so many more values be written; then the phone is dead, and writes nothing more. Says how many it wrote. */
function killAfter(writes: number): () => number {
  let count = 0;
  IDBObjectStore.prototype.put = function (...value) {
    count += 1;
    if (count > writes) throw new Error("killed");
    return put.apply(this, value);
  };
  return () => count;
}
afterEach(() => {
  IDBObjectStore.prototype.put = put;
});

/** Opens the phone as its next start does, and checks that it is one whole device. */
async function reopen(server: RenewingServer, first: string) {
  const db = await openCurrent(first);
  const [identity, key] = [await readSingle(db, "identity"), await readSingle(db, "key")];
  if (identity === undefined || key === undefined) throw new Error("half a device");
  const read = readCertificate(identity.network, identity.certificate);
  if (read.is !== "read") throw new Error("no certificate");
  expect(read.enrolled.device).toBe(identity.device);
  expect(isSameKey(read.enrolled.key, key.publicKey)).toBe(true);
  return { db, identity, key, ...onDatabase(server, db, key, identity) };
}

/** A phone with a journal, a list of bins, and a certificate that waits to be taken over. */
async function readyPhone() {
  const server = new RenewingServer();
  const phone = await renewingPhone(server, 5);
  await keepDirectory(phone.db, DIRECTORY, BINS, ROOTS);
  await phone.writer.write(() => load(1n));
  await phone.writer.write(() => lift(1));
  await phone.renewal.step();
  server.approve();
  return { server, phone, before: await readEntries(phone.db, 1) };
}

/** How many values are written on the way from the answer to the other device. */
async function writesNeeded(): Promise<number> {
  const { phone } = await readyPhone();
  const written = killAfter(Number.POSITIVE_INFINITY);
  expect(await phone.renewal.step()).toEqual({ is: "replaced" });
  IDBObjectStore.prototype.put = put;
  return written();
}

describe("a phone that is killed while it changes over", () => {
  it("is one whole device, whichever value was the last to be written, and ends as the new one", async () => {
    const needed = await writesNeeded();
    expect(needed).toBeGreaterThan(6);
    for (let writes = 0; writes < needed; writes += 1) {
      const { server, phone, before } = await readyPhone();
      killAfter(writes);
      await expect(phone.renewal.step()).rejects.toThrow("killed");
      IDBObjectStore.prototype.put = put;

      const again = await reopen(server, phone.db.name);
      // Only the last write of all makes it another device.
      expect(again.identity.device).toBe(phone.identity.device);
      expect(await readEntries(again.db, 1)).toEqual(before);
      expect((await again.writer.write(() => lift(2))).seq).toBe(before.length + 1);

      expect(await again.renewal.step()).toEqual({ is: "replaced" });
      const renewed = await reopen(server, phone.db.name);
      expect(renewed.identity.device).toBe(RENEWED);
      expect((await renewed.writer.write(() => lift(3))).seq).toBe(1);
      expect(await readEntries(phone.db, 1)).toHaveLength(before.length + 1);
      // Each of these phones is the first to be renewed.
      await forget(renewed.db);
      renewed.db.close();
    }
  });

  it("finds its next key again when it was killed while it asked", async () => {
    const server = new RenewingServer();
    const phone = await renewingPhone(server, 5);
    killAfter(0);
    await expect(phone.renewal.step()).rejects.toThrow("killed");
    IDBObjectStore.prototype.put = put;
    expect(server.calls).toEqual([]);
    const again = await reopen(server, phone.db.name);
    expect(await again.renewal.step()).toEqual({ is: "waiting" });
  });
});

/** All phones of these tests become the same device; each begins with nothing. */
async function forget(db: Database): Promise<void> {
  const work = db.transaction([...db.objectStoreNames], "readwrite");
  await Promise.all([...work.objectStoreNames].map((name) => work.objectStore(name).clear()));
  await work.done;
}

describe("what a phone was before", () => {
  it("stays on it: every entry and seal, to be read and exported with its own certificate", async () => {
    const { phone, server, before } = await readyPhone();
    await phone.renewal.step();
    const renewed = await reopen(server, phone.db.name);
    expect((await earlierDevices(renewed.db)).map(({ device }) => device)).toEqual([phone.identity.device]);
    const earlier = await findEarlier(renewed.db, phone.identity.device);
    if (earlier === undefined) throw new Error("nothing is left of it");
    expect(await readEntries(earlier.db, 1)).toEqual(before);
    const file = JSON.parse(await (await rescueFile(earlier.db, earlier.identity)).text());
    expect(file).toMatchObject({ device: phone.identity.device, key: phone.key.publicKey });
    expect(file.entries).toHaveLength(before.length);
    expect(file.uploads[0].device).toBe(phone.identity.device);
    expect(await findEarlier(renewed.db, RENEWED)).toBeUndefined();
    await forget(renewed.db);
  });

  it("is found through every renewal, newest first", async () => {
    const devices = ["0000020000000a01", "0000020000000a02", "0000020000000a03"] as DeviceId[];
    const server = new RenewingServer();
    const phone = await renewingPhone(server, 5);
    let db = phone.db;
    for (const device of devices) {
      const next = { ...phone.identity, device };
      await keepSingle(db, "successor", await prepareSuccessor(db, next, phone.key));
      db = await openCurrent(phone.db.name);
      expect((await readSingle(db, "identity"))?.device).toBe(device);
    }
    const found = (await earlierDevices(db)).map(({ device }) => device);
    expect(found).toEqual([devices[1], devices[0], phone.identity.device]);
    expect((await findEarlier(db, phone.identity.device))?.db.name).toBe(phone.db.name);
  });

  it("does not keep the phone from working when the browser has cleared it", async () => {
    const db = await openDatabase("cleared");
    await keepSingle(db, "predecessor", { database: "cleared-before" });
    expect(await openEarlier(db)).toBeUndefined();
    expect(await earlierDevices(db)).toEqual([]);
  });
});

describe("what a phone takes along", () => {
  it("is the list of bins in its order, whom it believes, and nothing of the old journal", async () => {
    const { phone, server } = await readyPhone();
    await keepSingle(phone.db, "nodes", ["https://node.example"]);
    await phone.renewal.step();
    const renewed = await reopen(server, phone.db.name);
    expect(await readSingle(renewed.db, "nodes")).toEqual(["https://node.example"]);
    expect(await findBin(renewed.db, "aa")).toMatchObject({ number: "02", stream: "residual" });
    const bins = await renewed.db.getAll("bins");
    expect(bins.map(({ number, order }) => [number, order])).toEqual([
      ["02", 1],
      ["01", 0],
    ]);
    expect((await readSingle(renewed.db, "directory"))?.dated_at).toBe(DIRECTORY.dated_at);
    expect(await readSingle(renewed.db, "directoryRoots")).toEqual(ROOTS);
    for (const store of ["entries", "seals", "receipts", "photos", "answers", "witnesses"] as const) {
      expect(await renewed.db.getAll(store), store).toEqual([]);
    }
    expect(await readSingle(renewed.db, "renewal")).toBeUndefined();
  });
});
