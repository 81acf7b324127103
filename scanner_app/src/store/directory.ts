/** The city's list of organisations, sites and bins, as this phone last saw it. */
import { type Stream, STREAMS } from "../domain/types.ts";
import { type Database, type Directory, type DirectoryBin, keepSingle } from "./database.ts";

export interface KnownBin {
  readonly number: string;
  readonly stream: Stream;
  readonly point: { readonly zh: string; readonly en: string };
  readonly volumeLitres: number | undefined;
}

export async function keepDirectory(
  db: Database,
  fetched: Directory & { readonly bins: readonly DirectoryBin[] },
): Promise<void> {
  const { bins, ...directory } = fetched;
  const change = db.transaction("bins", "readwrite");
  await change.store.clear();
  await Promise.all([...bins.map((bin, order) => change.store.put({ ...bin, order })), change.done]);
  await keepSingle(db, "directory", directory);
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
