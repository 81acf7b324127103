// A short verifier, sharing no code with ours: node verify.mjs BUNDLE TRUST [RPC_URL]
// Steps as in ../spec/bundle.md. It knows devices' own keys (raw seals), not passkeys. Only what Node.js brings.
import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const [, , bundlePath, trustPath, rpcUrl] = process.argv;
const fail = (step, why) => { console.log(`INVALID (step ${step}: ${why})`); process.exit(1); };
const need = (step, holds, why) => holds || fail(step, why);
const bytes = (hex) => Buffer.from(hex.replace(/^0x/, ""), "hex");
const word = (value) => bytes(BigInt(value).toString(16).padStart(64, "0"));
const join = Buffer.concat;

// keccak-256 (FIPS 202's permutation, with the padding from before it became SHA-3)
const M = (1n << 64n) - 1n;
const rotl = (x, n) => n === 0n ? x : ((x << n) | (x >> (64n - n))) & M;
function permute(a) {
  for (let round = 0, lfsr = 1; round < 24; round++) {
    const c = [0, 1, 2, 3, 4].map((x) => a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20]);
    for (let i = 0; i < 25; i++) a[i] ^= c[(i + 4) % 5] ^ rotl(c[(i + 1) % 5], 1n);
    let [x, y, last] = [1, 0, a[1]];
    for (let t = 1; t < 25; t++) {
      [x, y] = [y, (2 * x + 3 * y) % 5];
      [a[x + 5 * y], last] = [rotl(last, BigInt((t * (t + 1) / 2) % 64)), a[x + 5 * y]];
    }
    for (let row = 0; row < 25; row += 5) {
      const r = a.slice(row, row + 5);
      for (let i = 0; i < 5; i++) a[row + i] = r[i] ^ (~r[(i + 1) % 5] & M & r[(i + 2) % 5]);
    }
    for (let j = 0; j < 7; j++) {
      if (lfsr & 1) a[0] ^= 1n << BigInt(2 ** j - 1);
      lfsr = (lfsr << 1) ^ ((lfsr >> 7) * 0x171);
    }
  }
}
function keccak(...parts) {
  const data = join(parts), size = Math.floor(data.length / 136 + 1) * 136, padded = Buffer.alloc(size), a = Array(25).fill(0n);
  data.copy(padded);
  padded[data.length] ^= 1; padded[size - 1] ^= 0x80;
  for (let at = 0; at < size; at += 136) {
    for (let i = 0; i < 17; i++) a[i] ^= padded.readBigUInt64LE(at + 8 * i);
    permute(a);
  }
  const out = Buffer.alloc(32);
  for (let i = 0; i < 4; i++) out.writeBigUInt64LE(a[i], 8 * i);
  return out;
}

// RLP and the receipts' trie
function rlp(data, at = 0) { // [item, end]
  const first = data[at], isList = first >= 0xc0, short = first - (isList ? 0xc0 : 0x80);
  if (first < 0x80) return [data.subarray(at, at + 1), at + 1];
  const extra = short > 55 ? short - 55 : 0, start = at + 1 + extra;
  const end = start + (extra ? parseInt(data.subarray(at + 1, start).toString("hex"), 16) : short);
  if (!isList) return [data.subarray(start, end), end];
  const items = [];
  for (let next = start; next < end;) { const [item, after] = rlp(data, next); items.push(item); next = after; }
  return [items, end];
}
function includedLog(step, way) {
  need(step, keccak(bytes(way.header)).equals(bytes(way.block_hash)), "header is not the block's");
  const header = rlp(bytes(way.header))[0];
  const index = way.receipt === 0 ? "80" : way.receipt < 128 ? way.receipt.toString(16).padStart(2, "0")
    : ((hex) => (0x80 + hex.length / 2).toString(16) + hex)(way.receipt.toString(16).padStart(way.receipt > 255 ? 4 : 2, "0"));
  let [reference, path, value] = [header[5], index];
  for (const node of way.nodes.map(bytes)) {
    need(step, value === undefined && keccak(node).equals(reference), "a trie node does not fit");
    const items = rlp(node)[0];
    if (items.length === 17) { reference = items[parseInt(path[0], 16)]; path = path.slice(1); continue; }
    const packed = items[0].toString("hex"), isOdd = items[0][0] & 0x10, nibbles = packed.slice(isOdd ? 1 : 2);
    need(step, path.startsWith(nibbles), "the trie's path leads elsewhere");
    path = path.slice(nibbles.length);
    if (items[0][0] & 0x20) value = items[1]; else reference = items[1];
  }
  need(step, value !== undefined && path === "", "the trie's nodes do not end in a receipt");
  const logs = rlp(value[0] < 0x80 ? value.subarray(1) : value)[0][3];
  need(step, way.log < logs.length, "no such log");
  const [address, topics, data] = logs[way.log];
  return { address, topics, data, number: BigInt("0x" + (header[8].toString("hex") || "0")) };
}

// Heads and seals
function split(words) {
  const entries = [];
  for (let at = 0; at < words.length;) { const end = at + 32 * (words[at] === 1 ? 1 : words[at + 1] || 1e9); entries.push(words.subarray(at, end)); at = end; }
  return entries;
}
function sealedHead(step, network, device, firstSeq, prevHead, words, key, seal) {
  const first = keccak(word(network.chain_id), word("0x" + network.ledger), word("0x" + device));
  need(step, firstSeq !== 1 || bytes(prevHead).equals(first), "the journal does not begin at its first head");
  const entries = split(words), head = entries.reduce((before, entry) => keccak(before, entry), bytes(prevHead));
  const name = (text) => keccak(Buffer.from(text));
  const domain = keccak(name("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"), name("Huanlian"), name("1"), word(network.chain_id), word("0x" + network.ledger));
  const message = keccak(name("Seal(uint64 device,uint40 seq,bytes32 head)"), word("0x" + device), word(firstSeq + entries.length - 1), head);
  const point = (hex) => bytes(hex).toString("base64url");
  const jwk = createPublicKey({ format: "jwk", key: { kty: "EC", crv: "P-256", x: point(key.x), y: point(key.y) } });
  const signature = { key: jwk, dsaEncoding: "ieee-p1363" };
  need(step, verify("sha256", keccak(Buffer.from([0x19, 1]), domain, message), signature, join([bytes(seal.r), bytes(seal.s)])), "a seal does not verify");
  return head;
}

const text = readFileSync(bundlePath, "utf8"), trust = JSON.parse(readFileSync(trustPath, "utf8"));
const sorted = (_, v) => v && typeof v === "object" && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1))) : v;
let bundle;
try { bundle = JSON.parse(text); } catch { fail(1, "not JSON"); }
need(1, bundle?.format === "huanlian-bundle-2" && JSON.stringify(bundle, sorted) === text && !/"[^"]*[A-F][^"]*"/.test(text), "not canonical");
need(1, Object.keys(bundle).every((key) => ["certificates", "chain_id", "entry", "format", "ledger", "named", "prev_head", "recorded", "settled"].includes(key)), "an unknown key");
try {
  const { entry } = bundle, keyHash = (key) => keccak(bytes(key.x), bytes(key.y)).subarray(12).toString("hex");
  need(2, bundle.chain_id === trust.chain_id && "0x" + bundle.ledger === trust.ledger, "another chain or ledger");
  const { address, topics, data, number } = includedLog(3, bundle.recorded);
  const recorded = keccak(Buffer.from("SegmentRecorded(uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes32,bytes,bytes,bytes)"));
  need(3, address.equals(bytes(bundle.ledger)) && topics[0].equals(recorded), "not the ledger's record");
  const at = (n) => data.subarray(32 * n, 32 * n + 32).toString("hex"), size = (hex) => parseInt(hex, 16);
  const tail = (n) => data.subarray(size(at(n)) + 32, size(at(n)) + 32 + size(at(size(at(n)) / 32)));
  const words = tail(5), firstSeq = size(topics[2].toString("hex")), position = entry.seq - firstSeq, entries = split(words);
  const head = entries.slice(0, position + 1).reduce((before, each) => keccak(before, each), bytes(bundle.prev_head));
  need(4, topics[1].equals(word("0x" + entry.device)) && position >= 0 && position < entries.length, "not in the segment");
  need(4, entries[position].equals(bytes(entry.words)) && head.equals(bytes(entry.head)), "other words or head");
  const key = { x: at(1), y: at(2) };
  const last = sealedHead(5, bundle, entry.device, firstSeq, bundle.prev_head, words, key, { r: at(3), s: at(4) });
  need(5, last.toString("hex") === at(0), "the ledger recorded another head");
  let settled = [];
  let [device, hash] = [entry.device, keyHash(key)];
  for (const c of bundle.certificates) {
    sealedHead(6, bundle, c.registrar, c.seq, c.prev_head, bytes(c.words), c.key, c.seal);
    const [kind, id, x, y] = [c.words.slice(0, 2), c.words.slice(18, 34), c.words.slice(64, 128), c.words.slice(128, 192)];
    need(6, ["20", "22"].includes(kind) && id === device && keyHash({ x, y }) === hash, "a certificate is of another device or key");
    need(6, c.registrar.slice(0, 6) === device.slice(0, 6), "a registrar of another organisation");
    [device, hash] = [c.registrar, keyHash(c.key)];
  }
  const named = includedLog(7, bundle.named), [created, replaced] = ["OrganisationCreated(uint24,bytes32,uint64,uint160)", "RegistrarReplaced(uint24,uint64,uint160,uint8)"].map((t) => keccak(Buffer.from(t)));
  const namedKey = named.topics[0].equals(created) ? 64 : named.topics[0].equals(replaced) ? 0 : fail(7, "no naming");
  need(7, named.address.equals(bytes(trust.actor_registry)) && named.topics[1].equals(word("0x" + device.slice(0, 6))), "not the registry's naming");
  need(7, named.topics[2].equals(word("0x" + device)) && named.data.toString("hex").slice(namedKey, namedKey + 64).endsWith(hash), "another registrar");
  if (bundle.settled) {
    const way = includedLog(4, bundle.settled), outcomes = tail(6);
    need(4, way.address.equals(bytes(bundle.ledger)) && way.topics[0].equals(keccak(Buffer.from("Settled(uint64,uint40,uint96,uint8)"))), "not the ledger's settling");
    need(4, way.topics[1].equals(word("0x" + entry.device)) && way.topics[2].equals(word(entry.seq)) && (outcomes[position] & 15) === 2, "another entry was settled");
    settled = [[way.number, bundle.settled.block_hash]];
  }
  const blocks = [...settled, [number, bundle.recorded.block_hash], [named.number, bundle.named.block_hash]];
  if (rpcUrl) {
    const ask = async (method, ...params) => (await (await fetch(rpcUrl, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }) })).json()).result;
    const hashOf = async (n) => (await ask("eth_getBlockByNumber", "0x" + n.toString(16), false))?.hash;
    need(8, BigInt(await ask("eth_chainId")) === BigInt(trust.chain_id) && (await hashOf(0n)) === trust.genesis_hash, "another chain");
    for (const [contract, place] of [["CustodyLedger", trust.ledger], ["ActorRegistry", trust.actor_registry]])
      need(8, "0x" + keccak(bytes(await ask("eth_getCode", place, "latest"))).toString("hex") === trust.code_hashes[contract], "other code");
    for (const [n, hash] of blocks) need(9, (await hashOf(n)) === "0x" + hash, `block ${n} is another`);
  }
  console.log(rpcUrl ? "VALID" : "CONSISTENT, BLOCK NOT CHECKED");
  for (const [n, hash] of blocks) console.log(`block ${n} 0x${hash}`);
  process.exit(rpcUrl ? 0 : 3);
} catch (problem) { fail(3, `cannot be read: ${problem.message}`); }
