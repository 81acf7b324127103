/** What a verifier believes before it opens a bundle; never read from the bundle. */
import { bytesToHex, hexToBytes } from "../domain/bytes.ts";
import type { Network } from "../domain/proof.ts";

export interface Trust {
  readonly network: Network;
  /** Hashes and addresses are lower-case hex without 0x. */
  readonly genesisHash: string;
  readonly actorRegistry: string;
  readonly ledgerVersions: string | undefined;
  readonly codeHashes: Readonly<Record<string, string>>;
  readonly checkpoints: ReadonlyMap<number, string>;
  /** Whoever makes all blocks could write another history; no bundle can show that, so it has to be said. */
  readonly hasSingleSequencer: boolean;
}

/** The file has not the form of a trust file. */
export class BadTrustFile extends Error {
  override readonly name = "BadTrustFile";
}

const PLACES = {
  CustodyLedger: "ledger",
  ActorRegistry: "actor_registry",
  BinRegistry: "bin_registry",
  LedgerVersions: "ledger_versions",
  CityAuthority: "city_authority",
} as const;
/** Without these any code could stand at the addresses. */
const BELIEVED = ["CustodyLedger", "ActorRegistry"] as const;

export function readTrust(text: string): Trust {
  try {
    return trustOf(JSON.parse(text) as Record<string, unknown>);
  } catch (problem) {
    throw new BadTrustFile(problem instanceof Error ? problem.message : String(problem));
  }
}

export function trustOf(content: Readonly<Record<string, unknown>>): Trust {
  const hashes = Object.entries(content["code_hashes"] as Record<string, unknown>);
  const codeHashes = Object.fromEntries(
    hashes.map(([name, value]) => [hex(content[PLACES[name as keyof typeof PLACES]], 20), hex(value, 32)]),
  );
  for (const name of BELIEVED) {
    if (!hashes.some(([each]) => each === name)) throw new TypeError(`no code hash of ${name}`);
  }
  const versions = content["ledger_versions"];
  const checkpoints = (content["checkpoints"] ?? []) as { number: unknown; hash: unknown }[];
  return {
    network: { chainId: count(content["chain_id"]), ledger: hex(content["ledger"], 20) },
    genesisHash: hex(content["genesis_hash"], 32),
    actorRegistry: hex(content["actor_registry"], 20),
    ledgerVersions: versions === undefined ? undefined : hex(versions, 20),
    codeHashes,
    checkpoints: new Map(checkpoints.map((each) => [count(each.number), hex(each.hash, 32)])),
    hasSingleSequencer: content["sequencer"] === "single",
  };
}

function hex(value: unknown, size: number): string {
  const text = String(value).replace(/^0x/, "");
  const bytes = hexToBytes(text);
  if (bytes.length !== size) throw new RangeError(`${String(value)} is not ${size} bytes`);
  return bytesToHex(bytes);
}

function count(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${String(value)} is not a whole number`);
  }
  return value;
}
