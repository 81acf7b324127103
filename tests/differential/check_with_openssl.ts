/** The seal check by Node's own OpenSSL: twenty times faster than plain JavaScript, for long fuzzing. */
import { createPublicKey, verify } from "node:crypto";
import { concatBytes, hexToBytes, toBase64Url } from "../../scanner_app/src/domain/bytes.ts";
import type { PublicKey, Seal } from "../../scanner_app/src/domain/seal.ts";

export function checkWithOpenSsl(message: Uint8Array, key: PublicKey, seal: Seal): boolean {
  const publicKey = publicKeyOf(key);
  if (publicKey === undefined) return false;
  const signature = concatBytes(hexToBytes(seal.r), hexToBytes(seal.s));
  return verify("sha256", message, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature);
}

/** Undefined when the point is not on the curve. */
function publicKeyOf({ x, y }: PublicKey) {
  const point = { x: toBase64Url(hexToBytes(x)), y: toBase64Url(hexToBytes(y)) };
  try {
    return createPublicKey({ key: { kty: "EC", crv: "P-256", ...point }, format: "jwk" });
  } catch {
    return undefined;
  }
}
