/** The EIP-712 hash of a seal, and the shape of a signature. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bigToBytes, bytesToBig, bytesToHex, concatBytes, hexToBytes, keccak, utf8ToBytes } from "./bytes.ts";
import { addressNumber, type JournalPlace } from "./journal.ts";
import { type Head, numberOf, type Seq } from "./types.ts";

export interface PublicKey {
  readonly x: string;
  readonly y: string;
}
export interface Seal {
  readonly r: string;
  readonly s: string;
}
/** Says whether a signature is the key's over these bytes; how is the caller's matter. Both halves of s count. */
export type CheckSeal = (message: Uint8Array, key: PublicKey, seal: Seal) => boolean;

/** A head that a device sealed, with its key and seal. */
export interface SealProof {
  readonly seq: Seq;
  readonly head: Head;
  readonly key: PublicKey;
  readonly seal: Seal;
  /** What a passkey signed around the seal's digest; empty or absent for a raw seal. */
  readonly assertion?: Uint8Array | undefined;
}

const DOMAIN_TYPE = keccak(
  utf8ToBytes("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
);
const SEAL_TYPE = keccak(utf8ToBytes("Seal(uint64 device,uint40 seq,bytes32 head)"));
const NAME = keccak(utf8ToBytes("Huanlian"));
const VERSION = keccak(utf8ToBytes("1"));

/** The order of P-256, so that s can be kept in its lower half. Source: FIPS 186-5, via SEC 2. */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

export function sealDigest(place: JournalPlace, seq: Seq, head: Head): Uint8Array {
  const message = keccak(
    SEAL_TYPE,
    bigToBytes(numberOf(place.device), 32),
    bigToBytes(BigInt(seq), 32),
    hexToBytes(head),
  );
  return domainDigest(place, message);
}

/** The EIP-712 digest of a struct's hash in the domain of a ledger. */
export function domainDigest(network: { chainId: number; ledger: string }, message: Uint8Array): Uint8Array {
  const domain = keccak(
    DOMAIN_TYPE,
    NAME,
    VERSION,
    bigToBytes(BigInt(network.chainId), 32),
    bigToBytes(addressNumber(network.ledger), 32),
  );
  return keccak(new Uint8Array([0x19, 0x01]), domain, message);
}

/** The same signature with s in the lower half of the order. */
export function withLowS(seal: Seal): Seal {
  const s = numberOf(seal.s);
  if (s <= P256_ORDER / 2n) return seal;
  return { r: seal.r, s: (P256_ORDER - s).toString(16).padStart(64, "0") };
}

/** The 160-bit name of a public key, as the ledger keeps it: 40 hex digits. */
export function keyHash(key: PublicKey): string {
  return bytesToHex(keccak(hexToBytes(key.x), hexToBytes(key.y)).subarray(12));
}

/** The six digits that phone and registrar compare before an enrolment; both compute them from the key. */
export function checkCode(key: PublicKey): string {
  const digest = sha256(concatBytes(hexToBytes(key.x), hexToBytes(key.y)));
  return String(bytesToBig(digest.subarray(0, 8)) % 1_000_000n).padStart(6, "0");
}
