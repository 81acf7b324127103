/** A phone with nothing but its storage: for tests of what stands between screen and line. */
import "fake-indexeddb/auto";
import type { Certificate } from "../../scanner_app/src/domain/certificate.ts";
import { makeEntry } from "../../scanner_app/src/domain/journal.ts";
import type { DeviceId, Role } from "../../scanner_app/src/domain/types.ts";
import { type DeviceKey, makeDeviceKey } from "../../scanner_app/src/sign/device_key.ts";
import { JournalWriter } from "../../scanner_app/src/sign/writer.ts";
import { Changes } from "../../scanner_app/src/store/changes.ts";
import { type Database, type EntryState, type Identity, openDatabase } from "../../scanner_app/src/store/database.ts";
import { readEntries } from "../../scanner_app/src/store/journal.ts";
import { Api } from "../../scanner_app/src/sync/api.ts";
import { Uploader } from "../../scanner_app/src/sync/uploader.ts";
import { FakeBackend, NETWORK } from "./fakes.ts";

export const DEVICE = "0000020000000007" as DeviceId;
export const NOW = 1_772_337_600;
let phones = 0;

export interface Phone {
  readonly db: Database;
  readonly changes: Changes;
  readonly key: DeviceKey;
  readonly identity: Identity;
  readonly writer: JournalWriter;
}

export async function newPhone(role: Role = "crew"): Promise<Phone> {
  phones += 1;
  const db = await openDatabase(`phone-${phones}`);
  const changes = new Changes(`phone-${phones}`);
  const key = await makeDeviceKey();
  const identity: Identity = {
    device: DEVICE,
    role,
    notAfter: 0,
    certificate: {} as Certificate,
    network: NETWORK,
  };
  return { db, changes, key, identity, writer: new JournalWriter(db, changes, key, identity, () => NOW) };
}

export function uploaderOf(phone: Phone, backend: FakeBackend): Uploader {
  const api = new Api(backend.fetch, () => "zh-Hans");
  return new Uploader(phone.db, api, DEVICE, phone.key.publicKey, () => NOW);
}

export const load = (lot: bigint, stream = 4) =>
  makeEntry("load", { lot, stream, vehicle: 0, flags: 0, occurred_at: NOW });

export const lift = (bin: number, grams = 30_000, stream = 4) =>
  makeEntry("lift", { bin, stream, grade: 1, basis: 1, flags: 0, occurred_at: NOW, grams, evidence: 0 });

/** How many entries of the journal are in each state. */
export async function countByState(db: Database): Promise<Record<EntryState["is"], number>> {
  const states = (await readEntries(db, 1)).map(({ state }) => state.is);
  const count = (wanted: EntryState["is"]) => states.filter((state) => state === wanted).length;
  return { queued: count("queued"), accepted: count("accepted"), rejected: count("rejected") };
}
