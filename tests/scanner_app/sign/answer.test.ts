import { describe, expect, it } from "vitest";
import { hexToBytes, bytesToHex } from "../../../scanner_app/src/domain/bytes.ts";
import { type Certificate, readCertificate, shortest } from "../../../scanner_app/src/domain/certificate.ts";
import {
  type NamedTake,
  namedTakeText,
  readAppCode,
  type TakeCode,
  takeText,
} from "../../../scanner_app/src/domain/codes.ts";
import type { Segment } from "../../../scanner_app/src/domain/custody_state.ts";
import { emptyJournal } from "../../../scanner_app/src/domain/journal.ts";
import {
  deskOf,
  type LotId,
  numberOf,
  organisationOf,
  ROLE_CODE,
  type Seq,
} from "../../../scanner_app/src/domain/types.ts";
import { checkAnswer, type KnownDevice, type OwnGive } from "../../../scanner_app/src/sign/answer.ts";
import { NETWORK, NOW, SoftwareDevice } from "../street.ts";

const LOT = "000002000000000700000001" as LotId;
const crew = new SoftwareDevice("0000020000000007");
const gate = new SoftwareDevice("0000040000000009");
const park = new SoftwareDevice("0000040000000001");
crew.write("give", { lot: LOT, grams: 5000, to: deskOf(organisationOf(gate.id)) });
const GIVE: OwnGive = {
  lot: LOT,
  giver: crew.id,
  seq: 1,
  head: crew.head,
  to: deskOf(organisationOf(gate.id)),
};
const place = (device: SoftwareDevice) => ({ ...NETWORK, device: device.id });

function enrol(
  registrar: SoftwareDevice,
  device: SoftwareDevice,
  fields: { not_after?: number } = {},
  padding = 0,
): Certificate {
  const before = emptyJournal(place(registrar)).head;
  registrar.write("shift_end");
  const { x, y } = device.key;
  const seq = registrar.write("enrol", {
    device: device.id,
    role: ROLE_CODE.gate,
    scheme: 1,
    x,
    y,
    ...fields,
  });
  for (let n = 0; n < padding; n += 1) registrar.write("shift_end");
  return certificateOf(registrar.cut(), before, seq);
}

function certificateOf(segment: Segment, prev_head: Certificate["prev_head"], seq: Seq): Certificate {
  const { device, firstSeq, words, key, seal } = segment;
  return { registrar: device, first_seq: firstSeq, words: bytesToHex(words), seq, prev_head, key, seal };
}

function take(device: SoftwareDevice, certificate: Certificate, fields: object = {}): TakeCode {
  device.write("take", {
    lot: LOT,
    grams: 4900,
    giver: crew.id,
    give_seq: 1,
    give_head: GIVE.head,
    ...fields,
  });
  const { seq, before, words, seal } = device.witness();
  return { seq, prevHead: before, words, seal, certificate: shortest(certificate) };
}

const certificate = enrol(park, gate);
const answer = take(gate, certificate);
const check = (code: TakeCode, give = GIVE, now = NOW) => checkAnswer(NETWORK, give, code, now);
const flipped = (hex: string) => (hex.startsWith("0") ? "1" : "0") + hex.slice(1);

describe("an answer to a give", () => {
  it("is read off a screen as it was sealed, and tells who took how much", async () => {
    const text = takeText("https://city.example/app/", answer);
    const read = readAppCode(text ?? "");
    expect(read).toEqual({ is: "take", take: answer });
    expect(await check(answer)).toEqual({ is: "taken", taker: gate.id, grams: 4900 });
    expect(await check(answer, { ...GIVE, to: gate.id })).toMatchObject({ is: "taken" });
    expect(text?.length).toBeLessThan(780);
  });

  it("counts only for the very give that it names", async () => {
    const others = [
      { lot: "000002000000000700000002" as LotId },
      { seq: 2 },
      { giver: gate.id },
      { head: flipped(GIVE.head) as OwnGive["head"] },
    ];
    for (const other of others)
      expect(await check(answer, { ...GIVE, ...other })).toEqual({ is: "other-lot" });
  });

  it("is refused from anybody but the one that the lot was given to", async () => {
    const thief = new SoftwareDevice("0000050000000001");
    const theirs = take(thief, enrol(new SoftwareDevice("0000050000000002"), thief));
    expect(await check(theirs)).toEqual({ is: "not-them" });
    const colleague = "000004000000000a" as OwnGive["to"];
    expect(await check(answer, { ...GIVE, to: colleague })).toEqual({ is: "not-them" });
  });

  it("is refused when a mass, a seal or a certificate was changed", async () => {
    const grams = hexToBytes(bytesToHex(answer.words));
    grams[25] = (grams[25] ?? 0) ^ 1;
    const forged: TakeCode[] = [
      { ...answer, words: grams },
      { ...answer, seal: { ...answer.seal, s: flipped(answer.seal.s) } },
      { ...answer, seq: answer.seq + 1 },
      { ...answer, certificate: { ...answer.certificate, prev_head: flipped(answer.prevHead) as never } },
      { ...answer, certificate: { ...answer.certificate, key: gate.key } },
      { ...answer, certificate: { ...answer.certificate, registrar: crew.id } },
    ];
    for (const code of forged) expect(await check(code)).toEqual({ is: "forged" });
  });

  it("is refused after the certificate's end", async () => {
    const device = new SoftwareDevice("000004000000000b");
    const code = take(device, enrol(new SoftwareDevice("0000040000000002"), device, { not_after: NOW }));
    expect((await check(code)).is).toBe("taken");
    expect(await check(code, GIVE, NOW + 1)).toEqual({ is: "expired" });
  });

  it("has no code when the registrar wrote too much after the enrolment", () => {
    const device = new SoftwareDevice("000004000000000c");
    const long = enrol(new SoftwareDevice("0000040000000003"), device, {}, 20);
    expect(takeText("", take(device, long))).toBeUndefined();
  });

  it("needs no certificate from a device whose key is in a checked directory", async () => {
    const { certificate: _, ...sealed } = answer;
    const named = { ...sealed, taker: gate.id };
    const text = namedTakeText("https://city.example/app/", named);
    expect(readAppCode(text)).toEqual({ is: "take", take: named });
    expect(text.length).toBeLessThan(430);
    const listed = { device: gate.id, key: gate.key, notAfter: NOW };
    const asked = (known: KnownDevice | undefined, code: NamedTake = named, now = NOW) =>
      checkAnswer(NETWORK, GIVE, code, now, async (device) => (device === known?.device ? known : undefined));
    expect(await asked(listed)).toEqual({ is: "taken", taker: gate.id, grams: 4900 });
    expect(await asked(undefined)).toEqual({ is: "unknown" });
    expect(await asked({ ...listed, key: park.key })).toEqual({ is: "forged" });
    expect(await asked(listed, { ...named, seq: named.seq + 1 })).toEqual({ is: "forged" });
    expect(await asked(listed, named, NOW + 1)).toEqual({ is: "expired" });
    expect(readAppCode(`${text}AA`)).toEqual({ is: "other" });
    expect(readAppCode(text.slice(0, -4))).toEqual({ is: "other" });
  });

  it("with a certificate is refused where the checked directory has another key for the device", async () => {
    const listed = { device: gate.id, key: crew.key, notAfter: 0 };
    const checked = await checkAnswer(NETWORK, GIVE, answer, NOW, async () => listed);
    expect(checked).toEqual({ is: "forged" });
  });

  it("of another form is no answer", () => {
    const text = takeText("", answer) ?? "";
    for (const other of [`${text}AA`, text.slice(0, -4), text.replace("#take=AQ", "#take=Ag"), "#take=AQ"]) {
      expect(readAppCode(other)).toEqual({ is: "other" });
    }
  });
});

describe("a certificate", () => {
  it("says the same without what the registrar wrote before", () => {
    expect(certificate.seq).toBe(certificate.first_seq + 1);
    const short = shortest(certificate);
    expect([short.first_seq, short.words.length]).toEqual([certificate.seq, 3 * 64]);
    const [whole, cut] = [readCertificate(NETWORK, certificate), readCertificate(NETWORK, short)];
    expect(cut).toEqual(whole);
    expect(numberOf(gate.id)).toBe(0x0000040000000009n);
  });
});
