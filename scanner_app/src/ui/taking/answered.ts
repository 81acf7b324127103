/** A lot that this device has answered: taken, whole or in part, or refused; with the answer for the giver. */
import { namedTakeText, takeText } from "../../domain/codes.ts";
import type { TextKey } from "../../i18n/index.ts";
import { emptyJournal, type EntryOf, unpackEntry } from "../../domain/journal.ts";
import { declineReasonOf, lotId, type LotId, NO_LOT } from "../../domain/types.ts";
import type { StoredEntry } from "../../store/database.ts";
import { readSeal } from "../../store/journal.ts";
import type { App, Screen } from "../app.ts";
import { h } from "../dom.ts";
import { icon } from "../icons.ts";
import { actions, answerNotes, button, empty, qr, stateChip } from "../pieces.ts";
import { massText, reasonText } from "../words.ts";
import { ownAnswers } from "./offers.ts";

export async function answeredScreen(app: App, id: LotId): Promise<Screen> {
  const { t } = app;
  const done = (await ownAnswers(app)).findLast(({ lot }) => lot === id);
  if (done === undefined) return { title: t("gateTitle"), back: "/", body: empty(t("lotUnknown"), "scan") };
  return done.kind === "take" ? takenScreen(app, id, done.entry) : refusedScreen(app, id, done.entry);
}

async function takenScreen(app: App, id: LotId, take: StoredEntry): Promise<Screen> {
  const { t } = app;
  const fields = takeFields(take);
  const isInPart = fields !== undefined && lotId(fields.into) !== NO_LOT;
  // Where nobody is registered, nobody waits for an answer.
  const hasGiver = fields !== undefined && fields.giver !== 0n;
  const answer = hasGiver
    ? ((await takeCodeText(app, take, "/app/")) ?? (await namedTakeCode(app, take, "/app/")))
    : undefined;
  return {
    title: t("gateDone"),
    back: "/",
    isLive: true,
    body: h(
      "div",
      { class: "board" },
      h(
        "div",
        { class: answer === undefined ? "done" : "done small", test: "take-saved", data: saved(id, take) },
        icon("check"),
        h("h2", {}, t(isInPart ? "takePartSaved" : "takeSaved")),
        h("p", { class: "net" }, massText(app, Number(fields?.grams ?? 0n))),
        ...stateLines(app, take, "take-outcome", "takeSavedHelp"),
      ),
      answer !== undefined &&
        h(
          "div",
          { class: "stack" },
          qr(answer, "take-qr", t("answerCode")),
          h("p", { class: "centre quiet" }, t("answerHelp")),
        ),
    ),
    actions: actions(
      button(t("ticketOpen"), () => app.go(`/ticket/${id}`), { icon: "list", test: "ticket-open" }),
      button(t("back"), () => app.go("/"), { look: "primary", test: "gate-home" }),
    ),
  };
}

async function refusedScreen(app: App, id: LotId, refusal: StoredEntry): Promise<Screen> {
  const { t } = app;
  const read = unpackEntry(refusal.words);
  const reason = read.is === "known" && read.entry.kind === "refuse" ? read.entry.fields.reason : 0n;
  return {
    title: t("kindRefuse"),
    back: "/",
    isLive: true,
    body: h(
      "div",
      { class: "done", test: "refuse-saved", data: saved(id, refusal) },
      icon("refuse"),
      h("h2", {}, t("refuseSaved")),
      h("p", {}, reasonText(t, declineReasonOf(reason))),
      ...stateLines(app, refusal, "refuse-outcome", "refuseSavedHelp"),
    ),
    actions: actions(button(t("back"), () => app.go("/"), { look: "primary", test: "gate-home" })),
  };
}

const saved = (lot: LotId, { seq }: StoredEntry) => ({ lot, seq: String(seq) });

function stateLines(
  app: App,
  { state }: StoredEntry,
  test: string,
  waiting: TextKey,
): (HTMLElement | false)[] {
  const { t } = app;
  const onLedger = state.is === "accepted" ? state.onLedger : undefined;
  const outcome = onLedger?.outcome ?? null;
  const notes = answerNotes(app, state);
  return [
    stateChip(t, state),
    outcome !== null && h("p", { test, data: { outcome } }, t(outcome)),
    notes.length > 0 && h("div", { class: "row-notes" }, ...notes),
    (onLedger?.blockNumber ?? null) === null && h("p", { class: "quiet" }, t(waiting)),
  ];
}

export function takeFields(take: StoredEntry): EntryOf<"take">["fields"] | undefined {
  const read = unpackEntry(take.words);
  return read.is === "known" && read.entry.kind === "take" ? read.entry.fields : undefined;
}

/**
 * The sealed take with this device's certificate behind an address of this system: anyone checks it with no
 * network. Undefined where the certificate is too long for a code.
 */
export async function takeCodeText(app: App, entry: StoredEntry, path: string): Promise<string | undefined> {
  const take = await sealedTake(app, entry);
  const { certificate } = app.identity;
  return take && takeText(addressOf(app, path), { ...take, certificate });
}

/** The same by this device's name, for a giver whose directory has it. */
async function namedTakeCode(app: App, entry: StoredEntry, path: string): Promise<string | undefined> {
  const take = await sealedTake(app, entry);
  return take && namedTakeText(addressOf(app, path), { ...take, taker: app.identity.device });
}

async function sealedTake(app: App, { seq, words }: StoredEntry) {
  const [seal, before] = await Promise.all([readSeal(app.db, seq), readSeal(app.db, seq - 1)]);
  if (seal === undefined) return undefined;
  const prevHead = before?.head ?? emptyJournal(app.writer.place).head;
  return { seq, prevHead, words, seal: { r: seal.r, s: seal.s } };
}

function addressOf({ identity }: App, path: string): string {
  return `${identity.network.publicBaseUrl.replace(/\/+$/, "")}${path}`;
}
