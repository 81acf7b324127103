/**
 * The `webauthn` seal scheme: a person's passkey (ES256) answers for a seal's digest. Beside (r, s) such a seal
 * carries an assertion: the length of the authenticator's data as 2 bytes, that data, the browser's client data.
 *
 * Sources: docs/spec/webauthn.md; WebAuthn Level 2, https://www.w3.org/TR/webauthn-2/, sections 5.8.1.1, 6.1, 7.2.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bigToBytes, bytesToBig, concatBytes, keccak, sameBytes, toBase64Url, utf8ToBytes } from "./bytes.ts";
import type { CheckSeal, PublicKey, Seal } from "./seal.ts";

export interface AssertedSeal extends Seal {
  readonly assertion: Uint8Array;
}
/** What an enrolment says of a passkey. */
export interface PasskeyIdentity {
  readonly key: PublicKey;
  readonly originDigest: bigint;
}

const ASSERTION_BYTES_MAX = 1024;
const LENGTH_BYTES = 2;
/** SHA-256 of the relying party's id, flags, and a counter of 4 bytes; extensions may follow. */
const AUTHENTICATOR_DATA_BYTES_MIN = 37;
const FLAGS_AT = 32;
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const BEFORE_CHALLENGE = '{"type":"webauthn.get","challenge":"';
const BEFORE_ORIGIN = '","origin":"';
const AFTER_ORIGIN = '","crossOrigin":false';
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Whether the key's owner answered for this digest, on a page of this origin.
 *
 * 1. The assertion is well-formed: at most 1024 bytes, of which at least 37 are the authenticator's data.
 * 2. The flags say that a person was present and verified (by PIN, finger or face).
 * 3. The client data is a `webauthn.get` for exactly this digest, by this origin, not from inside a frame of
 *    another.
 * 4. (r, s) is the key's signature; both halves of s count.
 */
export function isAssertionOf(
  digest: Uint8Array,
  passkey: PasskeyIdentity,
  seal: AssertedSeal,
  checkSeal: CheckSeal,
): boolean {
  const message = assertedMessage(digest, passkey.originDigest, seal.assertion);
  return message !== undefined && checkSeal(message, passkey.key, seal);
}

/** The bytes that the passkey signed, or undefined where steps 1 to 3 say no; the caller does step 4. */
export function assertedMessage(
  digest: Uint8Array,
  originDigest: bigint,
  assertion: Uint8Array,
): Uint8Array | undefined {
  // 1.
  if (assertion.length < LENGTH_BYTES || assertion.length > ASSERTION_BYTES_MAX) return undefined;
  const splitAt = LENGTH_BYTES + Number(bytesToBig(assertion.subarray(0, LENGTH_BYTES)));
  const authenticatorData = assertion.subarray(LENGTH_BYTES, splitAt);
  const clientData = assertion.subarray(splitAt);
  if (splitAt > assertion.length || authenticatorData.length < AUTHENTICATOR_DATA_BYTES_MIN) return undefined;
  // 2.
  const flags = authenticatorData[FLAGS_AT] ?? 0;
  if ((flags & USER_PRESENT) === 0 || (flags & USER_VERIFIED) === 0) return undefined;
  // 3.
  if (!isClientData(clientData, digest, originDigest)) return undefined;
  return concatBytes(authenticatorData, sha256(clientData));
}

/** Compares bytes and parses no JSON: section 5.8.1.1 fixes how browsers write these fields, and their order. */
function isClientData(clientData: Uint8Array, digest: Uint8Array, originDigest: bigint): boolean {
  const start = utf8ToBytes(BEFORE_CHALLENGE + toBase64Url(digest) + BEFORE_ORIGIN);
  if (!startsWith(clientData, start)) return false;
  const rest = clientData.subarray(start.length);
  const end = rest.findIndex((byte) => byte === QUOTE || byte === BACKSLASH);
  if (end < 0 || digestOfOrigin(rest.subarray(0, end)) !== originDigest) return false;
  // A later edition of the standard may add fields, but only behind these.
  const tail = rest.subarray(end);
  return ["}", ","].some((next) => startsWith(tail, utf8ToBytes(AFTER_ORIGIN + next)));
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return sameBytes(bytes.subarray(0, start.length), start);
}

/** The 64 bits by which an enrolment names the origin of its passkey: `https://bins.example.org`. */
export function originDigestOf(origin: string): bigint {
  return digestOfOrigin(utf8ToBytes(origin));
}

function digestOfOrigin(origin: Uint8Array): bigint {
  return bytesToBig(keccak(origin).subarray(0, 8));
}

/** The assertion as a seal carries it. */
export function packAssertion(authenticatorData: Uint8Array, clientData: Uint8Array): Uint8Array {
  return concatBytes(
    bigToBytes(BigInt(authenticatorData.length), LENGTH_BYTES),
    authenticatorData,
    clientData,
  );
}
