/** From an invitation to a certificate that this device has checked itself. */
import { isSameKey, readCertificate } from "../domain/certificate.ts";
import type { PublicKey } from "../domain/seal.ts";
import { organisationOf, type Role, roleOf } from "../domain/types.ts";
import { isSealOf, makeDeviceKey } from "../sign/device_key.ts";
import { type Database, dropSingle, type Identity, keepSingle, readSingle } from "../store/database.ts";
import { type Api, type Enrolment, slugOf } from "./api.ts";

export type Offer =
  | { readonly is: "offered" }
  | { readonly is: "refused"; readonly slug: string; readonly detail: string }
  | { readonly is: "unreachable" };

/** What is wrong with a certificate that this device was sent. */
export type Disbelief = "unreadable" | "key" | "device" | "organisation" | "role" | "seal";

export type Progress =
  | { readonly is: "waiting" }
  | { readonly is: "unreachable" }
  | { readonly is: "expired" }
  | { readonly is: "disbelieved"; readonly why: Disbelief }
  | { readonly is: "enrolled"; readonly identity: Identity };

/** This device's public key; made on first use. */
export async function requireKey(db: Database): Promise<PublicKey> {
  const known = await readSingle(db, "key");
  if (known !== undefined) return known.publicKey;
  const key = await makeDeviceKey();
  await keepSingle(db, "key", key);
  return key.publicKey;
}

/** Offering the same key again is harmless, so the invitation is kept first: a closed page can go on. */
export async function offerKey(db: Database, api: Api, code: string): Promise<Offer> {
  await keepSingle(db, "invitation", { code });
  const answer = await api.offerKey(code, await requireKey(db));
  if (answer.is === "unreachable") return answer;
  if (answer.is === "problem" && answer.problem.retryable) return { is: "unreachable" };
  if (answer.is === "problem") {
    await dropSingle(db, "invitation");
    const { problem } = answer;
    return { is: "refused", slug: slugOf(problem), detail: problem.detail || problem.title };
  }
  return { is: "offered" };
}

export async function askProgress(db: Database, api: Api, code: string): Promise<Progress> {
  const answer = await api.enrolment(code);
  if (answer.is === "unreachable") return answer;
  if (answer.is === "problem") return { is: answer.problem.retryable ? "unreachable" : "expired" };
  switch (answer.value.state) {
    case "open":
    case "waiting":
      return { is: "waiting" };
    case "expired":
      return { is: "expired" };
    case "approved":
      return believe(db, api, answer.value);
  }
}

/**
 * 1. readable, 2. this device's own key, 3. the id it was told, 4. of the organisation and for the purpose that the
 * invitation named, 5. sealed by the key that the certificate names as the registrar's.
 */
async function believe(db: Database, api: Api, enrolment: Enrolment): Promise<Progress> {
  const { certificate } = enrolment;
  const network = await api.network();
  if (network.is !== "ok" || certificate === null) return { is: "waiting" };
  const place = { chainId: network.value.chain_id, ledger: network.value.ledger };
  const disbelieved = (why: Disbelief) => ({ is: "disbelieved", why }) as const;
  // 1.
  const read = readCertificate(place, certificate);
  if (read.is === "unreadable") return disbelieved("unreadable");
  const { enrolled } = read;
  // 2.
  if (!isSameKey(enrolled.key, await requireKey(db))) return disbelieved("key");
  // 3.
  if (enrolment.device !== null && enrolment.device !== enrolled.device) return disbelieved("device");
  // 4.
  if (organisationOf(enrolled.device) !== enrolment.organisation) return disbelieved("organisation");
  if (enrolled.role !== roleNamed(enrolment.role)) return disbelieved("role");
  // 5.
  if (!(await isSealOf(read.digest, certificate.key, certificate.seal))) return disbelieved("seal");
  const { device, role, notAfter } = read.enrolled;
  const publicBaseUrl = network.value.public_base_url;
  const identity: Identity = { device, role, notAfter, certificate, network: { ...place, publicBaseUrl } };
  await keepSingle(db, "identity", identity);
  await dropSingle(db, "invitation");
  return { is: "enrolled", identity };
}

/** A role as the backend tells it: by its name or its code. */
export function roleNamed(role: Role | number): Role | undefined {
  return typeof role === "number" ? roleOf(role) : role;
}
