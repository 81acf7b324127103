#!/usr/bin/env node
// The npm build of solc behind the two options of the solc executable that py-solc-x uses.
"use strict";

const fs = require("node:fs");
const solc = require("solc");

const options = process.argv.slice(2);

if (options.includes("--version")) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`);
} else if (options.includes("--standard-json")) {
  const file = options[options.indexOf("--standard-json") + 1];
  const input = fs.readFileSync(file && !file.startsWith("-") ? file : 0, "utf8");
  // Every source is in the input; nothing is read from disk.
  process.stdout.write(solc.compile(input));
} else {
  console.error("only --version and --standard-json");
  process.exitCode = 1;
}
