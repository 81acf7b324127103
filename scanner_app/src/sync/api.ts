/** The backend's HTTP interface, as docs/spec/api.md says it. */
import type { Certificate } from "../domain/certificate.ts";
import type { PublicKey, Seal } from "../domain/seal.ts";
import {
  type DeviceId,
  type Head,
  type LotId,
  type OrganisationId,
  type Outcome,
  type Role,
  ROLE_CODE,
  type Seq,
  type Stream,
} from "../domain/types.ts";
import type { Directory, DirectoryBin, OnLedger, Receipt, Warning } from "../store/database.ts";

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly retryable: boolean;
  readonly next_seq?: number;
}
/** The backend's answer: a value, a problem it names, or no answer at all. */
export type Answer<T> =
  | { readonly is: "ok"; readonly value: T }
  | { readonly is: "problem"; readonly problem: Problem; readonly retryAfterSeconds: number | undefined }
  | { readonly is: "unreachable" };

export interface EvidenceUpload {
  readonly seq: Seq;
  readonly salt: string;
  /** Canonical JSON, byte for byte what the digest was made from. */
  readonly document: string;
}
export interface Upload {
  readonly device: DeviceId;
  readonly first_seq: Seq;
  readonly words: string;
  readonly key: PublicKey;
  readonly seal: Seal;
  readonly evidence?: readonly EvidenceUpload[];
}
export interface Uploaded {
  readonly receipt: Receipt;
  readonly warnings: readonly (Warning & { readonly seq: Seq })[];
}
export interface NetworkInfo {
  readonly chain_id: number;
  readonly ledger: string;
  readonly public_base_url: string;
}
export interface DeviceInfo {
  readonly device: DeviceId;
  readonly organisation: OrganisationId;
  readonly role: Role | number;
  readonly not_after: string | number | null;
  readonly revoked: boolean;
  readonly accepted: { readonly seq: Seq; readonly head: Head };
  readonly certificate: Certificate | null;
}
export interface Enrolment {
  readonly code: string;
  readonly organisation: OrganisationId;
  readonly role: Role | number;
  readonly state: "open" | "waiting" | "approved" | "expired";
  readonly key: PublicKey | null;
  readonly check: string | null;
  readonly device: DeviceId | null;
  readonly certificate: Certificate | null;
}
export interface EntryInfo {
  readonly state: OnLedger["state"];
  readonly outcome: Outcome | number | null;
  readonly tx_hash: string | null;
  readonly block_number: number | null;
  readonly segment: { readonly first_seq: Seq; readonly last_seq: Seq } | null;
}
export interface LotOnTheWay {
  readonly lot: LotId;
  readonly stream: Stream | number;
  readonly grams: number;
  readonly lifts: number;
  readonly giver: DeviceId;
  readonly give_seq: Seq;
  readonly give_head: Head;
  readonly given_at: string;
  readonly from: {
    readonly organisation: OrganisationId;
    readonly name: { readonly zh: string; readonly en: string } | string;
  };
}

export class Api {
  constructor(
    private readonly fetching: typeof fetch,
    private readonly language: () => string,
    private readonly base = "/api/v1",
  ) {}

  network = () => this.ask<NetworkInfo>("GET", "/network");
  device = (device: DeviceId) => this.ask<DeviceInfo>("GET", `/devices/${device}`);
  directory = () => this.ask<Directory & { readonly bins: readonly DirectoryBin[] }>("GET", "/directory");
  upload = (upload: Upload) => this.ask<Uploaded>("POST", "/segments", upload);
  entry = (device: DeviceId, seq: Seq) => this.ask<EntryInfo>("GET", `/entries/${device}/${seq}`);
  lotsGivenTo = (organisation: OrganisationId) =>
    this.ask<{ readonly lots: readonly LotOnTheWay[] }>("GET", `/lots?given_to=${organisation}`);
  invite = (organisation: OrganisationId, role: Role) =>
    this.ask<{ readonly code: string; readonly expires_at: string }>("POST", "/enrolments", {
      organisation,
      role: ROLE_CODE[role],
    });
  offerKey = (code: string, key: PublicKey) =>
    this.ask<{ readonly state: string; readonly check: string }>(
      "PUT",
      `/enrolments/${encodeURIComponent(code)}/key`,
      key,
    );
  enrolment = (code: string) => this.ask<Enrolment>("GET", `/enrolments/${encodeURIComponent(code)}`);

  private async ask<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const headers: Record<string, string> = { "Accept-Language": this.language() };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    try {
      const answer = await this.fetching(this.base + path, {
        method,
        headers,
        cache: "no-store",
        signal: AbortSignal.timeout(30_000),
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      if (answer.ok) return { is: "ok", value: (await answer.json()) as T };
      return await readProblem(answer);
    } catch {
      // No network, a cut connection, or an answer that ends in the middle: nobody knows what was done.
      return { is: "unreachable" };
    }
  }
}

async function readProblem(answer: Response): Promise<Answer<never>> {
  const seconds = Number(answer.headers.get("Retry-After") ?? Number.NaN);
  const retryAfterSeconds = Number.isFinite(seconds) ? seconds : undefined;
  const isProblem = answer.headers.get("Content-Type")?.includes("application/problem+json");
  // A proxy's own error page says nothing about the segment: ask again.
  const stranger = { type: "", title: answer.statusText, status: answer.status, detail: "", retryable: true };
  const problem = isProblem ? ((await answer.json()) as Problem) : stranger;
  return { is: "problem", problem, retryAfterSeconds };
}

/** The last part of a problem's type, which is what programs match on. */
export function slugOf(problem: Problem): string {
  return problem.type.split("/").at(-1) ?? "";
}
