/** One Ethereum node over JSON-RPC: nothing is asked before the user has typed its address. */
import { bytesToHex, hexToBytes, keccak, utf8ToBytes } from "../domain/bytes.ts";
import { type Node, NodeAway } from "./verify.ts";

const TIMEOUT_MS = 15_000;
const SUCCESSOR_OF = bytesToHex(keccak(utf8ToBytes("successorOf(address)"))).slice(0, 8);
const WORDS_ANSWERED = 2 + 2 * 64;

interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly message?: unknown };
}

/** Where a node has no `finalized` tag: Ethereum's two epochs, as the server takes it (docs/settings.md). */
const FINAL_DEPTH = 64;

export interface RpcNode extends Node {
  /** The newest block that can no longer change, as this node sees it. */
  finalNumber(): Promise<number>;
}

export function rpcNode(url: string): RpcNode {
  let asked = 0;

  async function answer(method: string, params: readonly unknown[]): Promise<Answer> {
    asked += 1;
    const body = JSON.stringify({ jsonrpc: "2.0", id: asked, method, params });
    try {
      const response = await fetch(url, {
        method: "POST",
        body,
        headers: { "content-type": "application/json" },
        credentials: "omit",
        referrerPolicy: "no-referrer",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (!response.ok) throw new NodeAway(`HTTP ${response.status}`);
      return (await response.json()) as Answer;
    } catch (problem) {
      throw problem instanceof NodeAway ? problem : new NodeAway(String(problem));
    }
  }

  async function ask(method: string, ...params: readonly unknown[]): Promise<unknown> {
    const found = await answer(method, params);
    if (found.error !== undefined) throw new NodeAway(`${method}: ${String(found.error.message)}`);
    return found.result;
  }

  async function number(method: string): Promise<number> {
    const found = Number(await ask(method));
    if (!Number.isSafeInteger(found)) throw new NodeAway(`${method} is no number`);
    return found;
  }

  return {
    async finalNumber() {
      const found = await answer("eth_getBlockByNumber", ["finalized", false]);
      const final = Number((found.result as { number?: unknown } | null | undefined)?.number);
      if (Number.isSafeInteger(final)) return final;
      return Math.max((await number("eth_blockNumber")) - FINAL_DEPTH, 0);
    },
    chainId: () => number("eth_chainId"),
    headNumber: () => number("eth_blockNumber"),
    async blockHash(at) {
      const block = (await ask("eth_getBlockByNumber", `0x${at.toString(16)}`, false)) as {
        hash?: unknown;
      } | null;
      if (block === null || block === undefined) return undefined;
      return String(block.hash).replace(/^0x/, "");
    },
    async codeHash(address) {
      const code = String(await ask("eth_getCode", `0x${address}`, "latest")).replace(/^0x/, "");
      try {
        return bytesToHex(keccak(hexToBytes(code)));
      } catch {
        throw new NodeAway("its code is not hex");
      }
    },
    /** The contract refuses to speak of a ledger that it does not list. */
    async listsLedger(ledgerVersions, ledger) {
      const data = `0x${SUCCESSOR_OF}${ledger.padStart(64, "0")}`;
      const found = await answer("eth_call", [{ to: `0x${ledgerVersions}`, data }, "latest"]);
      return found.error === undefined && String(found.result).length === WORDS_ANSWERED;
    },
  };
}
