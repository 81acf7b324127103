import { p256 } from "@noble/curves/nist.js";
import { concatBytes, hexToBytes } from "../../scanner_app/src/domain/bytes.ts";
import type { PublicKey, Seal } from "../../scanner_app/src/domain/seal.ts";

/** The check that the phone does with WebCrypto, here without waiting. */
export function checkSeal(digest: Uint8Array, key: PublicKey, seal: Seal): boolean {
  try {
    const point = concatBytes(new Uint8Array([4]), hexToBytes(key.x), hexToBytes(key.y));
    const signature = concatBytes(hexToBytes(seal.r), hexToBytes(seal.s));
    return p256.verify(signature, digest, point, {
      prehash: true,
      lowS: false,
    });
  } catch {
    return false;
  }
}
