/** Signatures as authenticators write them. */
import { bytesToHex } from "../domain/bytes.ts";
import type { Seal } from "../domain/seal.ts";

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const SCALAR_BYTES = 32;

/**
 * (r, s) of an `Ecdsa-Sig-Value` in DER, or undefined when it is anything but DER, or a number is negative or
 * longer than 256 bits. Whether it is a signature of anything is for the verifier to say.
 *
 * Source: RFC 3279, section 2.2.3; X.690, sections 8 and 10. WebAuthn Level 2, section 6.5.5, asks for this form.
 */
export function sealFromDer(der: Uint8Array): Seal | undefined {
  const content = readPart(der, 0, SEQUENCE);
  if (content === undefined || content.end !== der.length) return undefined;
  const r = readPart(der, content.start, INTEGER);
  const s = r && readPart(der, r.end, INTEGER);
  if (r === undefined || s === undefined || s.end !== der.length) return undefined;
  const [rHex, sHex] = [scalar(der.subarray(r.start, r.end)), scalar(der.subarray(s.start, s.end))];
  return rHex === undefined || sHex === undefined ? undefined : { r: rHex, s: sHex };
}

function readPart(der: Uint8Array, at: number, tag: number): { start: number; end: number } | undefined {
  const length = der[at + 1];
  // Two numbers of 256 bits need 70 bytes at most, so the length is always one byte.
  if (der[at] !== tag || length === undefined || length >= 0x80) return undefined;
  const start = at + 2;
  return start + length <= der.length ? { start, end: start + length } : undefined;
}

function scalar(integer: Uint8Array): string | undefined {
  const [first, second = 0] = integer;
  if (first === undefined || first >= 0x80) return undefined;
  const isPadded = first === 0 && integer.length > 1;
  // A leading zero is there only to keep the number positive.
  if (isPadded && second < 0x80) return undefined;
  const digits = isPadded ? integer.subarray(1) : integer;
  return digits.length > SCALAR_BYTES ? undefined : bytesToHex(digits).padStart(2 * SCALAR_BYTES, "0");
}
