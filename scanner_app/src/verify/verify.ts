/** Checks one fact: a bundle, a trust file, and at most one node. The same steps as `huanlian verify`. */
import type { RecordedSegment } from "../domain/announced.ts";
import { BadBundle, type Bundle, readBundle } from "../domain/bundle.ts";
import { bytesToHex } from "../domain/bytes.ts";
import {
  type Network,
  type ProvedEntry,
  requireCertificates,
  requireEntry,
  requireNamedRoot,
  requireRecord,
  requireSeal,
  requireSettled,
  requireTrustedNetwork,
  StepFailed,
} from "../domain/proof.ts";
import type { CheckSeal } from "../domain/seal.ts";
import type { DeviceId } from "../domain/types.ts";
import type { Trust } from "./trust.ts";

export const VERDICTS = ["VALID", "CONSISTENT, BLOCK NOT CHECKED", "INVALID"] as const;
export type Verdict = (typeof VERDICTS)[number];
export const STEPS = 9;

/** `ok` undefined: not done. */
export interface Step {
  readonly number: number;
  readonly ok: boolean | undefined;
  readonly detail: string;
}
/** A block that a bundle leans on. */
export interface ProvedBlock {
  readonly number: number;
  readonly hash: string;
}
/** What was proved, as far as the steps got. */
export interface Fact extends ProvedEntry {
  readonly device: DeviceId;
  readonly seq: number;
  /** The block's clock, Unix seconds. */
  readonly recordedAt: number;
  readonly path: readonly DeviceId[];
}
export interface Report {
  readonly steps: readonly Step[];
  readonly verdict: Verdict;
  readonly blocks: readonly ProvedBlock[];
  readonly fact: Fact | undefined;
  /** What a set of many entries tells, a line each. */
  readonly lines: readonly string[];
}

/** What a verifier asks a node. Every question may end in NodeAway. */
export interface Node {
  chainId(): Promise<number>;
  blockHash(number: number): Promise<string | undefined>;
  codeHash(address: string): Promise<string>;
  listsLedger(ledgerVersions: string, ledger: string): Promise<boolean>;
  headNumber(): Promise<number>;
}

/** The node did not answer; nothing is said about the bundle. */
export class NodeAway extends Error {
  override readonly name = "NodeAway";
}

/** Does numbered steps one after the other; the first to fail is the last. */
export class Steps {
  readonly results: Step[] = [];

  async do<T>(number: number, check: () => T | Promise<T>, say: (found: T) => string): Promise<T> {
    try {
      const found = await check();
      this.results.push({ number, ok: true, detail: say(found) });
      return found;
    } catch (problem) {
      if (problem instanceof NodeAway) throw problem;
      if (!(problem instanceof StepFailed || problem instanceof BadBundle)) throw problem;
      this.results.push({ number, ok: false, detail: problem.message });
      throw new StepFailed(problem.message);
    }
  }

  skip(number: number, detail: string): void {
    this.results.push({ number, ok: undefined, detail });
  }
}

export async function verifyBundle(
  data: Uint8Array,
  trust: Trust,
  check: CheckSeal,
  node?: Node,
): Promise<Report> {
  const steps = new Steps();
  let blocks: readonly ProvedBlock[] = [];
  let fact: Fact | undefined;
  try {
    const bundle = await steps.do(
      1,
      () => readBundle(data),
      () => `${data.length} bytes`,
    );
    ({ blocks, fact } = await checkContent(bundle, trust, check, steps));
    await checkBlocks(blocks, trust, node, steps);
  } catch (problem) {
    if (!(problem instanceof StepFailed)) throw problem;
  }
  return { steps: steps.results, verdict: verdictOf(steps.results), blocks, fact, lines: [] };
}

export function verdictOf(steps: readonly Step[]): Verdict {
  if (steps.some((step) => step.ok === false)) return "INVALID";
  const last = steps.at(-1);
  return last?.number === STEPS && last.ok === true ? "VALID" : "CONSISTENT, BLOCK NOT CHECKED";
}

/** Does what needs no node: the blocks that all of it leans on, and the fact. */
async function checkContent(bundle: Bundle, trust: Trust, check: CheckSeal, steps: Steps) {
  const { network } = trust;
  await steps.do(
    2,
    () => requireTrustedNetwork(bundle, network),
    () => `chain ${network.chainId}, ledger 0x${network.ledger}`,
  );
  const { header, record } = await steps.do(
    3,
    () => requireRecord(bundle, network),
    (found) => `receipt ${bundle.recorded.receipt}, log ${bundle.recorded.log}, block ${found.header.number}`,
  );
  const proved = await steps.do(
    4,
    () => judgedEntry(bundle, record, network),
    () => `device ${bundle.device}, seq ${bundle.seq}`,
  );
  await steps.do(
    5,
    () => requireSeal(bundle, record, network, check),
    () => `head ${bytesToHex(record.head).slice(0, 16)}…`,
  );
  const root = await steps.do(
    6,
    () => requireCertificates(bundle, record, network, check),
    (found) => found.path.join(" ← "),
  );
  const named = await steps.do(
    7,
    () => requireNamedRoot(bundle, trust.actorRegistry, root),
    (found) => `${root.device}, block ${found.number}`,
  );
  const blocks = [
    { number: header.number, hash: bytesToHex(bundle.recorded.blockHash) },
    { number: named.number, hash: bytesToHex(bundle.named.blockHash) },
  ];
  if (proved.settled !== undefined) blocks.push(proved.settled);
  const { device, seq } = bundle;
  const { read, outcome } = proved;
  return { blocks, fact: { read, outcome, device, seq, recordedAt: header.timestamp, path: root.path } };
}

/** The entry with its last outcome, and the block that holds it where that came later. */
function judgedEntry(bundle: Bundle, record: RecordedSegment, trusted: Network) {
  const proved: ProvedEntry & { settled?: ProvedBlock } = requireEntry(bundle, record);
  if (bundle.settled === undefined) return proved;
  const { header, seq, outcome } = requireSettled(bundle.settled, record, trusted);
  if (seq !== BigInt(bundle.seq)) throw new StepFailed("Another entry was settled.");
  const settled = { number: header.number, hash: bytesToHex(bundle.settled.blockHash) };
  return { ...proved, outcome, settled };
}

/** Steps 8 and 9: each block is one that the trust file names, or that a node of the trusted chain has. */
export async function checkBlocks(
  blocks: readonly ProvedBlock[],
  trust: Trust,
  node: Node | undefined,
  steps: Steps,
): Promise<void> {
  let asked = node;
  let away = "";
  if (node !== undefined) {
    try {
      await steps.do(
        8,
        () => requireTrustedNode(trust, node),
        () => `genesis 0x${trust.genesisHash.slice(0, 16)}…`,
      );
    } catch (problem) {
      if (!(problem instanceof NodeAway)) throw problem;
      asked = undefined;
      away = problem.message;
    }
  }
  if (asked === undefined) steps.skip(8, away);
  try {
    await confirm(blocks, trust, asked, steps);
  } catch (problem) {
    if (!(problem instanceof NodeAway)) throw problem;
    steps.skip(9, problem.message);
  }
}

async function requireTrustedNode(trust: Trust, node: Node): Promise<void> {
  const chainId = await node.chainId();
  if (chainId !== trust.network.chainId) throw new StepFailed(`The node is of chain ${chainId}.`);
  for (const [number, expected] of [...trust.checkpoints, [0, trust.genesisHash] as const]) {
    if ((await node.blockHash(number)) !== expected) {
      throw new StepFailed(`The node's block ${number} is not the trusted one.`);
    }
  }
  for (const [address, expected] of Object.entries(trust.codeHashes)) {
    if ((await node.codeHash(address)) !== expected) {
      throw new StepFailed(`The code at 0x${address} is not the trusted one.`);
    }
  }
  const versions = trust.ledgerVersions;
  if (versions !== undefined && !(await node.listsLedger(versions, trust.network.ledger))) {
    throw new StepFailed("The city's list of ledgers does not have this one.");
  }
}

async function confirm(
  blocks: readonly ProvedBlock[],
  trust: Trust,
  node: Node | undefined,
  steps: Steps,
): Promise<void> {
  const open: ProvedBlock[] = [];
  const distinct = [...new Map(blocks.map((block) => [block.hash, block])).values()];
  for (const block of distinct) {
    const known = trust.checkpoints.get(block.number);
    const expected =
      known ?? (node === undefined ? undefined : ((await node.blockHash(block.number)) ?? "missing"));
    if (expected === undefined) open.push(block);
    else if (expected !== block.hash) {
      const detail = `Block ${block.number} of the trusted chain is not 0x${block.hash}.`;
      await steps.do(
        9,
        () => Promise.reject(new StepFailed(detail)),
        () => "",
      );
    }
  }
  const listed = (some: readonly ProvedBlock[]) =>
    some.map(({ number, hash }) => `${number} 0x${hash}`).join("\n");
  if (open.length > 0) return steps.skip(9, listed(open));
  const newest = Math.max(...blocks.map((block) => block.number));
  const depth = node === undefined ? undefined : Math.max((await node.headNumber()) - newest, 0);
  await steps.do(
    9,
    () => undefined,
    () => listed(distinct) + (depth === undefined ? "" : `\n+${depth}`),
  );
}
