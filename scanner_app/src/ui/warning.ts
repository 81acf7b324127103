/** Says before sealing what the ledger would find wrong. */
import type { Heard } from "../domain/heard.ts";
import type { Entry } from "../domain/journal.ts";
import { signalWarning } from "../scan/signal.ts";
import type { App } from "./app.ts";
import { h } from "./dom.ts";
import { ask } from "./pieces.ts";
import { answerText } from "./words.ts";

/** True when nothing is wrong with an entry, or the person wants it sealed all the same: it is then evidence. */
export async function mayBeSealed(app: App, entry: Entry, heard: Heard = {}): Promise<boolean> {
  const answer = await app.writer.preview(entry, heard);
  const isFine = answer.outcome === "applied" || answer.outcome === "deferred";
  if (isFine && answer.flaw === "none") return true;
  signalWarning();
  const { what, todo } = answerText(app, answer);
  return ask(app, [h("strong", {}, what), h("br"), todo], app.t("warnContinue"));
}
