/** Asks others than the server what block the chain has: nodes, whose addresses the server's operator names. */
import { rpcNode } from "../verify/node.ts";
import { NodeAway, type ProvedBlock } from "../verify/verify.ts";
import { type Database, keepSingle, readSingle } from "../store/database.ts";
import type { Api } from "./api.ts";

/** `nobody`: none of them answered, or nobody was named. */
export type Said = "final" | "other" | "nobody";

/**
 * All nodes that this device was ever told of. None is forgotten: a server that turns to lying cannot take away the
 * one that would have said so. Undefined before it was told anything.
 */
export async function knownNodes(db: Database, api: Api): Promise<readonly string[] | undefined> {
  const known = (await readSingle(db, "nodes")) ?? [];
  const answer = await api.network();
  if (answer.is !== "ok" && known.length === 0) return undefined;
  const told = answer.is === "ok" ? (answer.value.nodes ?? []) : [];
  const all = [...new Set([...known, ...told])];
  if (all.length > known.length) await keepSingle(db, "nodes", all);
  return all;
}

/** Final, if at least one node answers and all that answer have this block among those that can no longer change. */
export async function askElsewhere(
  nodes: readonly string[],
  chainId: number,
  block: ProvedBlock,
): Promise<Said> {
  let said: Said = "nobody";
  for (const url of nodes) {
    try {
      const node = rpcNode(url);
      const isThere =
        (await node.chainId()) === chainId &&
        (await node.blockHash(block.number)) === block.hash &&
        (await node.finalNumber()) >= block.number;
      if (!isThere) return "other";
      said = "final";
    } catch (problem) {
      if (!(problem instanceof NodeAway)) throw problem;
    }
  }
  return said;
}
