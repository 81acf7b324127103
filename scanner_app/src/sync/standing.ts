/** Whether this device may still seal, as the server last said. */
import type { DeviceId, Seconds } from "../domain/types.ts";
import { type Database, keepSingle, readSingle } from "../store/database.ts";
import type { Api } from "./api.ts";

/**
 * Asks, and keeps the answer; true when it is another one than before. A revocation is not the server's to make,
 * so what it says here stops only this app, and it may say otherwise later.
 */
export async function askStanding(
  db: Database,
  api: Api,
  device: DeviceId,
  now: () => Seconds,
): Promise<boolean> {
  const answer = await api.device(device);
  return answer.is === "ok" && keepStanding(db, answer.value.revoked, now());
}

export async function keepStanding(db: Database, isRevoked: boolean, heardAt: Seconds): Promise<boolean> {
  const before = await readSingle(db, "standing");
  if ((before?.isRevoked ?? false) === isRevoked) return false;
  await keepSingle(db, "standing", { isRevoked, heardAt });
  return true;
}
