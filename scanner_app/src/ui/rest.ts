/** Whether a crew's phone may become another device now: nobody is in the middle of anything, and nothing is open. */
import { occurredAt } from "../domain/keeping.ts";
import type { Seconds } from "../domain/types.ts";
import { countUnsent, readSince } from "../store/journal.ts";
import type { App } from "./app.ts";
import { askWhoHolds, findAnswer } from "./crew/answers.ts";
import { type OwnLot, ownLots } from "./crew/lots.ts";

/** A shift that nobody ended is over when nothing was written for so long. */
const SHIFT_SILENT_SECONDS = 12 * 3600;
/** A lot that is refused comes back to who gave it; after this long it is a case, which people settle. */
const GIVEN_WAITS_SECONDS = 3 * 86_400;
/** Screens on which nothing is typed, scanned or shown to somebody. */
const IDLE_ROUTES: readonly string[] = ["", "#/", "#/shift", "#/history", "#/route"];

/** 1. on a screen that can be drawn anew, 2. nothing unsent, 3. no shift under way, 4. no lot held, or given without an answer. */
export async function isAtRest(app: App): Promise<boolean> {
  // 1.
  const isIdle = IDLE_ROUTES.includes(location.hash) && document.querySelector("dialog[open]") === null;
  return isIdle && hasNothingOpen(app);
}

export async function hasNothingOpen(app: App): Promise<boolean> {
  // 2.
  const { queued, rejected } = await countUnsent(app.db);
  if (queued + rejected > 0) return false;
  // 3.
  if (await isShiftUnderWay(app)) return false;
  // 4.
  const { held, given } = await ownLots(app);
  if (held.some((lot) => lot.lifts > 0 || lot.grams > 0)) return false;
  for (const lot of given) {
    if ((await givenAt(app, lot)) + GIVEN_WAITS_SECONDS < app.now()) continue;
    if ((await findAnswer(app.db, lot)) !== undefined) continue;
    if (!(await askWhoHolds(app, lot))) return false;
  }
  return true;
}

async function isShiftUnderWay(app: App): Promise<boolean> {
  const tip = await app.writer.tip();
  const { entries } = await readSince(app.db, "shift_end", tip.nextSeq - 1);
  const last = entries.at(-1);
  return last !== undefined && occurredAt(last.words) + SHIFT_SILENT_SECONDS > app.now();
}

async function givenAt(
  app: App,
  lot: OwnLot & { readonly give: { readonly seq: number } },
): Promise<Seconds> {
  const entry = await app.db.get("entries", lot.give.seq);
  return entry === undefined ? 0 : occurredAt(entry.words);
}
