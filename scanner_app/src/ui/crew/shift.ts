/** A crew's shift: what this phone is ready for, what was done, and its end as an entry of its own. */
import { makeEntry, unpackEntry } from "../../domain/journal.ts";
import { type Shift, sumShift } from "../../domain/shift.ts";
import { STREAMS } from "../../domain/types.ts";
import { signalDone } from "../../scan/signal.ts";
import { type Directory, dropSingle, readSingle, type StoredEntry } from "../../store/database.ts";
import { countUnsent, readSince } from "../../store/journal.ts";
import type { App, Screen } from "../app.ts";
import { refusedNote } from "../directory_line.ts";
import { type Child, h } from "../dom.ts";
import { icon } from "../icons.ts";
import { actions, ask, button, facts, notice, section, stateChip } from "../pieces.ts";
import { trySeal } from "../sealing.ts";
import { dateText, massText, momentText } from "../words.ts";
import { ownLots } from "./lots.ts";
import { BINS_MAX } from "./streets.ts";

const DIRECTORY_OLD_SECONDS = 3 * 86_400;
const EXPIRES_SOON_SECONDS = 5 * 86_400;

interface Shifts {
  readonly current: Shift;
  /** The shift before, once this journal holds its end. */
  readonly ended: { readonly end: StoredEntry; readonly shift: Shift } | undefined;
}

export async function readShifts(app: App): Promise<Shifts> {
  const tip = await app.writer.tip();
  const { endSeq, entries } = await readSince(app.db, "shift_end", tip.nextSeq - 1);
  const current = sumOf(entries);
  const end = endSeq === 0 ? undefined : await app.db.get("entries", endSeq);
  if (end === undefined) return { current, ended: undefined };
  const before = await readSince(app.db, "shift_end", endSeq - 1);
  return { current, ended: { end, shift: sumOf(before.entries) } };
}

function sumOf(entries: readonly StoredEntry[]): Shift {
  return sumShift(entries.map(({ seq, words }) => [seq, unpackEntry(words)] as const));
}

/** Seals the end of a shift; its figures are what this journal holds since the last one. */
export async function sealShiftEnd(app: App): Promise<void> {
  const { current } = await readShifts(app);
  const occurredAt = app.now();
  await app.writer.write(() =>
    makeEntry("shift_end", {
      lifts: current.lifts,
      grams: current.grams,
      flags: 0,
      occurred_at: occurredAt,
    }),
  );
  await dropSingle(app.db, "signOn");
}

export async function shiftScreen(app: App): Promise<Screen> {
  const { t } = app;
  const { current, ended } = await readShifts(app);
  const ready = await readiness(app);
  if (current.beganAt === 0) return betweenShifts(app, ended, ready);
  const { held } = await ownLots(app);
  const loaded = held.filter((lot) => lot.lifts > 0);
  const end = async () => {
    const question = loaded.length > 0 ? t("shiftEndLoaded", { n: loaded.length }) : t("shiftEndAsk");
    if (!(await ask(app, question, t("shiftEnd"), loaded.length > 0))) return;
    const isSealed = await trySeal(app, async () => {
      await sealShiftEnd(app);
      return true;
    });
    if (isSealed !== true) return;
    signalDone();
    app.go("/shift");
  };
  return {
    title: t("shift"),
    back: "/",
    isLive: true,
    body: h(
      "div",
      { class: "stack" },
      section(t("shiftSince", { at: momentText(app, current.beganAt) }), await summary(app, current)),
      loaded.length > 0 && notice("warning", t("shiftLoaded", { n: loaded.length })),
      section(t("shiftReady"), ready),
    ),
    actions: actions(button(t("shiftEnd"), end, { look: "primary", icon: "seal", test: "shift-end" })),
  };
}

function betweenShifts(app: App, ended: Shifts["ended"], ready: HTMLElement): Promise<Screen> {
  const { t } = app;
  const begin = button(t("shiftBegin"), () => app.go("/"), { look: "primary", test: "shift-begin" });
  return summaryOfEnded(app, ended).then((done) => ({
    title: t("shift"),
    back: "/",
    isLive: true,
    body: h("div", { class: "stack" }, ...done, section(t("shiftReady"), ready)),
    actions: actions(begin),
  }));
}

async function summaryOfEnded(app: App, ended: Shifts["ended"]): Promise<Child[]> {
  const { t } = app;
  if (ended === undefined) return [];
  const { end, shift } = ended;
  return [
    h(
      "div",
      { class: "done small", test: "shift-ended", data: { seq: String(end.seq) } },
      icon("check"),
      h("h2", {}, t("shiftEnded")),
      stateChip(t, end.state),
    ),
    section(t("shiftSince", { at: momentText(app, shift.beganAt) }), await summary(app, shift)),
  ];
}

async function summary(app: App, shift: Shift): Promise<HTMLElement> {
  const { t } = app;
  const { queued, rejected } = await countUnsent(app.db);
  const figure = (test: string, text: string) => h("span", { test }, text);
  return facts(
    [t("kindLift"), figure("shift-lifts", t("lotCount", { n: shift.lifts }))],
    ...STREAMS.filter((stream) => shift.gramsOf.has(stream)).map(
      (stream) =>
        [t(stream), figure(`shift-mass-${stream}`, massText(app, shift.gramsOf.get(stream) ?? 0))] as const,
    ),
    [t("shiftGiven"), figure("shift-given", String(shift.lotsGiven))],
    [t("kindDecline"), figure("shift-refusals", String(shift.refusals))],
    [t("shiftUnsent"), figure("shift-unsent", String(queued + rejected))],
  );
}

/** What a crew should know before it drives off: how old the bin list is, and how long the key still counts. */
export async function readiness(app: App): Promise<HTMLElement> {
  const { t, identity, renewal } = app;
  const now = app.now();
  const directory = await readSingle(app.db, "directory");
  const datedAt = directory === undefined ? 0 : Math.floor(Date.parse(directory.dated_at) / 1000);
  const isOld = now - datedAt > DIRECTORY_OLD_SECONDS;
  const { notAfter } = renewal;
  const endsSoon = notAfter !== 0 && notAfter - now < EXPIRES_SOON_SECONDS && renewal.state !== "ready";
  const looks = (isBad: boolean) => (isBad ? "doubtful" : "");
  return h(
    "div",
    { class: "ready", test: "readiness" },
    facts(
      [
        t("directoryDate"),
        h(
          "span",
          { class: looks(isOld), test: "directory-date" },
          datedAt === 0 ? t("directoryNone") : momentText(app, datedAt),
        ),
      ],
      [
        t("directorySeals"),
        h(
          "span",
          { test: "directory-seals" },
          directory?.checked === undefined ? t("directorySealsNone") : String(directory.checked.seals),
        ),
      ],
      [
        t("keyValid"),
        h(
          "span",
          {
            class: looks(endsSoon),
            test: "key-valid",
            data: { device: identity.device, renewal: renewal.state },
          },
          notAfter === 0 ? t("registrarNoEnd") : t("registrarValidUntil", { date: dateText(app, notAfter) }),
          renewal.state === "asked" && h("span", { class: "renewing" }, t("renewing")),
        ),
      ],
    ),
    isOld && notice("warning", t("directoryOld")),
    await refusedNote(app),
    directory?.bins_left_out === true &&
      notice(
        "warning",
        h("span", {}, t("streetsTooMany", { n: binsOf(directory), max: BINS_MAX })),
        button(t("streetsOpen"), () => app.go("/streets"), { icon: "list", test: "streets-open" }),
      ),
    endsSoon && notice("warning", t("expiresSoon", { date: dateText(app, notAfter) })),
  );
}

function binsOf({ streets = [] }: Directory): number {
  return streets.reduce((sum, { bins }) => sum + bins, 0);
}
