/** Numbers, names and instants as people read them. */
import {
  type Answer,
  binNumber,
  type DeclineReason,
  type Flaw,
  type Grams,
  type Outcome,
  type Seconds,
} from "../domain/types.ts";
import type { Language, TextKey } from "../i18n/index.ts";
import type { Trouble } from "../scale/indicator.ts";
import type { Directory, EntryState, Name } from "../store/database.ts";
import type { Page, T } from "./app.ts";

const BCP47: Readonly<Record<Language, string>> = { "zh-Hans": "zh-CN", "zh-Hant": "zh-TW", en: "en-GB" };

export function massText(page: Page, grams: Grams): string {
  const isHeavy = grams >= 10_000_000;
  const value = isHeavy ? grams / 1_000_000 : grams / 1000;
  const format = new Intl.NumberFormat(BCP47[page.language()], { maximumFractionDigits: isHeavy ? 3 : 1 });
  return page.t(isHeavy ? "tonnes" : "kg", { n: format.format(value) });
}

/** What was weighed, always in kilograms: so indicators show it, tickets bear it, and people type it. */
export function weighedText(page: Page, grams: Grams): string {
  const format = new Intl.NumberFormat(BCP47[page.language()], { maximumFractionDigits: 3 });
  return page.t("kg", { n: format.format(grams / 1000) });
}

export function percentText(page: Page, percent: number): string {
  const format = new Intl.NumberFormat(BCP47[page.language()], {
    style: "percent",
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
    signDisplay: "exceptZero",
  });
  return format.format(percent / 100);
}

/** A band as a share: 300 permille is 30 %. */
export function permilleText(page: Page, permille: number): string {
  const format = { style: "percent", maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(BCP47[page.language()], format).format(permille / 1000);
}

export function timeText(page: Page, at: Seconds): string {
  return new Intl.DateTimeFormat(BCP47[page.language()], { hour: "2-digit", minute: "2-digit" }).format(
    at * 1000,
  );
}

export function momentText(page: Page, at: Seconds): string {
  const format = { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" } as const;
  return new Intl.DateTimeFormat(BCP47[page.language()], format).format(at * 1000);
}

export function dateText(page: Page, at: Seconds): string {
  const format = { year: "numeric", month: "short", day: "numeric" } as const;
  return new Intl.DateTimeFormat(BCP47[page.language()], format).format(at * 1000);
}

/** By how much the clock is off, ahead when positive. */
export function clockText({ t }: Pick<Page, "t">, errorSeconds: Seconds): string {
  const minutes = Math.round(Math.abs(errorSeconds) / 60);
  const length =
    minutes < 120
      ? t("minutes", { n: minutes })
      : minutes < 2880
        ? t("hours", { n: Math.round(minutes / 60) })
        : t("days", { n: Math.round(minutes / 1440) });
  return t(errorSeconds > 0 ? "clockAhead" : "clockBehind", { length });
}

export function nameIn(page: Page, name: Name | string | undefined, otherwise = ""): string {
  if (name === undefined || typeof name === "string") return name || otherwise;
  const [first, second] = page.language() === "en" ? [name.en, name.zh] : [name.zh, name.en];
  return first || second || otherwise;
}

export function organisationName(
  page: Page,
  directory: Pick<Directory, "organisations"> | undefined,
  id: string,
): string {
  return nameIn(page, directory?.organisations.find((each) => each.id === id)?.name, id);
}

/** A device's last digits: enough to tell phones apart on a desk. */
export function shortId(id: string): string {
  return id.slice(-4).toUpperCase();
}

/** A bin by its number's last digits, as its label shows them. */
export function shortBin({ t }: Pick<Page, "t">, bin: bigint): string {
  return bin === 0n ? t("unknownBin") : t("binNumber", { n: shortId(binNumber(bin)) });
}

export const SCALE_TROUBLE: Readonly<Record<Trouble, TextKey>> = {
  overload: "scaleOverload",
  underload: "scaleUnderload",
  "not-executable": "scaleNoWeight",
  away: "scaleAway",
  "wrong-scale": "scaleWrong",
};

export function kindKey(kind: string): TextKey {
  const keys: Readonly<Record<string, TextKey>> = {
    lift: "kindLift",
    load: "kindLoad",
    decline: "kindDecline",
    shift_end: "kindShiftEnd",
    give: "kindGive",
    take: "kindTake",
    withdraw: "kindWithdraw",
    weigh: "kindWeigh",
    refuse: "kindRefuse",
    enrol: "kindEnrol",
    revoke: "kindRevoke",
    rotate: "kindRotate",
  };
  return keys[kind] ?? "kindOther";
}

/** One short phrase for where an entry has got to. */
export function stateText(t: T, state: EntryState): { text: string; tone: string } {
  switch (state.is) {
    case "queued":
      return { text: t("stateQueued"), tone: "queued" };
    case "rejected":
      return { text: t("stateRejected"), tone: "rejected" };
    case "accepted": {
      const { state: reached, blockNumber } = state.onLedger;
      if (blockNumber === null) return { text: t("stateAccepted"), tone: "accepted" };
      const key = reached === "finalized" ? "stateFinalized" : "stateIncluded";
      return { text: t(key, { n: blockNumber }), tone: reached };
    }
  }
}

const REASON: Readonly<Record<DeclineReason, TextKey>> = {
  mixed: "declineMixed",
  "hazardous-inside": "declineHazardous",
  "construction-waste": "declineConstruction",
  "bulky-item": "declineBulky",
  liquid: "declineLiquid",
  overfull: "declineOverfull",
  "bin-damaged": "declineDamaged",
  "bin-not-reachable": "declineUnreachable",
};

export function reasonText(t: T, reason: DeclineReason | undefined): string {
  return reason === undefined ? t("unknown") : t(REASON[reason]);
}

/** Whether an entry has left this phone: all that a crew has to know while it works. */
export function sentText(t: T, state: EntryState): string {
  const key = { queued: "stateQueued", accepted: "sent", rejected: "stateRejected" } as const;
  return t(key[state.is]);
}

export function ledgerOf(state: EntryState): string {
  return state.is === "accepted" ? state.onLedger.state : state.is;
}

const TODO: Readonly<Record<Exclude<Outcome, "applied">, TextKey>> = {
  deferred: "deferredTodo",
  late: "lateTodo",
  conflict: "conflictTodo",
  quarantined: "quarantinedTodo",
  invalid: "invalidTodo",
  unknown: "unknownTodo",
};
const FLAW: Readonly<Record<Exclude<Flaw, "none">, readonly [what: TextKey, todo: TextKey]>> = {
  mixed: ["flawMixed", "flawMixedTodo"],
  unattested: ["flawUnattested", "flawUnattestedTodo"],
  "not-a-scale": ["flawNotAScale", "flawNotAScaleTodo"],
  "ticket-skipped": ["flawTicketSkipped", "flawTicketSkippedTodo"],
  "ticket-repeated": ["flawTicketRepeated", "flawTicketRepeatedTodo"],
  "calibration-expired": ["flawCalibrationExpired", "flawCalibrationExpiredTodo"],
  "cleaner-stream": ["flawCleanerStream", "flawCleanerStreamTodo"],
  "mandate-foreign": ["flawMandateForeign", "flawMandateForeignTodo"],
  "mandate-ended": ["flawMandateEnded", "flawMandateEndedTodo"],
  "mandate-expired": ["flawMandateExpired", "flawMandateExpiredTodo"],
  "mandate-stream": ["flawMandateStream", "flawMandateStreamTodo"],
  "mandate-site": ["flawMandateSite", "flawMandateSiteTodo"],
  "mandate-grams": ["flawMandateGrams", "flawMandateGramsTodo"],
  "mandate-depth": ["flawMandateDepth", "flawMandateDepthTodo"],
  forked: ["flawForked", "flawForkedTodo"],
};

/** What the ledger said, or would say, of an entry, and what a person should do about it; "" for nothing. */
export function answerText(
  { t }: Pick<Page, "t">,
  { outcome, flaw }: Answer,
): { what: string; todo: string } {
  if (flaw !== "none") {
    const [what, todo] = FLAW[flaw];
    return { what: `${t(outcome)} · ${t(what)}`, todo: t(todo) };
  }
  return { what: t(outcome), todo: outcome === "applied" ? "" : t(TODO[outcome]) };
}

/** What the ledger said of an entry, once it has. */
export function answerOfState(state: EntryState): Answer | undefined {
  if (state.is !== "accepted" || state.onLedger.outcome === null) return undefined;
  return { outcome: state.onLedger.outcome, flaw: state.onLedger.flaw ?? "none" };
}
