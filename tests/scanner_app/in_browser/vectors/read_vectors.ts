/** Reads the treaty's vectors where there are no files: they are built into the page. */
const VECTORS = import.meta.glob<unknown>("../../../vectors/*.json", { eager: true, import: "default" });
const read = new Set<string>();

export const readSoFar = () => [...read].sort();

export function readVectors<T>(name: string): T {
  const found = VECTORS[`../../../vectors/${name}`];
  if (found === undefined) throw new Error(`no vectors ${name}`);
  read.add(name);
  return found as T;
}

export interface NetworkVector {
  chain_id: number;
  ledger: string;
}
