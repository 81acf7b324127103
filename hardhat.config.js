import { fileURLToPath } from "node:url";
import { defineConfig } from "hardhat/config";

// The npm build of solc, named by path, so that nothing is downloaded.
const soljson = fileURLToPath(new URL("./node_modules/solc/soljson.js", import.meta.url));

const settings = {
  evmVersion: "osaka",
  viaIR: true,
  optimizer: { enabled: true, runs: 200 },
  // Without metadata, any build of the same source has the same bytecode.
  metadata: { bytecodeHash: "none", appendCBOR: false },
};

export default defineConfig({
  paths: { tests: { solidity: "./tests/contracts" } },
  solidity: {
    profiles: {
      default: { version: "0.8.37", path: soljson, settings },
      production: { version: "0.8.37", path: soljson, settings },
    },
  },
  networks: { node: { type: "edr-simulated", chainType: "l1", hardfork: "osaka" } },
  test: {
    solidity: {
      fuzz: { runs: 256, seed: "0x1" },
      invariant: { runs: 64, depth: 64, failOnRevert: true },
    },
  },
});
