/** Reads the treaty's vectors. A missing file is an error: the treaty binds only while it is read. */
import { readFileSync } from "node:fs";

export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8")) as T;
}

export interface NetworkVector {
  chain_id: number;
  ledger: string;
}
