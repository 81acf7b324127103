/** Ponder on the chain of the bench: one contract, one event. */
import { readFileSync } from "node:fs";
import type { Abi } from "viem";
import { createConfig } from "ponder";

const { PEER_RPC, PEER_LEDGER, PEER_ABI, PEER_DATABASE } = process.env;
if (!PEER_RPC || !PEER_LEDGER || !PEER_ABI || !PEER_DATABASE) throw new Error("PEER_* are not set");
const { abi } = JSON.parse(readFileSync(PEER_ABI, "utf8")) as { abi: Abi };

export default createConfig({
  database: { kind: "postgres", connectionString: PEER_DATABASE },
  // As many blocks a call as the other peers ask for.
  chains: { devnet: { id: 31337, rpc: PEER_RPC, disableCache: true, ethGetLogsBlockRange: 8 } },
  contracts: {
    CustodyLedger: { abi, chain: "devnet", address: PEER_LEDGER as `0x${string}`, startBlock: 0 },
  },
});
