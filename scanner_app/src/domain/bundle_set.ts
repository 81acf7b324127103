/**
 * Bundles that prove many entries at once: a lot's journey, or a day of a site. What they share stands once.
 * Source: docs/spec/bundle.md.
 */
import type { Inclusion } from "./blocks.ts";
import {
  BadBundle,
  type BundledCertificate,
  certificateJson,
  certificateOf,
  countOf,
  hexOf,
  hexText,
  type Json,
  listOf,
  objectOf,
  readCanonical,
} from "./bundle.ts";
import { bytesToHex, keccak, sameBytes, utf8ToBytes } from "./bytes.ts";
import { canonicalJson } from "./evidence.ts";
import type { LotId, SiteId } from "./types.ts";

export const SET_FORMAT = "huanlian-set-1";
const BYTES_MAX = 32 * 1024 * 1024;

export type About =
  | { readonly is: "lot"; readonly lot: LotId }
  | { readonly is: "day"; readonly site: SiteId; readonly date: string };

/** A recorded segment with all that proves it. */
export interface ProvedSegment {
  readonly prevHead: Uint8Array;
  readonly recorded: Inclusion;
  readonly certificates: readonly BundledCertificate[];
  readonly named: Inclusion;
  /** Where entries that had to wait got their last outcomes. */
  readonly settled: readonly Inclusion[];
}
export interface BundleSet {
  readonly chainId: number;
  readonly ledger: string;
  readonly about: About;
  readonly segments: readonly ProvedSegment[];
}

export function readSet(data: Uint8Array): BundleSet {
  const parsed = readCanonical(data, SET_FORMAT, BYTES_MAX);
  let content: BundleSet;
  let written: string;
  try {
    content = setOf(parsed);
    written = writeSet(content);
  } catch (problem) {
    throw new BadBundle(`It cannot be read: ${String(problem)}.`);
  }
  if (!sameBytes(utf8ToBytes(written), data)) {
    throw new BadBundle("The bytes are not canonical, or the digest is another.");
  }
  return content;
}

/** Values that stand once and are named by their place. */
class Shared<T> {
  readonly items: T[] = [];
  private readonly places = new Map<string, number>();

  place(item: T): number {
    const key = JSON.stringify(item);
    const known = this.places.get(key);
    if (known !== undefined) return known;
    this.places.set(key, this.items.length);
    this.items.push(item);
    return this.items.length - 1;
  }
}

function writeSet(content: BundleSet): string {
  const blocks = new Shared<{ block_hash: string; header: string }>();
  const receipts = new Shared<{ block: number; receipt: number; nodes: string[] }>();
  const certificates = new Shared<ReturnType<typeof certificateJson>>();
  const way = (inclusion: Inclusion) => {
    const shown = { block_hash: bytesToHex(inclusion.blockHash), header: bytesToHex(inclusion.header) };
    const block = blocks.place(shown);
    const nodes = inclusion.nodes.map((node) => bytesToHex(node));
    return { receipt: receipts.place({ block, receipt: inclusion.receipt, nodes }), log: inclusion.log };
  };
  const segments = content.segments.map((segment) => ({
    prev_head: bytesToHex(segment.prevHead),
    recorded: way(segment.recorded),
    certificates: segment.certificates.map((each) => certificates.place(certificateJson(each))),
    named: way(segment.named),
    settled: segment.settled.map(way),
  }));
  const { about } = content;
  const whole = {
    format: SET_FORMAT,
    chain_id: content.chainId,
    ledger: content.ledger,
    about: about.is === "lot" ? { lot: about.lot } : { site: about.site, date: about.date },
    blocks: blocks.items,
    receipts: receipts.items,
    certificates: certificates.items,
    segments,
  };
  return canonicalJson({ ...whole, digest: bytesToHex(keccak(utf8ToBytes(canonicalJson(whole)))) });
}

function setOf(parsed: Json): BundleSet {
  const blocks = listOf(parsed["blocks"]).map((each) => {
    const block = objectOf(each);
    return { blockHash: hexOf(block["block_hash"], 32), header: hexOf(block["header"]) };
  });
  const receipts = listOf(parsed["receipts"]).map((each) => {
    const receipt = objectOf(each);
    const nodes = listOf(receipt["nodes"]).map((node) => hexOf(node));
    return { ...at(blocks, receipt["block"]), receipt: countOf(receipt["receipt"]), nodes };
  });
  const certificates = listOf(parsed["certificates"]).map(certificateOf);
  const way = (value: unknown): Inclusion => {
    const shown = objectOf(value);
    return { ...at(receipts, shown["receipt"]), log: countOf(shown["log"]) };
  };
  return {
    chainId: countOf(parsed["chain_id"]),
    ledger: hexText(parsed["ledger"], 20),
    about: aboutOf(objectOf(parsed["about"])),
    segments: listOf(parsed["segments"]).map((each) => {
      const segment = objectOf(each);
      return {
        prevHead: hexOf(segment["prev_head"], 32),
        recorded: way(segment["recorded"]),
        certificates: listOf(segment["certificates"]).map((place) => at(certificates, place)),
        named: way(segment["named"]),
        settled: listOf(segment["settled"]).map(way),
      };
    }),
  };
}

function at<T>(items: readonly T[], place: unknown): T {
  const found = items[countOf(place)];
  if (found === undefined) throw new RangeError("a place that is not there");
  return found;
}

function aboutOf(shown: Json): About {
  if (shown["lot"] !== undefined) return { is: "lot", lot: hexText(shown["lot"], 12) as LotId };
  const { site, date } = shown;
  if (typeof date !== "string" || new Date(date).toISOString().slice(0, 10) !== date) {
    throw new TypeError("no date");
  }
  return { is: "day", site: hexText(site, 8) as SiteId, date };
}
