/** The app's own sealing modules, where a test in a real browser can call them. Bytes travel as hex. */
import { bytesToHex, hexToBytes } from "../../../scanner_app/src/domain/bytes.ts";
import type { PublicKey, Seal } from "../../../scanner_app/src/domain/seal.ts";
import { isAssertionOf, originDigestOf } from "../../../scanner_app/src/domain/webauthn.ts";
import { sealFromDer } from "../../../scanner_app/src/sign/der.ts";
import { isSealOf, makeDeviceKey, signDigest } from "../../../scanner_app/src/sign/device_key.ts";
import {
  isPasskeySealOf,
  makePasskey,
  type Passkey,
  sealWithPasskey,
} from "../../../scanner_app/src/sign/passkey.ts";
import { checkSeal } from "../check_seal.ts";

interface Signed extends PublicKey, Seal {
  readonly message: string;
}
interface Asserted extends PublicKey, Seal {
  readonly digest: string;
  readonly origin_digest: string;
  readonly assertion: string;
}
interface SignedDer extends PublicKey {
  readonly message: string;
  readonly der: string;
}
interface PlainPasskey {
  readonly id: string;
  readonly x: string;
  readonly y: string;
  readonly origin: string;
}
interface PlainSeal extends Seal {
  readonly assertion: string;
}

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const isHigh = (seal: Seal) => BigInt(`0x${seal.s}`) > ORDER / 2n;

async function judge(signed: readonly Signed[]) {
  const webCrypto = [];
  const noble = [];
  for (const each of signed) {
    webCrypto.push(await isSealOf(hexToBytes(each.message), each, each));
    noble.push(checkSeal(hexToBytes(each.message), each, each));
  }
  return { webCrypto, noble };
}

/** With WebCrypto, and with noble. */
async function judgeAssertions(asserted: readonly Asserted[]) {
  const verdicts = [];
  for (const { digest, origin_digest, assertion, x, y, r, s } of asserted) {
    const passkey = { key: { x, y }, originDigest: BigInt(`0x${origin_digest}`) };
    const sealed = { r, s, assertion: hexToBytes(assertion) };
    verdicts.push([
      await isPasskeySealOf(hexToBytes(digest), passkey, sealed),
      isAssertionOf(hexToBytes(digest), passkey, sealed, checkSeal),
    ]);
  }
  return verdicts;
}

/** Null where the app's reader finds no (r, s). */
async function judgeDer(signed: readonly SignedDer[]) {
  const verdicts = [];
  for (const each of signed) {
    const seal = sealFromDer(hexToBytes(each.der));
    verdicts.push(seal === undefined ? null : await isSealOf(hexToBytes(each.message), each, seal));
  }
  return verdicts;
}

/** Signs random digests until so many have a high s: as WebCrypto gives them, and as the app sends them. */
async function signHigh(count: number) {
  const high: Signed[] = [];
  const sent: Signed[] = [];
  let signatures = 0;
  for (; high.length < count; signatures += 1) {
    const { privateKey, publicKey } = await makeDeviceKey();
    const digest = crypto.getRandomValues(new Uint8Array(32));
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    const made = bytesToHex(new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, digest)));
    const seal = { r: made.slice(0, 64), s: made.slice(64) };
    const message = bytesToHex(digest);
    if (isHigh(seal)) high.push({ message, ...publicKey, ...seal });
    sent.push({ message, ...publicKey, ...(await signDigest({ privateKey, publicKey }, digest)) });
  }
  return { signatures, high, sent };
}

async function make(): Promise<PlainPasskey> {
  const { id, publicKey, origin } = await makePasskey({ system: "Huanlian", device: "0000020000000007" });
  return { id: bytesToHex(id), ...publicKey, origin };
}

function toPasskey({ id, x, y, origin }: PlainPasskey): Passkey {
  return { id: hexToBytes(id), publicKey: { x, y }, origin };
}

async function seal(passkey: PlainPasskey, digest: string): Promise<PlainSeal> {
  const { r, s, assertion } = await sealWithPasskey(toPasskey(passkey), hexToBytes(digest));
  return { r, s, assertion: bytesToHex(assertion) };
}

function isSeal(passkey: PlainPasskey, digest: string, { r, s, assertion }: PlainSeal): Promise<boolean> {
  const identity = { key: { x: passkey.x, y: passkey.y }, originDigest: originDigestOf(passkey.origin) };
  return isPasskeySealOf(hexToBytes(digest), identity, { r, s, assertion: hexToBytes(assertion) });
}

Object.assign(window, { sealing: { judge, judgeDer, judgeAssertions, signHigh, make, seal, isSeal } });
