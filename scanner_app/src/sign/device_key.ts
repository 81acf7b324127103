/** This device's key: made here, never readable, only usable. */
import { bytesToHex, concatBytes, hexToBytes } from "../domain/bytes.ts";
import { type PublicKey, type Seal, withLowS } from "../domain/seal.ts";

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;

export interface DeviceKey {
  readonly privateKey: CryptoKey;
  readonly publicKey: PublicKey;
}

export async function makeDeviceKey(): Promise<DeviceKey> {
  const pair = await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
  const point = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return {
    privateKey: pair.privateKey,
    publicKey: { x: bytesToHex(point.slice(1, 33)), y: bytesToHex(point.slice(33)) },
  };
}

/** ECDSA-SHA256 over the digest's 32 bytes, with low s. */
export async function signDigest(key: DeviceKey, digest: Uint8Array): Promise<Seal> {
  const signature = new Uint8Array(await crypto.subtle.sign(SIGNING, key.privateKey, buffer(digest)));
  return withLowS({ r: bytesToHex(signature.slice(0, 32)), s: bytesToHex(signature.slice(32)) });
}

export async function isSealOf(digest: Uint8Array, key: PublicKey, seal: Seal): Promise<boolean> {
  try {
    const point = concatBytes(new Uint8Array([4]), hexToBytes(key.x), hexToBytes(key.y));
    const verifying = await crypto.subtle.importKey("raw", buffer(point), CURVE, false, ["verify"]);
    const signature = concatBytes(hexToBytes(seal.r), hexToBytes(seal.s));
    return await crypto.subtle.verify(SIGNING, verifying, buffer(signature), buffer(digest));
  } catch {
    return false;
  }
}

function buffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer as ArrayBuffer;
}
