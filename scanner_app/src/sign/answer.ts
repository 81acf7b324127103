/** Whether a code is the sealed answer to a give: checked with nothing but the code and one's own journal. */
import { readCertificate } from "../domain/certificate.ts";
import { takeDigest, takeEntry, type TakeCode } from "../domain/codes.ts";
import {
  deskOf,
  type DeviceId,
  type Grams,
  head,
  type Head,
  type LotId,
  numberOf,
  organisationOf,
  type Seconds,
  type Seq,
} from "../domain/types.ts";
import { isSealOf } from "./device_key.ts";

/** A give as its giver knows it. */
export interface OwnGive {
  readonly lot: LotId;
  readonly giver: DeviceId;
  readonly seq: Seq;
  /** The giver's head after it. */
  readonly head: Head;
  readonly to: DeviceId;
}
export type CheckedAnswer =
  | { readonly is: "taken"; readonly taker: DeviceId; readonly grams: Grams }
  | { readonly is: "other-lot" | "forged" | "not-them" | "expired" };

/**
 * 1. It answers this very give. 2. Its key was enrolled by a registrar of the device's own organisation, who sealed
 * that. 3. The device is the one that the lot was given to, or of that organisation. 4. Its certificate has not
 * ended. 5. The key sealed the take. Whether the registrar is the one that the ledger knows is found out there.
 */
export async function checkAnswer(
  network: { chainId: number; ledger: string },
  give: OwnGive,
  code: TakeCode,
  now: Seconds,
): Promise<CheckedAnswer> {
  const fields = takeEntry(code)?.fields;
  // 1.
  const isThisGive =
    fields !== undefined &&
    fields.lot === numberOf(give.lot) &&
    fields.giver === numberOf(give.giver) &&
    fields.give_seq === BigInt(give.seq) &&
    head(fields.give_head) === give.head;
  if (!isThisGive) return { is: "other-lot" };
  // 2.
  const { certificate } = code;
  const read = readCertificate(network, certificate);
  if (read.is === "unreadable" || !(await isSealOf(read.digest, certificate.key, certificate.seal))) {
    return { is: "forged" };
  }
  const { device, key, notAfter } = read.enrolled;
  // 3.
  if (give.to !== device && give.to !== deskOf(organisationOf(device))) return { is: "not-them" };
  // 4.
  if (notAfter !== 0 && now > notAfter) return { is: "expired" };
  // 5.
  if (!(await isSealOf(takeDigest(network, device, code), key, code.seal))) return { is: "forged" };
  return { is: "taken", taker: device, grams: Number(fields.grams) };
}
