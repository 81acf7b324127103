/** A backend in memory that judges segments by the domain's own rules, behind a line that can be cut. */
import { bytesToHex, hexToBytes } from "../../scanner_app/src/domain/bytes.ts";
import { append, emptyJournal, type JournalTip, splitWords } from "../../scanner_app/src/domain/journal.ts";
import { type PublicKey, sealDigest } from "../../scanner_app/src/domain/seal.ts";
import {
  MalformedUpload,
  SEGMENT_BYTES_TYPE,
  type Upload,
  unpackUploads,
} from "../../scanner_app/src/domain/segment_bytes.ts";
import type { DeviceId, Head } from "../../scanner_app/src/domain/types.ts";
import { checkSeal } from "./check_seal.ts";

export const NETWORK = {
  chainId: 31337,
  ledger: "5fbdb2315678afecb367f032d93f642f64180aa3",
  publicBaseUrl: "http://localhost",
};

/** What happens to one call: it is answered, cut before it arrives, or cut before the answer is back. */
export type Cut = "none" | "before" | "after";

export class FakeBackend {
  readonly entries: string[] = [];
  readonly uploads: Upload[] = [];
  readonly bodies: { readonly type: string; readonly length: number }[] = [];
  calls = 0;
  isRevoked = false;
  /** The `Date` of its answers; none while undefined. */
  date: string | undefined;
  /** What it answers a body of bytes with; undefined where it takes them. */
  bytesProblem: readonly [slug: string, status: number] | undefined;
  private tip: JournalTip;
  private readonly receipts = new Map<string, object>();
  private readonly heads: Head[] = [];

  constructor(
    private readonly device: DeviceId,
    private readonly key: PublicKey,
    private readonly cut: (call: number) => Cut = () => "none",
    private readonly entriesMax = 256,
  ) {
    this.tip = emptyJournal({ ...NETWORK, device });
  }

  /** Forgets everything after so many entries, as a restored backup does. */
  forgetAfter(count: number): void {
    this.entries.splice(count);
    this.heads.splice(count);
    this.receipts.clear();
    const head = this.heads.at(-1) ?? emptyJournal({ ...NETWORK, device: this.device }).head;
    this.tip = { nextSeq: count + 1, head };
  }

  readonly fetch: typeof fetch = async (input, init) => {
    this.calls += 1;
    const cut = this.cut(this.calls);
    if (cut === "before") throw new TypeError("cut before it arrived");
    const answer = this.answer(String(input), init);
    if (this.date !== undefined) answer.headers.set("Date", this.date);
    if (cut === "after") throw new TypeError("cut before the answer was back");
    return answer;
  };

  private answer(path: string, init?: RequestInit): Response {
    if (path.endsWith("/segments")) return this.handIn(new Headers(init?.headers), init?.body);
    const accepted = { seq: this.tip.nextSeq - 1, head: this.tip.head };
    if (path.includes("/devices/"))
      return Response.json({ device: this.device, accepted, revoked: this.isRevoked });
    return problem("unknown-entry", 404);
  }

  private handIn(headers: Headers, body: BodyInit | null | undefined): Response {
    const type = headers.get("Content-Type") ?? "";
    if (type !== SEGMENT_BYTES_TYPE) {
      this.bodies.push({ type, length: String(body).length });
      return this.accept(JSON.parse(String(body)) as Upload);
    }
    const bytes = body as Uint8Array;
    this.bodies.push({ type, length: bytes.length });
    if (this.bytesProblem) return problem(...this.bytesProblem);
    const [upload, ...more] = unpackUploads(bytes);
    if (upload === undefined || more.length > 0) throw new MalformedUpload("/count");
    return this.accept(upload);
  }

  private accept(upload: Upload): Response {
    this.uploads.push(upload);
    const words = splitWords(hexToBytes(upload.words));
    if (words.length > this.entriesMax) return problem("segment-too-heavy", 413);
    const last = upload.first_seq + words.length - 1;
    const id = `${upload.first_seq}-${last}`;
    const known = this.receipts.get(id);
    if (known !== undefined) return Response.json({ receipt: known, warnings: [] });
    if (upload.first_seq > this.tip.nextSeq) return problem("gap", 409, { next_seq: this.tip.nextSeq });
    if (upload.first_seq < this.tip.nextSeq) return problem("fork", 409);
    const after = words.reduce(append, this.tip);
    const digest = sealDigest({ ...NETWORK, device: this.device }, last, after.head);
    if (!checkSeal(digest, this.key, upload.seal)) return problem("bad-seal", 403);
    for (const entry of words) {
      this.tip = append(this.tip, entry);
      this.heads.push(this.tip.head);
      this.entries.push(bytesToHex(entry));
    }
    const receipt = {
      id,
      device: this.device,
      first_seq: upload.first_seq,
      last_seq: last,
      head: after.head,
      received_at: "2026-03-01T05:12:09Z",
    };
    this.receipts.set(id, receipt);
    const revoked = { pointer: "/entries/0", seq: upload.first_seq, code: "revoked-device", message: "" };
    return Response.json({ receipt, warnings: this.isRevoked ? [revoked] : [] }, { status: 201 });
  }
}

export function problem(slug: string, status: number, more: object = {}): Response {
  const body = { type: `/problems/${slug}`, title: slug, status, detail: "", retryable: false, ...more };
  const headers = { "Content-Type": "application/problem+json" };
  return new Response(JSON.stringify(body), { status, headers });
}
