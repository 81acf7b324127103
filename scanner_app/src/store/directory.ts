/** The route's directory as this phone last checked it: organisations, sites, bins and devices. */
import type { CheckedDevice } from "../domain/directory.ts";
import type { Roots } from "../domain/directory_roots.ts";
import { type DeviceId, type Seconds, type Stream, STREAMS } from "../domain/types.ts";
import { type Database, type Directory, type DirectoryBin, keepSingle, readSingle } from "./database.ts";

export interface KnownBin {
  readonly number: string;
  readonly stream: Stream;
  readonly point: { readonly zh: string; readonly en: string };
  readonly volumeLitres: number | undefined;
}

/** Puts a checked directory in place of the one before, wholly or not at all. */
export async function keepDirectory(
  db: Database,
  directory: Directory,
  bins: readonly DirectoryBin[],
  roots: Roots,
): Promise<void> {
  const change = db.transaction(["bins", "singles"], "readwrite", { durability: "strict" });
  const [stored, singles] = [change.objectStore("bins"), change.objectStore("singles")];
  await stored.clear();
  await Promise.all([
    ...bins.map((bin, order) => stored.put({ ...bin, order })),
    singles.put(directory, "directory"),
    singles.put(roots, "directoryRoots"),
    singles.delete("directoryRefused"),
    change.done,
  ]);
}

/** The server has nothing newer: what is kept is as of that moment. */
export async function confirmDirectory(db: Database, directory: Directory, at: Seconds): Promise<void> {
  const dated_at = new Date(at * 1000).toISOString();
  await keepSingle(db, "directory", { ...directory, dated_at });
  await db.delete("singles", "directoryRefused");
}

export async function findBin(db: Database, serialDigest: string): Promise<KnownBin | undefined> {
  const bin = await db.get("bins", serialDigest);
  const stream = bin && (typeof bin.stream === "number" ? STREAMS[bin.stream - 1] : bin.stream);
  if (bin === undefined || stream === undefined) return undefined;
  return { number: bin.number, stream, point: bin.point, volumeLitres: bin.volume_litres };
}

export async function findBinByNumber(db: Database, number: string): Promise<DirectoryBin | undefined> {
  return (await db.getAll("bins")).find((bin) => bin.number === number);
}

/** A device whose enrolment this phone has checked, while it has not ended. */
export async function findDevice(
  db: Database,
  device: DeviceId,
  now: Seconds,
): Promise<CheckedDevice | undefined> {
  const directory = await readSingle(db, "directory");
  const found = directory?.checked?.devices.find((each) => each.device === device);
  return found === undefined || (found.notAfter !== 0 && found.notAfter < now) ? undefined : found;
}
