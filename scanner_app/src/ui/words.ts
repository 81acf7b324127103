/** Numbers, names and instants as people read them. */
import type { Grams, Seconds } from "../domain/types.ts";
import type { Language, TextKey } from "../i18n/index.ts";
import type { Directory, EntryState, Name } from "../store/database.ts";
import type { Page, T } from "./app.ts";

const BCP47: Readonly<Record<Language, string>> = { "zh-Hans": "zh-CN", "zh-Hant": "zh-TW", en: "en-GB" };

export function massText(page: Page, grams: Grams): string {
  const isHeavy = grams >= 10_000_000;
  const value = isHeavy ? grams / 1_000_000 : grams / 1000;
  const format = new Intl.NumberFormat(BCP47[page.language()], { maximumFractionDigits: isHeavy ? 3 : 1 });
  return page.t(isHeavy ? "tonnes" : "kg", { n: format.format(value) });
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

export function nameIn(page: Page, name: Name | string | undefined, otherwise = ""): string {
  if (name === undefined || typeof name === "string") return name || otherwise;
  const [first, second] = page.language() === "en" ? [name.en, name.zh] : [name.zh, name.en];
  return first || second || otherwise;
}

export function organisationName(page: Page, directory: Directory | undefined, id: string): string {
  return nameIn(page, directory?.organisations.find((each) => each.id === id)?.name, id);
}

/** A device's last digits: enough to tell phones apart on a desk. */
export function shortId(id: string): string {
  return id.slice(-4).toUpperCase();
}

export function kindKey(kind: string): TextKey {
  const keys: Readonly<Record<string, TextKey>> = {
    lift: "kindLift",
    load: "kindLoad",
    give: "kindGive",
    take: "kindTake",
    withdraw: "kindWithdraw",
    weigh: "kindWeigh",
    enrol: "kindEnrol",
    revoke: "kindRevoke",
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

export function ledgerOf(state: EntryState): string {
  return state.is === "accepted" ? state.onLedger.state : state.is;
}
