/** From an invitation to a certificate that this device has checked itself. */
import { isSameKey, readCertificate } from "../domain/certificate.ts";
import type { PublicKey } from "../domain/seal.ts";
import { isSealOf, makeDeviceKey } from "../sign/device_key.ts";
import { type Database, dropSingle, type Identity, keepSingle, readSingle } from "../store/database.ts";
import type { Api, Enrolment } from "./api.ts";

export type Offer =
  | { readonly is: "offered" }
  | { readonly is: "refused"; readonly title: string; readonly detail: string }
  | { readonly is: "unreachable" };

export type Progress =
  | { readonly is: "waiting" }
  | { readonly is: "unreachable" }
  | { readonly is: "expired" }
  | { readonly is: "disbelieved"; readonly why: string }
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
    return { is: "refused", title: answer.problem.title, detail: answer.problem.detail };
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
 * 1. readable and of the registrar's organisation, 2. this device's own key, 3. the id it was told,
 * 4. sealed by the key that the certificate names as the registrar's.
 */
async function believe(db: Database, api: Api, enrolment: Enrolment): Promise<Progress> {
  const { certificate } = enrolment;
  const network = await api.network();
  if (network.is !== "ok" || certificate === null) return { is: "waiting" };
  const place = { chainId: network.value.chain_id, ledger: network.value.ledger };
  // 1.
  const read = readCertificate(place, certificate);
  if (read.is === "unreadable") return { is: "disbelieved", why: read.why };
  // 2.
  if (!isSameKey(read.enrolled.key, await requireKey(db))) {
    return { is: "disbelieved", why: "another key" };
  }
  // 3.
  if (enrolment.device !== null && enrolment.device !== read.enrolled.device) {
    return { is: "disbelieved", why: "another device" };
  }
  // 4.
  if (!(await isSealOf(read.digest, certificate.key, certificate.seal))) {
    return { is: "disbelieved", why: "the registrar's seal does not verify" };
  }
  const { device, role, notAfter } = read.enrolled;
  const publicBaseUrl = network.value.public_base_url;
  const identity: Identity = { device, role, notAfter, certificate, network: { ...place, publicBaseUrl } };
  await keepSingle(db, "identity", identity);
  await dropSingle(db, "invitation");
  return { is: "enrolled", identity };
}
