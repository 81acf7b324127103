import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bytesToBig, hexToBytes, keccak, utf8ToBytes } from "../../../scanner_app/src/domain/bytes.ts";
import { canonicalJson } from "../../../scanner_app/src/domain/evidence.ts";
import { unpackEntry } from "../../../scanner_app/src/domain/journal.ts";
import { shrunk } from "../../../scanner_app/src/domain/pictures.ts";
import {
  DECLINE_REASONS,
  declineCode,
  declineReasonOf,
  type LotId,
  numberOf,
} from "../../../scanner_app/src/domain/types.ts";
import { LANGUAGES, type Language, textIn } from "../../../scanner_app/src/i18n/index.ts";
import { photoDigest, type TakenPhoto } from "../../../scanner_app/src/scan/photo.ts";
import { keepSingle } from "../../../scanner_app/src/store/database.ts";
import { readEntries } from "../../../scanner_app/src/store/journal.ts";
import { rescueFile } from "../../../scanner_app/src/sync/rescue.ts";
import type { App } from "../../../scanner_app/src/ui/app.ts";
import { sealDecline } from "../../../scanner_app/src/ui/crew/decline.ts";
import { lastBins } from "../../../scanner_app/src/ui/crew/just_sealed.ts";
import { sealLift, type SeenBin } from "../../../scanner_app/src/ui/crew/lift.ts";
import type { OwnLot } from "../../../scanner_app/src/ui/crew/lots.ts";
import { sealShiftEnd } from "../../../scanner_app/src/ui/crew/shift.ts";
import { reasonText } from "../../../scanner_app/src/ui/words.ts";
import { FakeBackend } from "../fakes.ts";
import { DEVICE, lift, load, newPhone, NOW, type Phone, uploaderOf } from "../phone.ts";

const [LOT, OTHER] = ["000002000000000700000001", "000002000000000700000002"].map((id) =>
  numberOf(id as LotId),
) as [bigint, bigint];
const BIN = { number: "00000000a7", stream: "food", point: { zh: "", en: "" }, volumeLitres: 240 } as const;
const LABEL = { giai: "", serial: new Uint8Array(16), serialDigest: "ab".repeat(32) };
const PHOTO: TakenPhoto = { type: "image/jpeg", bytes: new Uint8Array([0xff, 0xd8, 7, 7, 7]) };

const appOf = ({ writer, db }: Phone) => ({ writer, db, now: () => NOW }) as unknown as App;
const seen = (bin: SeenBin["bin"]): SeenBin => ({ label: LABEL, bin, wasTyped: false, oddities: [] });
const lot = { streamName: "residual" } as OwnLot;

async function declineOf(phone: Phone, bin: SeenBin["bin"], photo?: TakenPhoto) {
  const { seq, words } = await sealDecline(appOf(phone), lot, seen(bin), "liquid", photo);
  const read = unpackEntry(words);
  if (read.is !== "known" || read.entry.kind !== "decline") throw new Error("no refusal");
  const [stored] = await readEntries(phone.db, seq, seq);
  if (stored?.evidence === undefined) throw new Error("no evidence");
  return { seq, fields: read.entry.fields, evidence: stored.evidence };
}

describe("the last bins of a lot", () => {
  it("are the newest three since it was loaded, newest first", async () => {
    const phone = await newPhone();
    await phone.writer.write(() => load(LOT));
    await phone.writer.write(() => lift(1));
    await phone.writer.write(() => load(OTHER));
    expect(await lastBins(phone.db)).toEqual([]);
    for (const bin of [2, 3, 4]) await phone.writer.write(() => lift(bin));
    const { seq } = await declineOf(phone, BIN);
    expect((await lastBins(phone.db)).map((entry) => [entry.seq, entry.kind])).toEqual([
      [seq, "decline"],
      [seq - 1, "lift"],
      [seq - 2, "lift"],
    ]);
  });
});

describe("a lift's evidence", () => {
  const judged = { grade: 1, fill: 2, grams: 9000, wasMassTyped: false } as const;
  async function liftOf(phone: Phone, photo?: TakenPhoto) {
    const { seq, words } = await sealLift(appOf(phone), lot, seen(BIN), { ...judged, photo });
    const read = unpackEntry(words);
    if (read.is !== "known" || read.entry.kind !== "lift") throw new Error("no lift");
    const [stored] = await readEntries(phone.db, seq, seq);
    return { seq, digest: read.entry.fields.evidence, document: stored?.evidence?.document };
  }

  it("is not there for a bin about which there is nothing to tell", async () => {
    expect(await liftOf(await newPhone())).toMatchObject({ digest: 0n, document: undefined });
  });

  it("names the crew that has signed on, until its shift ends; the chain has a salted digest", async () => {
    const phone = await newPhone();
    await keepSingle(phone.db, "signOn", { code: "B3" });
    const [one, other] = [await liftOf(phone), await liftOf(phone)];
    expect(one.document).toMatchObject({ about: "lift", crew_code: "B3" });
    expect(one.digest).not.toBe(other.digest);
    const { evidence } = await declineOf(phone, BIN);
    expect(evidence.document).toMatchObject({ about: "decline", crew_code: "B3" });
    await sealShiftEnd(appOf(phone));
    expect(await liftOf(phone)).toMatchObject({ digest: 0n, document: undefined });
  });

  it("tells the digest of a photo, which stays on the phone", async () => {
    const phone = await newPhone();
    const { seq, document } = await liftOf(phone, PHOTO);
    expect(document?.["photo"]).toEqual({ sha256: await photoDigest(PHOTO), type: "image/jpeg", bytes: 5 });
    expect(await phone.db.getAll("photos")).toEqual([{ seq, ...PHOTO }]);
  });
});

describe("a refusal to collect", () => {
  it("names bin, stream and reason, and the digest of evidence that is always there", async () => {
    const { fields, evidence } = await declineOf(await newPhone(), BIN);
    expect(fields).toMatchObject({ bin: 0xa7n, stream: 3n, reason: 5n, occurred_at: BigInt(NOW) });
    expect(evidence.document).toEqual({
      about: "decline",
      serial_digest: LABEL.serialDigest,
      reason: "liquid",
    });
    const text = utf8ToBytes(canonicalJson(evidence.document));
    expect(fields.evidence).toBe(bytesToBig(keccak(hexToBytes(evidence.salt), text).subarray(0, 15)));
  });

  it("of a bin that the directory does not name is of the lot's stream", async () => {
    const { fields } = await declineOf(await newPhone(), undefined);
    expect([fields.bin, fields.stream]).toEqual([0n, 4n]);
  });

  it("keeps its photo on the phone and tells only the photo's digest", async () => {
    const phone = await newPhone();
    const { seq, evidence } = await declineOf(phone, BIN, PHOTO);
    expect(evidence.document["photo"]).toEqual({
      sha256: await photoDigest(PHOTO),
      type: "image/jpeg",
      bytes: 5,
    });
    expect(await phone.db.getAll("photos")).toEqual([{ seq, ...PHOTO }]);
    const backend = new FakeBackend(DEVICE, phone.key.publicKey);
    expect((await uploaderOf(phone, backend).step()).is).toBe("sent");
    expect(backend.uploads[0]?.evidence).toEqual([
      { seq, salt: evidence.salt, document: canonicalJson(evidence.document) },
    ]);
    const rescued = JSON.parse(await (await rescueFile(phone.db, phone.identity)).text());
    expect(rescued.photos).toEqual([{ seq, type: "image/jpeg", bytes: "_9gHBwc" }]);
  });

  it("has the treaty's reasons, in the order of their codes", () => {
    const spec = readFileSync(new URL("../../../docs/spec/entries.md", import.meta.url), "utf8");
    const listed = /\*\*decline\.reason\*\*: ([^.]+)\./.exec(spec)?.[1] ?? "";
    const names = DECLINE_REASONS.map((reason) => `${declineCode(reason)} ${reason.replaceAll("-", " ")}`);
    expect(names.join(", ")).toBe(listed);
    expect([declineReasonOf(8), declineReasonOf(0), declineReasonOf(9)]).toEqual([
      "bin-not-reachable",
      undefined,
      undefined,
    ]);
  });

  it.each(Object.keys(LANGUAGES) as Language[])("has a word for each reason in %s", (language) => {
    const words = DECLINE_REASONS.map((reason) => reasonText((key) => textIn(language, key), reason));
    expect(new Set(words).size).toBe(DECLINE_REASONS.length);
  });
});

describe("a picture", () => {
  it("is kept with no edge over 1024 pixels, in its own shape, and never made larger", () => {
    expect(shrunk({ width: 4000, height: 3000 })).toEqual({ width: 1024, height: 768 });
    expect(shrunk({ width: 720, height: 1280 })).toEqual({ width: 576, height: 1024 });
    expect(shrunk({ width: 640, height: 480 })).toEqual({ width: 640, height: 480 });
    expect(shrunk({ width: 1, height: 9000 })).toEqual({ width: 1, height: 1024 });
  });
});
