/** A lot that has been handed over and not yet taken: its code, and the way back. */
import { giveText } from "../../domain/codes.ts";
import { emptyJournal, makeEntry } from "../../domain/journal.ts";
import { type LotId, numberOf, organisationOf } from "../../domain/types.ts";
import { readSingle } from "../../store/database.ts";
import { readSeal } from "../../store/journal.ts";
import type { App, Screen } from "../app.ts";
import { h } from "../dom.ts";
import { icon } from "../icons.ts";
import { actions, ask, button, empty, qr, stateChip } from "../pieces.ts";
import { organisationName } from "../words.ts";
import { lotSummary } from "./give.ts";
import { ownLots } from "./lots.ts";

export async function givenScreen(app: App, id: string): Promise<Screen> {
  const { t } = app;
  const lot = (await ownLots(app)).given.find((each) => each.id === (id as LotId));
  const entry = lot && (await app.db.get("entries", lot.give.seq));
  const code = lot && (await giveCodeText(app, lot.give.seq));
  const directory = await readSingle(app.db, "directory");
  if (lot === undefined || entry === undefined || code === undefined) {
    return { title: t("giveTitle"), back: "/", body: empty(t("withdrawn"), "back") };
  }
  const withdraw = async () => {
    if (!(await ask(app, t("withdrawAsk"), t("withdraw")))) return;
    await app.writer.write(() =>
      makeEntry("withdraw", {
        lot: numberOf(lot.id),
        give_seq: lot.give.seq,
        flags: 0,
        occurred_at: app.now(),
      }),
    );
    app.go("/");
  };
  return {
    title: t("giveTitle"),
    back: "/",
    isLive: true,
    body: h(
      "div",
      { class: "stack" },
      h(
        "div",
        { class: "done small", test: "give-saved", data: { lot: lot.id } },
        icon("check"),
        h("h2", {}, t("giveSaved")),
      ),
      h("div", { class: "summary" }, lotSummary(app, lot)),
      h(
        "p",
        { class: "centre" },
        h("strong", {}, organisationName(app, directory, organisationOf(lot.give.to))),
        " ",
        stateChip(t, entry.state),
      ),
      qr(code, "give-qr"),
      h("p", { class: "centre quiet" }, t("giveSavedHelp")),
    ),
    actions: actions(button(t("withdraw"), withdraw, { look: "quiet", test: "withdraw" })),
  };
}

/** Everything the receiver needs to check this give with no network. */
async function giveCodeText(app: App, seq: number): Promise<string | undefined> {
  const [entry, seal, before, key] = await Promise.all([
    app.db.get("entries", seq),
    readSeal(app.db, seq),
    readSeal(app.db, seq - 1),
    readSingle(app.db, "key"),
  ]);
  if (entry === undefined || seal === undefined || key === undefined) return undefined;
  return giveText(`${app.identity.network.publicBaseUrl.replace(/\/+$/, "")}/app/`, {
    giver: app.identity.device,
    seq,
    prevHead: before?.head ?? emptyJournal(app.writer.place).head,
    words: entry.words,
    key: key.publicKey,
    seal: { r: seal.r, s: seal.s },
  });
}
