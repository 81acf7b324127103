/** P-256 in plain JavaScript: WebCrypto is not there on every page that is opened from a file. */
import { p256 } from "@noble/curves/nist.js";
import { concatBytes, hexToBytes } from "../domain/bytes.ts";
import type { CheckSeal } from "../domain/seal.ts";

export const checkSeal: CheckSeal = (message, key, seal) => {
  try {
    const point = concatBytes(Uint8Array.of(4), hexToBytes(key.x), hexToBytes(key.y));
    const signature = concatBytes(hexToBytes(seal.r), hexToBytes(seal.s));
    return p256.verify(signature, message, point, { prehash: true, lowS: false });
  } catch {
    return false;
  }
};
