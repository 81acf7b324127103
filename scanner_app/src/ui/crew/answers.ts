/** What became of the lots that were given: read off the receiver's screen, or heard from the server. */
import { readAppCode } from "../../domain/codes.ts";
import type { Give } from "../../domain/custody_state.ts";
import type { DeviceId, LotId } from "../../domain/types.ts";
import { checkAnswer, type CheckedAnswer } from "../../sign/answer.ts";
import type { Database, StoredAnswer } from "../../store/database.ts";
import { findDevice } from "../../store/directory.ts";
import { readSeal } from "../../store/journal.ts";
import type { App } from "../app.ts";
import { type OwnLot, ownLots } from "./lots.ts";

export type GivenLot = OwnLot & { readonly give: Give };
export type ReadAnswer = CheckedAnswer | { readonly is: "other" };

const answerId = ({ id, give }: GivenLot) => `${id}-${give.seq}`;

export function findAnswer(db: Database, lot: GivenLot): Promise<StoredAnswer | undefined> {
  return db.get("answers", answerId(lot));
}

/** Checks a scanned answer to this give, and keeps it: should the receiver lose it, this device still has it. */
export async function readAnswer(app: App, lot: GivenLot, text: string): Promise<ReadAnswer> {
  const read = readAppCode(text);
  const seal = await readSeal(app.db, lot.give.seq);
  if (read.is !== "take" || seal === undefined) return { is: "other" };
  const { device, network } = app.identity;
  const give = { lot: lot.id, giver: device, seq: lot.give.seq, head: seal.head, to: lot.give.to };
  const known = (taker: DeviceId) => findDevice(app.db, taker, app.now());
  const answer = await checkAnswer(network, give, read.take, app.now(), known);
  if (answer.is !== "taken") return answer;
  const { taker, grams } = answer;
  await app.db.put("answers", { id: answerId(lot), taker, grams, toldBy: "seal", code: text });
  return answer;
}

/** Reads an answer to any of the lots given; which lot it is, when it is one. */
export async function findAnswered(app: App, text: string): Promise<LotId | undefined> {
  for (const lot of (await ownLots(app)).given) {
    if ((await readAnswer(app, lot, text)).is === "taken") return lot.id;
  }
  return undefined;
}

/** Asks the server who holds a given lot now; true when that is somebody else, which is then kept. */
export async function askWhoHolds(app: App, lot: GivenLot): Promise<boolean> {
  const answer = await app.api.lot(lot.id);
  if (answer.is !== "ok" || answer.value.holder === app.identity.device) return false;
  if ((await findAnswer(app.db, lot)) !== undefined) return false;
  const { holder, grams } = answer.value;
  await app.db.put("answers", { id: answerId(lot), taker: holder, grams, toldBy: "server" });
  return true;
}
