/**
 * Label text ⇄ the serial of a bin, with its check character. Any host is accepted: a label outlives the
 * address it was printed for. The same reading stands in backend/domain/label.py, bound by
 * tests/vectors/labels.json.
 */
import { bigToBytes, bytesToBig, bytesToHex, keccak } from "./bytes.ts";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const COMPANY_PREFIX = "9520000";
const SERIAL_CHARACTERS = 22;
const GIAI_CHARACTERS = COMPANY_PREFIX.length + SERIAL_CHARACTERS + 1;
const LABEL_CHARACTERS_MAX = 2048;
const AROUND = /^[ \t\r\n]+|[ \t\r\n]+$/g;
// The backend uses the same expression, so both read the same texts.
const LABEL = /^[Hh][Tt][Tt][Pp][Ss]?:\/\/[^/?#\s]+(?:\/[^?#\s]*)?\/8004\/([^/?#\s]+)\/?(?:[?#]\S*)?$/u;

export interface Label {
  readonly giai: string;
  /** 16 random bytes. */
  readonly serial: Uint8Array;
  /** keccak256 of the serial, hex: how the directory names a bin. */
  readonly serialDigest: string;
}

/** Why a text does not name one of our bins; the words are the backend's problem slugs. */
export type NotOurBin =
  | "empty-label"
  | "not-our-label"
  | "foreign-prefix"
  | "wrong-label-length"
  | "bad-label-character"
  | "bad-check-character"
  | "serial-out-of-range";

export type ReadLabel =
  { readonly is: "bin"; readonly label: Label } | { readonly is: "not-our-bin"; readonly why: NotOurBin };

const notOurBin = (why: NotOurBin): ReadLabel => ({ is: "not-our-bin", why });

/** The check character over the 29 before it. Source: ISO/IEC 7064, hybrid systems, with M = 62. */
export function checkCharacter(text: string): string {
  let product = 62;
  for (const character of text) {
    const sum = (product + BASE62.indexOf(character)) % 62 || 62;
    product = (2 * sum) % 63;
  }
  return BASE62.charAt((63 - product) % 62);
}

export function giaiOf(serial: Uint8Array): string {
  let rest = bytesToBig(serial);
  let text = "";
  for (let at = 0; at < SERIAL_CHARACTERS; at += 1) {
    text = BASE62.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  }
  const body = COMPANY_PREFIX + text;
  return body + checkCharacter(body);
}

export function labelUrl(serial: Uint8Array, baseUrl: string): string {
  return `${baseUrl.replace(/\/+$/, "")}/8004/${giaiOf(serial)}`;
}

/** Reads what a camera saw. */
export function readLabel(text: string): ReadLabel {
  const trimmed = text.replace(AROUND, "");
  if (trimmed === "") return notOurBin("empty-label");
  const giai = trimmed.length <= LABEL_CHARACTERS_MAX ? LABEL.exec(trimmed)?.[1] : undefined;
  return giai === undefined ? notOurBin("not-our-label") : readGiai(giai);
}

/** Reads what a person typed: an address, the line under the code, or its last 23 characters. */
export function readTyped(text: string): ReadLabel {
  if (/^\s*https?:/i.test(text)) return readLabel(text);
  const typed = text.replace(/^\s*\(8004\)/, "").replace(/[\s.·-]/g, "");
  return readGiai(typed.length === SERIAL_CHARACTERS + 1 ? COMPANY_PREFIX + typed : typed);
}

function readGiai(giai: string): ReadLabel {
  if (giai === "") return notOurBin("empty-label");
  if (!giai.startsWith(COMPANY_PREFIX)) return notOurBin("foreign-prefix");
  if ([...giai].length !== GIAI_CHARACTERS) return notOurBin("wrong-label-length");
  if (!/^[0-9A-Za-z]+$/.test(giai)) return notOurBin("bad-label-character");
  const body = giai.slice(0, -1);
  if (checkCharacter(body) !== giai.slice(-1)) return notOurBin("bad-check-character");
  let value = 0n;
  for (const character of body.slice(COMPANY_PREFIX.length)) {
    value = value * 62n + BigInt(BASE62.indexOf(character));
  }
  // 22 characters of base62 can say a little more than 128 bits.
  if (value >= 1n << 128n) return notOurBin("serial-out-of-range");
  const serial = bigToBytes(value, 16);
  return { is: "bin", label: { giai, serial, serialDigest: bytesToHex(keccak(serial)) } };
}
