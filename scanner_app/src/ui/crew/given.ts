/** A lot that has been handed over: its code and the way back until it is taken, and who took it. */
import { giveText } from "../../domain/codes.ts";
import { emptyJournal, makeEntry } from "../../domain/journal.ts";
import { type LotId, numberOf, organisationOf } from "../../domain/types.ts";
import { signalDone, signalWarning } from "../../scan/signal.ts";
import type { TextKey } from "../../i18n/index.ts";
import { readSingle, type StoredAnswer, type StoredEntry } from "../../store/database.ts";
import { readSeal } from "../../store/journal.ts";
import type { App, Screen } from "../app.ts";
import { fill, h } from "../dom.ts";
import { icon } from "../icons.ts";
import { actions, answerNotes, ask, button, empty, facts, notice, qr, stateChip } from "../pieces.ts";
import { makeScanner, type Scanner } from "../scanner.ts";
import { trySeal } from "../sealing.ts";
import { massText, organisationName, shortId } from "../words.ts";
import { askWhoHolds, findAnswer, type GivenLot, readAnswer, type ReadAnswer } from "./answers.ts";
import { lotSummary } from "./give.ts";
import { ownLots } from "./lots.ts";

const ASK_MILLISECONDS = 10_000;
const REFUSED: Readonly<Record<Exclude<ReadAnswer["is"], "taken">, TextKey>> = {
  other: "answerOther",
  "other-lot": "answerOtherLot",
  forged: "answerForged",
  "not-them": "answerNotThem",
  expired: "answerExpired",
  unknown: "answerUnknown",
};

export async function givenScreen(app: App, id: string): Promise<Screen> {
  const { t } = app;
  const lot = (await ownLots(app)).given.find((each) => each.id === (id as LotId));
  const entry = lot && (await app.db.get("entries", lot.give.seq));
  const code = lot && (await giveCodeText(app, lot.give.seq));
  if (lot === undefined || entry === undefined || code === undefined) {
    return { title: t("giveTitle"), back: "/", body: empty(t("withdrawn"), "back") };
  }
  const answer = await findAnswer(app.db, lot);
  return answer === undefined ? waitingScreen(app, lot, entry, code) : takenScreen(app, lot, entry, answer);
}

async function waitingScreen(app: App, lot: GivenLot, entry: StoredEntry, code: string): Promise<Screen> {
  const { t } = app;
  const directory = await readSingle(app.db, "directory");
  const withdraw = async () => {
    if (!(await ask(app, t("withdrawAsk"), t("withdraw")))) return;
    const undoing = makeEntry("withdraw", {
      lot: numberOf(lot.id),
      undone_seq: lot.give.seq,
      flags: 0,
      occurred_at: app.now(),
    });
    if ((await trySeal(app, () => app.writer.write(() => undoing))) !== undefined) app.go("/");
  };
  const lookAgain = async () => {
    if (navigator.onLine && (await askWhoHolds(app, lot))) app.changes.tell("synced");
  };
  void lookAgain();
  const timer = setInterval(() => void lookAgain(), ASK_MILLISECONDS);
  return {
    title: t("giveTitle"),
    back: "/",
    isLive: true,
    leave: () => clearInterval(timer),
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
      h("div", { class: "row-notes" }, ...answerNotes(app, entry.state)),
      qr(code, "give-qr", t("giveCode")),
      h("p", { class: "centre quiet" }, t("giveSavedHelp")),
    ),
    actions: actions(
      button(t("answerScan"), () => app.go(`/answer/${lot.id}`), {
        look: "primary",
        icon: "scan",
        test: "answer-scan",
      }),
      button(t("withdraw"), withdraw, { look: "quiet", test: "withdraw" }),
    ),
  };
}

async function takenScreen(
  app: App,
  lot: GivenLot,
  entry: StoredEntry,
  answer: StoredAnswer,
): Promise<Screen> {
  const { t } = app;
  const directory = await readSingle(app.db, "directory");
  const name = organisationName(app, directory, organisationOf(answer.taker));
  return {
    title: t("giveTitle"),
    back: "/",
    isLive: true,
    body: h(
      "div",
      { class: "stack" },
      h(
        "div",
        { class: "done", test: "give-taken", data: { lot: lot.id, taker: answer.taker, by: answer.toldBy } },
        icon("check"),
        h("h2", {}, t("takenBy", { name })),
        h("p", { class: "net", test: "taken-mass" }, massText(app, answer.grams)),
        stateChip(t, entry.state),
      ),
      h("div", { class: "summary" }, lotSummary(app, lot)),
      facts(
        [t("declared"), massText(app, lot.give.grams)],
        [t("takenDevice"), h("span", { class: "mono" }, shortId(answer.taker))],
      ),
      h(
        "p",
        { class: "good-line" },
        icon("seal"),
        t(answer.toldBy === "seal" ? "answerChecked" : "answerHeard"),
      ),
    ),
    actions: actions(button(t("back"), () => app.go("/"), { look: "primary", test: "given-home" })),
  };
}

/** Reads the receiver's answer off their screen; nobody needs a network for it. */
export async function answerScreen(app: App, id: string): Promise<Screen> {
  const { t } = app;
  const lot = (await ownLots(app)).given.find((each) => each.id === (id as LotId));
  if (lot === undefined) return givenScreen(app, id);
  const news = h("div", { class: "toast", role: "status" });
  let scanner: Scanner | undefined;
  const saw = async (text: string) => {
    const answer = await readAnswer(app, lot, text);
    if (answer.is === "taken") {
      signalDone();
      return app.go(`/given/${lot.id}`);
    }
    signalWarning();
    const tone = answer.is === "other" ? "warning" : "bad";
    fill(news, h("div", { test: `answer-${answer.is}` }, notice(tone, t(REFUSED[answer.is]))));
  };
  scanner = makeScanner(app, t("answerScan"), (text) => void saw(text));
  return {
    title: t("answerScan"),
    back: `/given/${lot.id}`,
    isFull: true,
    body: h("div", { class: "scan-page" }, scanner.element, news),
    leave: () => scanner?.stop(),
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
