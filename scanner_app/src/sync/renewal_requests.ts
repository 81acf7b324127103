/**
 * A registrar's view of phones that ask for their next key: every seal is checked here, with keys that this browser
 * knows, so that a server that lies can hide a request but never make one. Source: docs/spec/renewal.md.
 */
import { type Certificate, type Enrolled, readCertificate } from "../domain/certificate.ts";
import { unpackEntry } from "../domain/journal.ts";
import { ANSWERED_AHEAD_SECONDS, isDue, renewalDigest, renewedDevice } from "../domain/renewal.ts";
import type { PublicKey } from "../domain/seal.ts";
import { type DeviceId, deviceId, organisationOf, SCHEME, type Seconds } from "../domain/types.ts";
import { isSealOf } from "../sign/device_key.ts";
import type { EntryState, Identity, StoredEntry } from "../store/database.ts";
import type { Api, WaitingRenewal } from "./api.ts";

/** Why a request is not renewable. */
export const REFUSALS = [
  "unreadable",
  "organisation",
  "registrar",
  "role",
  "early",
  "seal",
  "revoked",
  "unreachable",
] as const;
export type RenewalRefusal = (typeof REFUSALS)[number];

export type Judged =
  /** `hasEnded`: its certificate is over, so a person should know of it. */
  | {
      readonly is: "renewable";
      readonly request: WaitingRenewal;
      readonly next: DeviceId;
      readonly notAfter: Seconds;
      readonly hasEnded: boolean;
    }
  /** This registrar has sealed it; `state` says how far that is. */
  | { readonly is: "sealed"; readonly request: WaitingRenewal; readonly state: EntryState }
  | { readonly is: "refused"; readonly request: WaitingRenewal; readonly why: RenewalRefusal };

/** From this browser's own key, or its registrar's, down to the registrar who enrolled the phone. */
const STEPS_MAX = 4;

/** What a registrar's own journal says of other devices. */
export interface OwnWord {
  readonly revoked: ReadonlySet<DeviceId>;
  /** By the device that was replaced. */
  readonly replaced: ReadonlyMap<DeviceId, { readonly next: DeviceId; readonly state: EntryState }>;
}

export function ownWordOf(entries: readonly StoredEntry[]): OwnWord {
  const revoked = new Set<DeviceId>();
  const replaced = new Map<DeviceId, { next: DeviceId; state: EntryState }>();
  for (const { words, state } of entries) {
    const read = unpackEntry(words);
    if (read.is !== "known") continue;
    if (read.entry.kind === "revoke") revoked.add(deviceId(read.entry.fields.device));
    if (read.entry.kind === "rotate") {
      const { device, replaced: old } = read.entry.fields;
      replaced.set(deviceId(old), { next: deviceId(device), state });
    }
  }
  return { revoked, replaced };
}

export class RequestJudge {
  private readonly known: ReadonlyMap<DeviceId, PublicKey>;
  private readonly found = new Map<DeviceId, PublicKey>();

  constructor(
    private readonly api: Api,
    private readonly identity: Identity,
    ownKey: PublicKey,
    private readonly now: () => Seconds,
  ) {
    const { certificate, device } = identity;
    this.known = new Map([
      [certificate.registrar, certificate.key],
      [device, ownKey],
    ]);
  }

  /** The numbers are those of docs/spec/renewal.md, "What the registrar's page checks". */
  async judge(request: WaitingRenewal, own: OwnWord): Promise<Judged> {
    const refused = (why: RenewalRefusal) => ({ is: "refused", request, why }) as const;
    const { device, certificate } = request;
    // 5., of what this registrar knows by itself.
    if (own.revoked.has(device) || request.revoked) return refused("revoked");
    const sealed = own.replaced.get(device);
    if (sealed !== undefined) return { is: "sealed", request, state: sealed.state };
    // 1.
    const organisation = organisationOf(this.identity.device);
    if (organisationOf(device) !== organisation) return refused("organisation");
    const read = this.read(certificate, device);
    if (certificate === null || read === undefined) return refused("unreadable");
    // 2.
    const registrar = await this.keyOf(certificate.registrar, STEPS_MAX);
    if (registrar === "unreachable") return refused("unreachable");
    const isTheirs = registrar !== undefined && (await isSealOf(read.digest, registrar, certificate.seal));
    if (!isTheirs) return refused("registrar");
    // 3.
    const { role, scheme, notAfter, key } = read.enrolled;
    if (role !== "crew" || scheme !== SCHEME.raw || notAfter === 0) return refused("role");
    if (!isDue(notAfter, this.now(), ANSWERED_AHEAD_SECONDS)) return refused("early");
    // 4.
    const digest = renewalDigest({ ...this.identity.network, device }, request.new_key);
    if (!(await isSealOf(digest, key, request.seal))) return refused("seal");
    const next = renewedDevice(organisation, digest);
    return { is: "renewable", request, next, notAfter, hasEnded: this.now() > notAfter };
  }

  private read(
    certificate: Certificate | null,
    device: DeviceId,
  ): { readonly enrolled: Enrolled; readonly digest: Uint8Array } | undefined {
    if (certificate === null) return undefined;
    const read = readCertificate(this.identity.network, certificate);
    return read.is === "read" && read.enrolled.device === device ? read : undefined;
  }

  /** A registrar's key, if seals lead to it from one that is known; undefined if none do. */
  private async keyOf(registrar: DeviceId, steps: number): Promise<PublicKey | "unreachable" | undefined> {
    const known = this.known.get(registrar) ?? this.found.get(registrar);
    if (known !== undefined || steps === 0) return known;
    const answer = await this.api.device(registrar);
    if (answer.is === "unreachable") return "unreachable";
    if (answer.is === "problem" || answer.value.certificate === null) return undefined;
    const { certificate } = answer.value;
    const read = this.read(certificate, registrar);
    if (read === undefined || read.enrolled.role !== "registrar") return undefined;
    const above = await this.keyOf(certificate.registrar, steps - 1);
    if (above === undefined || above === "unreachable") return above;
    if (!(await isSealOf(read.digest, above, certificate.seal))) return undefined;
    this.found.set(registrar, read.enrolled.key);
    return read.enrolled.key;
  }
}
