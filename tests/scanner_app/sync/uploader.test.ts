import { describe, expect, it } from "vitest";
import { bytesToHex } from "../../../scanner_app/src/domain/bytes.ts";
import { readSingle } from "../../../scanner_app/src/store/database.ts";
import { queueRejected, readEntries } from "../../../scanner_app/src/store/journal.ts";
import type { Uploader } from "../../../scanner_app/src/sync/uploader.ts";
import { type Cut, FakeBackend } from "../fakes.ts";
import { countByState, DEVICE, lift, load, newPhone, type Phone, uploaderOf } from "../phone.ts";

async function writeLifts(phone: Phone, count: number): Promise<void> {
  for (let bin = 1; bin <= count; bin += 1) await phone.writer.write(() => lift(bin));
}

async function sendAll(uploader: Uploader): Promise<string[]> {
  const steps: string[] = [];
  for (;;) {
    const step = await uploader.step();
    steps.push(step.is);
    if (step.is === "idle" || step.is === "blocked") return steps;
  }
}

async function wordsOf(phone: Phone): Promise<string[]> {
  return (await readEntries(phone.db, 1)).map((entry) => bytesToHex(entry.words));
}

describe("uploading", () => {
  it("brings 500 lifts over a line cut 50 times: none lost, none twice, none sealed again", async () => {
    const phone = await newPhone();
    await writeLifts(phone, 500);
    const seals = await phone.db.getAll("seals");
    const cuts: Cut[] = Array.from({ length: 50 }, (_, at) => (at % 3 === 0 ? "after" : "before"));
    const backend = new FakeBackend(DEVICE, phone.key.publicKey, (call) => cuts[call - 1] ?? "none", 64);
    await sendAll(uploaderOf(phone, backend));
    expect(backend.entries).toEqual(await wordsOf(phone));
    expect(await countByState(phone.db)).toEqual({ queued: 0, accepted: 500, rejected: 0 });
    expect(await phone.db.getAll("seals")).toEqual(seals);
    expect(backend.calls).toBeGreaterThan(50);
  });

  it("asks again for exactly the segment whose answer was lost, though more has been written", async () => {
    const phone = await newPhone();
    await writeLifts(phone, 3);
    const backend = new FakeBackend(DEVICE, phone.key.publicKey, (call) => (call === 1 ? "after" : "none"));
    expect((await uploaderOf(phone, backend).step()).is).toBe("wait");
    await writeLifts(phone, 2);
    // The page was closed in between: only the disk remembers.
    await sendAll(uploaderOf(phone, backend));
    expect(backend.uploads[1]).toEqual(backend.uploads[0]);
    expect(backend.entries).toEqual(await wordsOf(phone));
    expect(await readSingle(phone.db, "inflight")).toBeUndefined();
  });

  it("sends at most 256 entries in a segment, under the last one's seal", async () => {
    const phone = await newPhone();
    await writeLifts(phone, 300);
    const backend = new FakeBackend(DEVICE, phone.key.publicKey);
    await sendAll(uploaderOf(phone, backend));
    expect(backend.uploads.map((upload) => [upload.first_seq, upload.words.length / 64])).toEqual([
      [1, 256],
      [257, 44],
    ]);
  });

  it("goes back to where the backend says it stands", async () => {
    const phone = await newPhone();
    await writeLifts(phone, 5);
    const backend = new FakeBackend(DEVICE, phone.key.publicKey);
    const uploader = uploaderOf(phone, backend);
    await sendAll(uploader);
    backend.forgetAfter(2);
    await writeLifts(phone, 1);
    expect(await sendAll(uploader)).toContain("repaired");
    expect(backend.entries).toEqual(await wordsOf(phone));
  });

  it("believes what the backend has when its head is the same, receipt or not", async () => {
    const phone = await newPhone();
    await writeLifts(phone, 4);
    const backend = new FakeBackend(DEVICE, phone.key.publicKey, (call) => (call === 1 ? "after" : "none"));
    const uploader = uploaderOf(phone, backend);
    await uploader.step();
    await phone.db.delete("singles", "inflight");
    await writeLifts(phone, 2);
    expect(await sendAll(uploader)).toContain("repaired");
    expect(backend.entries).toEqual(await wordsOf(phone));
    expect((await countByState(phone.db)).rejected).toBe(0);
  });

  it("keeps what is rejected, stops, and goes on when a person asks for it", async () => {
    const phone = await newPhone();
    await phone.writer.write(() => load(0x2_0000_0000_0007_0000_0001n));
    await writeLifts(phone, 2);
    const stranger = await newPhone();
    const deaf = new FakeBackend(DEVICE, stranger.key.publicKey);
    expect(await sendAll(uploaderOf(phone, deaf))).toEqual(["blocked"]);
    expect(await countByState(phone.db)).toEqual({ queued: 0, accepted: 0, rejected: 3 });
    const [first] = await readEntries(phone.db, 1);
    expect(first?.state).toMatchObject({ is: "rejected", problem: { title: "bad-seal", status: 403 } });
    const sane = new FakeBackend(DEVICE, phone.key.publicKey);
    expect(await sendAll(uploaderOf(phone, sane))).toEqual(["blocked"]);
    await queueRejected(phone.db);
    await sendAll(uploaderOf(phone, sane));
    expect(sane.entries).toEqual(await wordsOf(phone));
  });

  it("sends bytes, half as many as the JSON would be", async () => {
    const phone = await newPhone();
    await writeLifts(phone, 100);
    const backend = new FakeBackend(DEVICE, phone.key.publicKey);
    await sendAll(uploaderOf(phone, backend));
    const [body] = backend.bodies;
    expect(body?.type).toBe("application/vnd.huanlian.segments");
    expect(body?.length).toBeLessThan(0.55 * JSON.stringify(backend.uploads[0]).length);
  });

  it.each([
    ["unsupported-media-type", 415],
    ["malformed-request", 422],
    ["", 400],
  ] as const)("sends JSON to a server that answers bytes with %s %i, and keeps to it", async (slug, status) => {
    const phone = await newPhone();
    await writeLifts(phone, 300);
    const cuts: Cut[] = ["after", "none", "before", "after"];
    const backend = new FakeBackend(DEVICE, phone.key.publicKey, (call) => cuts[call - 1] ?? "none");
    backend.bytesProblem = [slug, status];
    await sendAll(uploaderOf(phone, backend));
    expect(backend.entries).toEqual(await wordsOf(phone));
    expect(await countByState(phone.db)).toEqual({ queued: 0, accepted: 300, rejected: 0 });
    const types = backend.bodies.map(({ type }) => (type === "application/json" ? "JSON" : "bytes"));
    expect(types).toEqual(["bytes", "bytes", "JSON", "JSON", "JSON"]);
  });

  it("believes a server that finds fault with the JSON too", async () => {
    const phone = await newPhone();
    await writeLifts(phone, 2);
    const stranger = await newPhone();
    const backend = new FakeBackend(DEVICE, stranger.key.publicKey);
    backend.bytesProblem = ["unsupported-media-type", 415];
    expect(await sendAll(uploaderOf(phone, backend))).toEqual(["blocked"]);
    expect(backend.bodies.map(({ type }) => type).at(-1)).toBe("application/json");
  });
});
