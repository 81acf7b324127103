import { describe, expect, it } from "vitest";
import type { Entry } from "../../../scanner_app/src/domain/journal.ts";
import { makeEntry } from "../../../scanner_app/src/domain/journal.ts";
import { deskOf, type LotId, numberOf, type OrganisationId } from "../../../scanner_app/src/domain/types.ts";
import { Api } from "../../../scanner_app/src/sync/api.ts";
import type { App } from "../../../scanner_app/src/ui/app.ts";
import { hasNothingOpen } from "../../../scanner_app/src/ui/rest.ts";
import { DEVICE, lift, load, newPhone, NOW, type Phone } from "../phone.ts";
import { entryOf } from "../street.ts";

const LOT = "000002000000000700000001" as LotId;
const HOUR = 3600;

async function phoneThat(...entries: Entry[]): Promise<Phone> {
  const phone = await newPhone();
  for (const entry of entries) await phone.writer.write(() => entry);
  await phone.db.getAll("entries").then(async (all) => {
    for (const entry of all) await phone.db.put("entries", { ...entry, state: SENT });
  });
  return phone;
}
const SENT = {
  is: "accepted",
  receiptId: "1",
  receivedAt: "2026-03-01T04:00:00Z",
  warnings: [],
  onLedger: { state: "queued", outcome: null, blockNumber: null, txHash: null },
} as const;

/** `holder` is who the server says has the lot; nobody where it does not answer. */
function rests({ writer, db, identity }: Phone, laterSeconds = 0, holder?: string): Promise<boolean> {
  const fetching: typeof fetch = async () => {
    if (holder === undefined) throw new TypeError("no line");
    return Response.json({ holder, grams: 30_000 });
  };
  const api = new Api(fetching, () => "en");
  return hasNothingOpen({ writer, db, identity, api, now: () => NOW + laterSeconds } as unknown as App);
}

const shiftEnd = makeEntry("shift_end", { lifts: 0, grams: 0, flags: 0, occurred_at: NOW });
const loadLot = load(numberOf(LOT));
const give = entryOf("give", {
  lot: LOT,
  grams: 30_000,
  last_seq: 2,
  to: deskOf("000004" as OrganisationId),
  lifts: 1,
  occurred_at: NOW,
});

describe("a phone has nothing open", () => {
  it("when it has written nothing yet", async () => {
    expect(await rests(await phoneThat())).toBe(true);
  });

  it("after its shift was ended, also with an empty lot", async () => {
    expect(await rests(await phoneThat(loadLot, shiftEnd))).toBe(true);
  });

  it("half a day after the last entry of a shift that nobody ended", async () => {
    const phone = await phoneThat(loadLot);
    expect(await rests(phone, 12 * HOUR - 1)).toBe(false);
    expect(await rests(phone, 12 * HOUR)).toBe(true);
  });

  it("once the server says that the lot it gave is in other hands", async () => {
    const phone = await phoneThat(loadLot, lift(1), give, shiftEnd);
    expect(await rests(phone)).toBe(false);
    expect(await rests(phone, 0, DEVICE)).toBe(false);
    expect(await rests(phone, 0, "0000040000000009")).toBe(true);
    // It is remembered.
    expect(await rests(phone)).toBe(true);
  });

  it("when nobody has answered its give for three days", async () => {
    const phone = await phoneThat(loadLot, lift(1), give, shiftEnd);
    expect(await rests(phone, 72 * HOUR)).toBe(false);
    expect(await rests(phone, 72 * HOUR + 1)).toBe(true);
  });
});

describe("a phone has something open", () => {
  it("in the middle of a shift", async () => {
    expect(await rests(await phoneThat(shiftEnd, loadLot))).toBe(false);
  });

  it("while anything is unsent, or was rejected", async () => {
    const phone = await phoneThat(loadLot, shiftEnd);
    const last = await phone.db.get("entries", 2);
    if (last === undefined) throw new Error("nothing written");
    await phone.db.put("entries", { ...last, state: { is: "queued" } });
    expect(await rests(phone)).toBe(false);
    const problem = { type: "", title: "", detail: "", status: 409 };
    await phone.db.put("entries", { ...last, state: { is: "rejected", rejectedAt: NOW, problem } });
    expect(await rests(phone)).toBe(false);
  });

  it("with a lot in its hands, though the shift was ended", async () => {
    const phone = await phoneThat(loadLot, lift(1), shiftEnd);
    expect(await rests(phone)).toBe(false);
    expect(await rests(phone, 100 * 24 * HOUR)).toBe(false);
  });
});
