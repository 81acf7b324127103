import { describe, expect, it } from "vitest";
import { readRescuePart, RescueReader, rescueTexts } from "../../../scanner_app/src/domain/rescue_codes.ts";
import { packUploads, type Upload } from "../../../scanner_app/src/domain/segment_bytes.ts";
import { keepSingle } from "../../../scanner_app/src/store/database.ts";
import { Api } from "../../../scanner_app/src/sync/api.ts";
import { handIn, uploadsOfBody, uploadsOfFile } from "../../../scanner_app/src/sync/hand_in.ts";
import { rescueFile } from "../../../scanner_app/src/sync/rescue.ts";
import { unsentUploads } from "../../../scanner_app/src/sync/segments.ts";
import { type Cut, FakeBackend } from "../fakes.ts";
import { countByState, DEVICE, lift, load, newPhone, type Phone, uploaderOf } from "../phone.ts";

async function phoneWith(lifts: number): Promise<Phone> {
  const phone = await newPhone();
  await keepSingle(phone.db, "key", phone.key);
  await phone.writer.write(() => load(1n));
  for (let bin = 1; bin <= lifts; bin += 1) await phone.writer.write(() => lift(bin));
  return phone;
}
const apiOf = (backend: FakeBackend) => new Api(backend.fetch, () => "zh-Hans");
const backendOf = (phone: Phone, cut?: (call: number) => Cut) =>
  new FakeBackend(DEVICE, phone.key.publicKey, cut);
const unsentOf = (phone: Phone) => unsentUploads(phone.db, DEVICE, phone.key.publicKey);

describe("handing in for another device", () => {
  it("brings what its codes carry, and the device finds out that it need not send again", async () => {
    const phone = await phoneWith(300);
    const backend = backendOf(phone);
    const reader = new RescueReader();
    let uploads: readonly Upload[] | undefined;
    for (const text of rescueTexts("", packUploads(await unsentOf(phone)))) {
      const part = readRescuePart(text);
      const got = part && reader.take(part);
      if (got?.is === "whole") uploads = uploadsOfBody(got.body);
    }
    if (uploads === undefined) throw new Error("the run was not read");
    expect(await handIn(apiOf(backend), uploads)).toEqual({ is: "handed-in", device: DEVICE, entries: 301 });
    expect(backend.entries).toHaveLength(301);
    const own = uploaderOf(phone, backend);
    for (let step = await own.step(); step.is !== "idle"; step = await own.step())
      expect(step.is).not.toBe("blocked");
    expect(backend.entries).toHaveLength(301);
    expect(await countByState(phone.db)).toEqual({ queued: 0, accepted: 301, rejected: 0 });
  });

  it("brings what a rescue file carries", async () => {
    const phone = await phoneWith(3);
    const backend = backendOf(phone);
    const text = await (await rescueFile(phone.db, phone.identity)).text();
    expect(await handIn(apiOf(backend), uploadsOfFile(text) ?? [])).toMatchObject({
      is: "handed-in",
      entries: 4,
    });
    expect(backend.entries).toHaveLength(4);
  });

  it("has nothing to bring once everything was sent", async () => {
    const phone = await phoneWith(2);
    const own = uploaderOf(phone, backendOf(phone));
    for (let step = await own.step(); step.is !== "idle"; step = await own.step())
      expect(step.is).not.toBe("blocked");
    expect(await unsentOf(phone)).toEqual([]);
    const text = await (await rescueFile(phone.db, phone.identity)).text();
    expect(uploadsOfFile(text)).toEqual([]);
    expect(await handIn(apiOf(backendOf(phone)), [])).toMatchObject({ is: "refused" });
  });

  it("says when nobody answered, and when the server did not take it", async () => {
    const phone = await phoneWith(1);
    const uploads = await unsentOf(phone);
    expect(await handIn(apiOf(backendOf(phone, () => "before")), uploads)).toEqual({ is: "unreachable" });
    const forged = uploads.map((upload) => ({ ...upload, seal: { ...upload.seal, r: "11".repeat(32) } }));
    expect(await handIn(apiOf(backendOf(phone)), forged)).toMatchObject({ is: "refused" });
  });

  it("takes no file whose segments are rubbish", async () => {
    const phone = await phoneWith(1);
    const [good] = await unsentOf(phone);
    const without = (change: object) => ({ ...good, ...change });
    for (const bad of [
      null,
      7,
      {},
      without({ words: 5 }),
      without({ device: "no" }),
      without({ seal: null }),
    ]) {
      const text = JSON.stringify({ format: "huanlian-rescue-1", uploads: [good, bad] });
      expect(uploadsOfFile(text), text).toBeUndefined();
    }
  });

  it("takes nothing else for a rescue file or a body", () => {
    for (const text of ["", "no json", "null", "[]", '{"format":"huanlian-rescue-1"}', '{"uploads":[]}'])
      expect(uploadsOfFile(text), text).toBeUndefined();
    expect(uploadsOfBody(new Uint8Array([9, 9, 9]))).toBeUndefined();
  });
});
