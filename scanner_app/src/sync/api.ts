/** The backend's HTTP interface, as docs/spec/api.md says it. */
import type { Certificate } from "../domain/certificate.ts";
import type { PublicKey, Seal } from "../domain/seal.ts";
import type { Basis } from "../domain/tolerances.ts";
import { packUploads, SEGMENT_BYTES_TYPE, type Upload } from "../domain/segment_bytes.ts";
import {
  type DeviceId,
  type Head,
  type LotId,
  type OrganisationId,
  type Outcome,
  type Role,
  ROLE_CODE,
  type Seconds,
  type Seq,
  type Stream,
} from "../domain/types.ts";
import type { OnLedger, Receipt, ToldMandate, Warning } from "../store/database.ts";

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

export interface Uploaded {
  readonly receipt: Receipt;
  readonly warnings: readonly (Warning & { readonly seq: Seq })[];
}
export interface NetworkInfo {
  readonly chain_id: number;
  readonly ledger: string;
  readonly public_base_url: string;
  /** Nodes of the chain that a phone may ask of a block; absent from a backend that does not say. */
  readonly nodes?: readonly string[];
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
  /** Of the page that made a passkey; null or absent for a device's own key. */
  readonly origin?: string | null;
  readonly check: string | null;
  readonly device: DeviceId | null;
  readonly certificate: Certificate | null;
}
/** What a phone offers as its next key, sealed by the one it has. */
export interface RenewalRequest {
  readonly key: PublicKey;
  readonly new_key: PublicKey;
  readonly seal: Seal;
}
export interface RenewalAnswer {
  readonly device: DeviceId;
  readonly state: "waiting" | "approved";
  readonly asked_at: string;
  readonly renewed: DeviceId | null;
  readonly certificate: Certificate | null;
}
/** A request that no registrar has answered, with the certificate of the device that asks. */
export interface WaitingRenewal {
  readonly device: DeviceId;
  readonly new_key: PublicKey;
  readonly seal: Seal;
  readonly asked_at: string;
  readonly revoked: boolean;
  readonly certificate: Certificate | null;
}
export interface EntryInfo {
  readonly state: OnLedger["state"];
  /** A name, or the ledger's byte, which holds the flaw too. */
  readonly outcome: Outcome | number | null;
  /** Its name, when the outcome is one. */
  readonly flaw?: string | null;
  readonly tx_hash: string | null;
  readonly block_number: number | null;
  readonly segment: { readonly first_seq: Seq; readonly last_seq: Seq } | null;
}
export interface LotOnTheWay {
  readonly lot: LotId;
  readonly stream: Stream | number;
  /** Bit 1 << stream for each other stream in it; absent from a backend that does not say. */
  readonly mixture?: number;
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

/** A lot as the books have it. */
export interface LotNow {
  readonly holder: DeviceId;
  readonly grams: number;
}

/** What the books make of a lot's handoffs, as far as a gate asks. */
export interface Judgements {
  readonly handoffs: readonly {
    readonly give: { readonly device: DeviceId; readonly seq: Seq };
    readonly stream: Stream | number | null;
    readonly basis: Basis | number | null;
  }[];
}

/** A directory that may have been written by anybody, or none where it is the one that the phone has. */
export type FetchedDirectory =
  | { readonly is: "new"; readonly tag: string; readonly content: unknown }
  | { readonly is: "same"; readonly at: Seconds | undefined };

/** How a request differs from the rest: longer in coming, or read another way. */
interface Unlike<T> {
  readonly headers?: Readonly<Record<string, string>>;
  readonly patienceMilliseconds?: number;
  readonly read?: (answer: Response) => Promise<T>;
}

const PATIENCE_MILLISECONDS = 30_000;
/** A large download on a bad line. */
const LONG_PATIENCE_MILLISECONDS = 180_000;
const NOT_MODIFIED = 304;

/** A server that does not know the form of a body has not judged what is in it. */
const FORM_NOT_KNOWN = [400, 415, 422];

export class Api {
  private speaksBytes = true;

  constructor(
    private readonly fetching: typeof fetch,
    private readonly language: () => string,
    private readonly base = "/api/v1",
    /** Told the `Date` of every answer. */
    private readonly dated: (date: string | null) => void = () => undefined,
  ) {}

  network = () => this.ask<NetworkInfo>("GET", "/network");
  device = (device: DeviceId) => this.ask<DeviceInfo>("GET", `/devices/${device}`);
  /** `tag` names the directory that the phone has; the server sends it no second time. */
  directory = (path: string, tag = "") =>
    this.ask<FetchedDirectory>("GET", path, undefined, undefined, {
      headers: tag === "" ? {} : { "If-None-Match": tag },
      patienceMilliseconds: LONG_PATIENCE_MILLISECONDS,
      read: readDirectoryAnswer,
    });

  /** Sends a segment as bytes; to a server that does not take them, from then on as JSON. */
  async upload(upload: Upload): Promise<Answer<Uploaded>> {
    if (this.speaksBytes) {
      const answer = await this.ask<Uploaded>("POST", "/segments", packUploads([upload]), SEGMENT_BYTES_TYPE);
      if (answer.is !== "problem" || !FORM_NOT_KNOWN.includes(answer.problem.status)) return answer;
      this.speaksBytes = false;
    }
    return this.send<Uploaded>("POST", "/segments", upload);
  }

  entry = (device: DeviceId, seq: Seq) => this.ask<EntryInfo>("GET", `/entries/${device}/${seq}`);
  bundle = (device: DeviceId, seq: Seq) =>
    this.ask("GET", `/entries/${device}/${seq}/bundle`, undefined, undefined, { read: readBytes });
  lot = (lot: LotId) => this.ask<LotNow>("GET", `/lots/${lot}`);
  lotsGivenTo = (organisation: OrganisationId) =>
    this.ask<{ readonly lots: readonly LotOnTheWay[] }>("GET", `/lots?given_to=${organisation}`);
  mandatesOf = (organisation: OrganisationId) =>
    this.ask<{ readonly mandates: readonly ToldMandate[] }>("GET", `/mandates?to=${organisation}`);
  tolerances = () =>
    this.ask<{ readonly digest: string; readonly document: unknown }>("GET", "/rules/tolerances");
  judgements = (lot: LotId) => this.ask<Judgements>("GET", `/lots/${lot}/judgements`);
  invite = (organisation: OrganisationId, role: Role) =>
    this.send<{ readonly code: string; readonly expires_at: string }>("POST", "/enrolments", {
      organisation,
      role: ROLE_CODE[role],
    });
  offerKey = (code: string, key: PublicKey & { readonly origin?: string }) =>
    this.send<{ readonly state: string; readonly check: string }>(
      "PUT",
      `/enrolments/${encodeURIComponent(code)}/key`,
      key,
    );
  enrolment = (code: string) => this.ask<Enrolment>("GET", `/enrolments/${encodeURIComponent(code)}`);

  renew = (device: DeviceId, request: RenewalRequest) =>
    this.send<RenewalAnswer>("PUT", `/devices/${device}/renewal`, request);
  renewals = (organisation: OrganisationId) =>
    this.ask<{ readonly renewals: readonly WaitingRenewal[] }>(
      "GET",
      `/renewals?organisation=${organisation}`,
    );

  private send<T>(method: string, path: string, value: unknown): Promise<Answer<T>> {
    return this.ask<T>(method, path, JSON.stringify(value), "application/json");
  }

  private async ask<T>(
    method: string,
    path: string,
    body?: BodyInit,
    type?: string,
    unlike: Unlike<T> = {},
  ): Promise<Answer<T>> {
    const headers: Record<string, string> = { "Accept-Language": this.language(), ...unlike.headers };
    if (type !== undefined) headers["Content-Type"] = type;
    try {
      const answer = await this.fetching(this.base + path, {
        method,
        headers,
        cache: "no-store",
        signal: AbortSignal.timeout(unlike.patienceMilliseconds ?? PATIENCE_MILLISECONDS),
        ...(body !== undefined && { body }),
      });
      this.dated(answer.headers.get("Date"));
      const isGood = answer.ok || answer.status === NOT_MODIFIED;
      if (isGood && unlike.read !== undefined) return { is: "ok", value: await unlike.read(answer) };
      if (answer.ok) return { is: "ok", value: (await answer.json()) as T };
      return await readProblem(answer);
    } catch {
      // No network, a cut connection, or an answer that ends in the middle: nobody knows what was done.
      return { is: "unreachable" };
    }
  }
}

/** A bundle is its very bytes: written anew, it would be another one. */
async function readBytes(answer: Response): Promise<Uint8Array> {
  return new Uint8Array(await answer.arrayBuffer());
}

async function readDirectoryAnswer(answer: Response): Promise<FetchedDirectory> {
  if (answer.status !== NOT_MODIFIED) {
    return { is: "new", tag: answer.headers.get("ETag") ?? "", content: await answer.json() };
  }
  const at = Date.parse(answer.headers.get("Date") ?? "");
  return { is: "same", at: Number.isNaN(at) ? undefined : Math.floor(at / 1000) };
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
