/**
 * A journal that cannot be sent, as a run of QR codes for another device to read: each code bears a part of one body
 * of segments (docs/spec/entries.md, "Segment bytes"), its place in the run, and the digest of the whole.
 */
import { bytesToHex, fromBase64Url, keccak, toBase64Url } from "./bytes.ts";

/** What a scratched lens still reads off a phone's screen. */
const PART_CHARACTERS = 400;
const RUN_DIGITS = 16;
const PARTS_MAX = 9_999;

export interface RescuePart {
  /** The first digits of the whole body's digest: parts of two runs are never mixed. */
  readonly run: string;
  /** From 1. */
  readonly at: number;
  readonly of: number;
  readonly part: string;
}

export function rescueTexts(page: string, body: Uint8Array): string[] {
  const run = runOf(body);
  const parts = toBase64Url(body).match(new RegExp(`.{1,${PART_CHARACTERS}}`, "g")) ?? [];
  return parts.map((part, at) => `${page}#rescue=${run}.${at + 1}.${parts.length}.${part}`);
}

export function readRescuePart(text: string): RescuePart | undefined {
  const found = /#rescue=([0-9a-f]{16})\.(\d{1,4})\.(\d{1,4})\.([A-Za-z0-9_-]+)$/.exec(text.trim());
  if (found === null) return undefined;
  const [, run = "", at, of, part = ""] = found;
  const read = { run, at: Number(at), of: Number(of), part };
  return read.at >= 1 && read.at <= read.of && read.of <= PARTS_MAX ? read : undefined;
}

export type Gathered =
  | { readonly is: "part"; readonly have: number; readonly of: number }
  | { readonly is: "whole"; readonly body: Uint8Array }
  /** All parts were read, and they are not what was shown; nothing of them is kept. */
  | { readonly is: "broken" };

/** Gathers one run, in whatever order its codes come; a code of another run begins anew. */
export class RescueReader {
  private parts = new Map<number, string>();
  private run = "";

  take({ run, at, of, part }: RescuePart): Gathered {
    const key = `${run}/${of}`;
    if (this.run !== key) {
      this.run = key;
      this.parts = new Map();
    }
    this.parts.set(at, part);
    if (this.parts.size < of) return { is: "part", have: this.parts.size, of };
    const text = Array.from({ length: of }, (_, index) => this.parts.get(index + 1) ?? "").join("");
    this.run = "";
    const body = fromBase64Url(text);
    return body !== undefined && runOf(body) === run ? { is: "whole", body } : { is: "broken" };
  }
}

function runOf(body: Uint8Array): string {
  return bytesToHex(keccak(body)).slice(0, RUN_DIGITS);
}
