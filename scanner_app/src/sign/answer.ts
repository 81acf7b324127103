/** Whether a code is the sealed answer to a give: checked with nothing but the code and one's own journal. */
import { isSameKey, readCertificate } from "../domain/certificate.ts";
import { type NamedTake, takeDigest, takeEntry, type TakeCode } from "../domain/codes.ts";
import type { CheckedDevice } from "../domain/directory.ts";
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
  | { readonly is: "other-lot" | "forged" | "not-them" | "expired" | "unknown" };
/** A device of a directory that was checked up to the root. */
export type KnownDevice = Pick<CheckedDevice, "device" | "key" | "notAfter">;

/**
 * 1. It answers this very give. 2. Its key was enrolled by a registrar of the device's own organisation, who sealed
 * that; or it is the key of the checked directory, which counts before any certificate. 3. The device is the one that the lot was given to, or of that organisation. 4. Its certificate has not
 * ended. 5. The key sealed the take. Whether the registrar is the one that the ledger knows is found out there.
 */
export async function checkAnswer(
  network: { chainId: number; ledger: string },
  give: OwnGive,
  code: TakeCode | NamedTake,
  now: Seconds,
  known: (device: DeviceId) => Promise<KnownDevice | undefined> = async () => undefined,
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
  const taker = "taker" in code ? await known(code.taker) : await certified(network, code);
  if (taker === undefined) return { is: "taker" in code ? "unknown" : "forged" };
  const listed = await known(taker.device);
  if (listed !== undefined && !isSameKey(listed.key, taker.key)) return { is: "forged" };
  const { device, key, notAfter } = taker;
  // 3.
  if (give.to !== device && give.to !== deskOf(organisationOf(device))) return { is: "not-them" };
  // 4.
  if (notAfter !== 0 && now > notAfter) return { is: "expired" };
  // 5.
  if (!(await isSealOf(takeDigest(network, device, code), key, code.seal))) return { is: "forged" };
  return { is: "taken", taker: device, grams: Number(fields.grams) };
}

async function certified(
  network: { chainId: number; ledger: string },
  { certificate }: TakeCode,
): Promise<KnownDevice | undefined> {
  const read = readCertificate(network, certificate);
  if (read.is === "unreadable") return undefined;
  return (await isSealOf(read.digest, certificate.key, certificate.seal)) ? read.enrolled : undefined;
}
