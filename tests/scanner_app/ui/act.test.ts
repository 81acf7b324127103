/** What a person is about to seal on a case's page, and behind which end of the journal. */
import { describe, expect, it } from "vitest";
import { unpackEntry } from "../../../scanner_app/src/domain/journal.ts";
import { firstHead } from "../../../scanner_app/src/domain/journal.ts";
import type { DeviceId, Head, OrganisationId } from "../../../scanner_app/src/domain/types.ts";
import { Api } from "../../../scanner_app/src/sync/api.ts";
import {
  type Action,
  draftOf,
  linesOf,
  readValue,
  writeValue,
} from "../../../scanner_app/src/ui/act/action.ts";
import { findEnd } from "../../../scanner_app/src/ui/act/journal_end.ts";
import type { Sealer } from "../../../scanner_app/src/ui/act/keeper.ts";

const NOW = 1_772_337_600;
const DEVICE = "0000040000000009" as DeviceId;
const PLACE = { chainId: 31337, ledger: "0x5fbdb2315678afecb367f032d93f642f64180aa3" };
const HEAD = "ab".repeat(32) as Head;
const say = (key: string, values: Readonly<Record<string, string | number>> = {}) =>
  [key, ...Object.values(values)].join(" ");

const approve: Action = {
  name: "approve",
  kind: "amend",
  fields: { op: "2", device: "0000020000000007", seq: "12", field: "0", until: "0", value: "0" },
  organisations: ["000004" as OrganisationId],
  value_of: null,
  is_mass: false,
  only_office: false,
};
const rule: Action = {
  ...approve,
  name: "rule",
  kind: "dispute",
  fields: { op: "4", device: "0000020000000007", seq: "12", rule: "0", until: "0", value: "100000" },
  value_of: "grams",
  is_mass: true,
};
const contest: Action = {
  ...approve,
  name: "contest",
  kind: "acknowledge",
  fields: { device: "0000020000000007", seq: "12", verdict: "2", head17: "7" },
};

describe("a draft", () => {
  it("holds the action's fields, the value typed and the digest of the reason", () => {
    const draft = draftOf(rule, 123_456n, "称重记录", NOW);
    const read = unpackEntry(draft.words);
    if (read.is !== "known") throw new Error(read.is);
    expect(read.entry).toMatchObject({
      kind: "dispute",
      fields: { op: 4n, device: 0x0000020000000007n, seq: 12n, value: 123_456n, occurred_at: BigInt(NOW) },
    });
    expect((read.entry.fields as Record<string, bigint>)["evidence"]).not.toBe(0n);
    expect(draft.evidence?.document).toEqual({ reason: "称重记录" });
  });

  it("has no evidence without a reason", () => {
    const draft = draftOf(approve, undefined, "", NOW);
    expect(draft.evidence).toBeUndefined();
    const read = unpackEntry(draft.words);
    expect(read.is === "known" && (read.entry.fields as Record<string, bigint>)["evidence"]).toBe(0n);
  });

  it("is no entry that only devices and registrars write", () => {
    const stolen = { ...approve, kind: "give" } as unknown as Action;
    expect(() => draftOf(stolen, undefined, "", NOW)).toThrow(RangeError);
  });
});

describe("what is about to be sealed", () => {
  const at = { seq: 3, digest: new Uint8Array(32).fill(1) };

  it("is read back out of the words, not out of the page's promise", () => {
    const words = draftOf({ ...approve, fields: { ...approve.fields, op: "3" } }, undefined, "", NOW);
    expect(linesOf(words, approve, at, say).title).toBe("entry.amend.3");
  });

  it("tells entry, value, reason, place in the journal and digest", () => {
    const { title, lines } = linesOf(draftOf(rule, 123_456n, "why", NOW), rule, at, say);
    expect(title).toBe("entry.dispute.4");
    expect(lines.map(({ text }) => text)).toEqual([
      "about_entry 0000020000000007 12",
      "123.456 kg",
      "why",
      "line.journal 3",
      "01".repeat(32),
    ]);
    expect(linesOf(draftOf(contest, undefined, "", NOW), contest, at, say).title).toBe("entry.acknowledge.2");
  });
});

describe("a value", () => {
  it.each([
    ["1", 1000n],
    ["1234.5", 1_234_500n],
    ["0.001", 1n],
  ])("of %s kilograms is that many grams", (text, grams) => {
    expect(readValue(rule, text)).toBe(grams);
    expect(writeValue(rule, grams)).toBe(text);
  });

  it.each(["", "-1", "1.2345", "1e3", "1,5", "x"])("that is written %j is none", (text) => {
    expect(readValue(rule, text)).toBeUndefined();
  });

  it("of a code is the code", () => {
    expect(readValue({ ...rule, is_mass: false }, " 3 ")).toBe(3n);
  });
});

describe("the end of a journal", () => {
  const sealer = (end?: { seq: number; head: Head }): Sealer => ({
    device: DEVICE,
    role: "office",
    passkey: { id: "00", publicKey: { x: "00", y: "00" }, origin: "http://localhost" },
    ...PLACE,
    ...(end !== undefined && { end }),
  });
  const told = (seq: number, head: string, revoked = false) =>
    new Api(
      async () => Response.json({ device: DEVICE, revoked, accepted: { seq, head } }),
      () => "zh",
    );

  it("is the first head of an empty journal, and no other", async () => {
    const empty = firstHead({ ...PLACE, device: DEVICE });
    expect(await findEnd(told(0, empty), sealer())).toEqual({
      is: "known",
      tip: { nextSeq: 1, head: empty },
    });
    expect(await findEnd(told(0, HEAD), sealer())).toEqual({ is: "distrusted" });
  });

  it("is the one that this browser sealed last", async () => {
    const end = { seq: 5, head: HEAD };
    expect(await findEnd(told(5, HEAD), sealer(end))).toEqual({
      is: "known",
      tip: { nextSeq: 6, head: HEAD },
    });
  });

  it.each([
    ["another head", 5, "cd".repeat(32)],
    ["an earlier seq", 4, HEAD],
    ["an empty journal", 0, firstHead({ ...PLACE, device: DEVICE })],
  ])("is not sealed behind when the server tells %s", async (_, seq, head) => {
    expect(await findEnd(told(seq, head), sealer({ seq: 5, head: HEAD }))).toEqual({ is: "distrusted" });
  });

  it("is not sealed behind once the device is revoked, or nobody answers", async () => {
    expect(await findEnd(told(5, HEAD, true), sealer({ seq: 5, head: HEAD }))).toEqual({ is: "revoked" });
    const away = new Api(
      async () => Promise.reject(new TypeError("away")),
      () => "zh",
    );
    expect(await findEnd(away, sealer())).toEqual({ is: "unreachable" });
  });
});
