/**
 * One database for each device that this browser has been, each naming the one after it: whatever is killed in
 * between, the chain ends in one whole device. The first keeps the name that it always had.
 */
import { type DeviceId } from "../domain/types.ts";
import type { DeviceKey } from "../sign/device_key.ts";
import {
  type Database,
  type Identity,
  keepSingle,
  openDatabase,
  readSingle,
  type Successor,
} from "./database.ts";

/** What can be fetched again, and what must not be: whom this phone has believed so far. */
const TAKEN_ALONG = [
  "directory",
  "directoryRoots",
  "directoryRefused",
  "route",
  "tolerances",
  "mandates",
  "nodes",
  "serverTime",
  "signOn",
] as const;

const databaseOf = (device: DeviceId) => `huanlian-${device}`;

/** Opens the database of the device that this browser is now. */
export async function openCurrent(first: string, lost: () => void = () => undefined): Promise<Database> {
  let db = await openDatabase(first, lost);
  for (;;) {
    const successor = await readSingle(db, "successor");
    if (successor === undefined) return db;
    db.close();
    db = await openDatabase(successor.database, lost);
  }
}

/**
 * Fills a database for the device that is to follow, and returns its name. Nobody reads it before it is named as the
 * successor, so this may end anywhere, and be done again. Lists are taken along too, for a phone that finds no network
 * afterwards.
 */
export async function prepareSuccessor(db: Database, next: Identity, key: DeviceKey): Promise<Successor> {
  const name = databaseOf(next.device);
  const fresh = await openDatabase(name);
  try {
    const bins = await db.getAll("bins");
    const change = fresh.transaction("bins", "readwrite");
    await Promise.all([change.store.clear(), ...bins.map((bin) => change.store.put(bin)), change.done]);
    for (const single of TAKEN_ALONG) {
      const value = await readSingle(db, single);
      if (value !== undefined) await keepSingle(fresh, single, value);
    }
    await keepSingle(fresh, "predecessor", { database: db.name });
    await keepSingle(fresh, "key", key);
    await keepSingle(fresh, "identity", next);
  } finally {
    fresh.close();
  }
  return { database: name };
}

/** A device that this browser was before, with its journal; whoever asks closes it. */
export interface Earlier {
  readonly db: Database;
  readonly identity: Identity;
}

/** The device before this one; undefined when there was none, or nothing is left of it. */
export async function openEarlier(db: Database): Promise<Earlier | undefined> {
  const before = await readSingle(db, "predecessor");
  if (before === undefined) return undefined;
  const opened = await openDatabase(before.database);
  const identity = await readSingle(opened, "identity");
  if (identity !== undefined) return { db: opened, identity };
  // Cleared by the browser: what was not sent by then is lost, and the phone must still work.
  opened.close();
  return undefined;
}

/** Who this browser was before, newest first. */
export async function earlierDevices(db: Database): Promise<Identity[]> {
  const found: Identity[] = [];
  let before = await openEarlier(db);
  while (before !== undefined) {
    found.push(before.identity);
    const older = await openEarlier(before.db);
    before.db.close();
    before = older;
  }
  return found;
}

/** One of the devices that this browser was; undefined when it was not. */
export async function findEarlier(db: Database, device: string): Promise<Earlier | undefined> {
  let before = await openEarlier(db);
  while (before !== undefined && before.identity.device !== device) {
    const older = await openEarlier(before.db);
    before.db.close();
    before = older;
  }
  return before;
}
