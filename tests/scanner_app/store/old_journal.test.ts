import "fake-indexeddb/auto";
import { readFileSync } from "node:fs";
import { openDB } from "idb";
import { beforeAll, describe, expect, it } from "vitest";
import { hexToBytes } from "../../../scanner_app/src/domain/bytes.ts";
import { isHeldBy } from "../../../scanner_app/src/domain/custody_state.ts";
import { emptyJournal, makeEntry, rollHead } from "../../../scanner_app/src/domain/journal.ts";
import { sealDigest } from "../../../scanner_app/src/domain/seal.ts";
import { isSealOf, makeDeviceKey } from "../../../scanner_app/src/sign/device_key.ts";
import { JournalWriter } from "../../../scanner_app/src/sign/writer.ts";
import { Changes } from "../../../scanner_app/src/store/changes.ts";
import { type Database, openDatabase, readSingle } from "../../../scanner_app/src/store/database.ts";
import { findBin } from "../../../scanner_app/src/store/directory.ts";
import { readEntries, readSeal } from "../../../scanner_app/src/store/journal.ts";
import { countByState } from "../phone.ts";

type Plain = string | number | boolean | null | readonly Plain[] | { readonly [name: string]: Plain };
interface Kept {
  readonly version: number;
  readonly stores: Readonly<Record<string, readonly (readonly [string | number, Plain])[]>>;
}

/** Frozen from a real run in Chromium. Its private key stayed there; the tests make one in its stead. */
const kept = JSON.parse(readFileSync(new URL("journal_v2.json", import.meta.url), "utf8")) as Kept;

async function whole(value: Plain): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all((value as readonly Plain[]).map(whole));
  if (typeof value !== "object" || value === null) return value;
  const record = value as { readonly [name: string]: Plain };
  if (typeof record["bytes"] === "string" && Object.keys(record).length === 1)
    return hexToBytes(record["bytes"]);
  if ("secret" in record) return (await makeDeviceKey()).privateKey;
  const members = Object.entries(record).map(async ([name, each]) => [name, await whole(each)] as const);
  return Object.fromEntries(await Promise.all(members));
}

/** What version 2 brought; a phone of the first version had the rest, in the same form. */
const SINCE_2 = ["photos", "answers"];

/** Builds the stores as that version built them; this must not follow the app. */
async function putOld(name: string, version: number): Promise<void> {
  const db = await openDB(name, version, {
    upgrade(fresh) {
      fresh.createObjectStore("singles");
      fresh.createObjectStore("entries", { keyPath: "seq" }).createIndex("by_state", "state.is");
      fresh.createObjectStore("seals", { keyPath: "seq" });
      fresh.createObjectStore("receipts", { keyPath: "id" });
      fresh.createObjectStore("bins", { keyPath: "serial_digest" });
      fresh.createObjectStore("witnesses", { keyPath: "id" });
      if (version < 2) return;
      fresh.createObjectStore("photos", { keyPath: "seq" });
      fresh.createObjectStore("answers", { keyPath: "id" });
    },
  });
  for (const [store, rows] of Object.entries(kept.stores)) {
    if (version < 2 && SINCE_2.includes(store)) continue;
    for (const [key, value] of rows) {
      await db.put(store, await whole(value), store === "singles" ? key : undefined);
    }
  }
  db.close();
}

it("the frozen journal is of version 2, in the middle of a shift, and holds something of each kind", () => {
  expect(kept.version).toBe(2);
  for (const store of ["entries", "seals", "receipts", "bins", "photos", "answers"]) {
    expect(kept.stores[store]?.length, store).toBeGreaterThan(0);
  }
});

describe.each([1, 2])("a journal that version %i kept", (version) => {
  let db: Database;
  let writer: JournalWriter;

  beforeAll(async () => {
    await putOld(`old-${version}`, version);
    db = await openDatabase(`old-${version}`);
    const [key, identity] = [await readSingle(db, "key"), await readSingle(db, "identity")];
    if (key === undefined || identity === undefined) throw new Error("no device in the frozen journal");
    writer = new JournalWriter(db, new Changes(`old-${version}`), key, identity, () => 1_900_000_000);
  });

  it("gets the stores that came later", () => {
    expect([...db.objectStoreNames]).toEqual(expect.arrayContaining(["photos", "answers"]));
  });

  it("is read whole: every entry under its head, and every seal by the device's own key", async () => {
    const entries = await readEntries(db, 1);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, at) => at + 1));
    const key = (await readSingle(db, "key"))?.publicKey;
    if (key === undefined) throw new Error("no key");
    let { head } = emptyJournal(writer.place);
    for (const { seq, words } of entries) {
      const seal = await readSeal(db, seq);
      if (seal === undefined) throw new Error(`no seal ${seq}`);
      head = rollHead(head, words);
      expect(head).toBe(seal.head);
      expect(await isSealOf(sealDigest(writer.place, seq, head), key, seal)).toBe(true);
    }
  });

  it("goes on where it ended, with the lots that were in these hands", async () => {
    const entries = await readEntries(db, 1);
    expect((await writer.tip()).nextSeq).toBe(entries.length + 1);
    const { lots } = await writer.custody();
    const held = [...lots].filter(([, lot]) => isHeldBy(lot, writer.place.device) && lot.lifts > 0);
    expect(held.length).toBeGreaterThan(0);
    const states = await countByState(db);
    expect(states.queued).toBeGreaterThan(0);
    expect(states.queued + states.accepted + states.rejected).toBe(entries.length);
    const entry = makeEntry("shift_end", { lifts: 0, grams: 0, flags: 0, occurred_at: 1_900_000_000 });
    const written = await writer.write(() => entry);
    expect(written.seq).toBe(entries.length + 1);
  });

  it("keeps its list of bins", async () => {
    const [digest] = kept.stores["bins"]?.[0] ?? [];
    expect(await findBin(db, String(digest))).toMatchObject({ stream: expect.any(String) });
  });
});
