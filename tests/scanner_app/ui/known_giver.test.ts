import { describe, expect, it } from "vitest";
import { giveText } from "../../../scanner_app/src/domain/codes.ts";
import type { CheckedDevice } from "../../../scanner_app/src/domain/directory.ts";
import { type Directory, keepSingle } from "../../../scanner_app/src/store/database.ts";
import type { App } from "../../../scanner_app/src/ui/app.ts";
import { readOffer } from "../../../scanner_app/src/ui/taking/offers.ts";
import { DEVICE, newPhone } from "../phone.ts";
import { NETWORK, NOW, SoftwareDevice } from "../street.ts";

const GIVER = "0000020000000008";
const LOT = "000002000000000800000001";

/** What a phone makes of a give by this key, when its directory lists these devices. */
async function offered(giver: SoftwareDevice, devices: readonly CheckedDevice[]) {
  const { db } = await newPhone();
  const checked = { seals: 1, devices, sites: [], bins: 0 };
  const directory: Directory = { dated_at: "", organisations: [], sites: [], devices: [], checked };
  await keepSingle(db, "directory", directory);
  const identity = { device: DEVICE, network: NETWORK };
  const app = { db, identity, now: () => NOW } as unknown as App;
  giver.write("give", { lot: LOT, grams: 5000, to: DEVICE });
  const { seq, before, words, key, seal } = giver.witness();
  const text = giveText("", { giver: giver.id, seq, prevHead: before, words, key, seal });
  return { read: await readOffer(app, text), kept: await db.count("witnesses") };
}
const listed = (device: SoftwareDevice, more: object = {}): CheckedDevice => ({
  device: device.id,
  role: "crew",
  notAfter: 0,
  key: device.key,
  ...more,
});

describe("a give that is read off a screen", () => {
  it("is an offer from a device that is listed with this key, or not listed", async () => {
    const giver = new SoftwareDevice(GIVER);
    expect(await offered(giver, [listed(giver)])).toEqual({ read: { is: "offer", lot: LOT }, kept: 1 });
    expect((await offered(new SoftwareDevice(GIVER), [])).read.is).toBe("offer");
  });

  it("is forged under another key than the listed one, and nothing of it is kept", async () => {
    const other = new SoftwareDevice(GIVER);
    expect(await offered(new SoftwareDevice(GIVER), [listed(other)])).toEqual({
      read: { is: "forged" },
      kept: 0,
    });
  });

  it("is judged by the ledger alone once the listed key has ended", async () => {
    const ended = listed(new SoftwareDevice(GIVER), { notAfter: NOW - 1 });
    expect((await offered(new SoftwareDevice(GIVER), [ended])).read.is).toBe("offer");
  });
});
