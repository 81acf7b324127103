/** What the published tolerance says of a declared and a weighed mass, told before anything is sealed. */
import {
  type Basis,
  BASES,
  judgeMasses,
  readRules,
  type ToleranceRule,
  type ToleranceVerdict,
} from "../../domain/tolerances.ts";
import { type Grams, type Seconds, type Stream, STREAMS } from "../../domain/types.ts";
import { type Database, keepSingle, readSingle } from "../../store/database.ts";
import type { Api } from "../../sync/api.ts";
import type { App } from "../app.ts";
import { fill, h } from "../dom.ts";
import { massText, permilleText } from "../words.ts";
import type { Offer } from "./offers.ts";

/** How the declared mass was known; the office tells of it, and without its word it is taken as estimated. */
export interface Declared {
  readonly stream: Stream | undefined;
  readonly basis: Basis;
  readonly isBasisTold: boolean;
}

/** Fetches the published rules and keeps them; rules that cannot be read replace none. */
export async function fetchTolerances(db: Database, api: Pick<Api, "tolerances">): Promise<void> {
  const answer = await api.tolerances();
  if (answer.is !== "ok" || readRules(answer.value.document) === undefined) return;
  await keepSingle(db, "tolerances", answer.value);
}

export async function knownRules(db: Database): Promise<readonly ToleranceRule[]> {
  const kept = await readSingle(db, "tolerances");
  return (kept && readRules(kept.document)) ?? [];
}

/** Asks the office how the declared mass was known; answers without it where there is no network. */
export async function askDeclared(app: App, offer: Offer): Promise<Declared> {
  const unknown: Declared = { stream: offer.stream, basis: "estimated", isBasisTold: false };
  if (!navigator.onLine) return unknown;
  const answer = await app.api.judgements(offer.lot);
  if (answer.is !== "ok") return unknown;
  const told = answer.value.handoffs.find(
    ({ give }) => give.device === offer.giver && give.seq === offer.giveSeq,
  );
  const basis = typeof told?.basis === "number" ? BASES[told.basis - 1] : told?.basis;
  if (told === undefined || basis === undefined || basis === null) return unknown;
  const stream = typeof told.stream === "number" ? STREAMS[told.stream - 1] : told.stream;
  return { stream: offer.stream ?? stream ?? undefined, basis, isBasisTold: true };
}

export interface Compared {
  readonly declaredGrams: Grams;
  readonly weighedGrams: Grams;
  readonly at: Seconds;
}

/** A place that tells the verdict, and is told again when the stream or the basis become known. */
export function verdictBox(
  app: App,
  rules: readonly ToleranceRule[],
  masses: Compared,
): { element: HTMLElement; draw(declared: Declared): void } {
  const element = h("div", { class: "verdict", role: "status" });
  const draw = (declared: Declared) => {
    const verdict = verdictOf(rules, masses, declared);
    const tone = verdict === undefined ? "unknown" : verdict.isWithin ? "within" : "beyond";
    element.className = `verdict ${tone}`;
    fill(element, ...verdictLines(app, verdict, declared, rules.length > 0));
  };
  return { element, draw };
}

export function verdictOf(
  rules: readonly ToleranceRule[],
  masses: Compared,
  { stream, basis }: Declared,
): ToleranceVerdict | undefined {
  return stream === undefined ? undefined : judgeMasses(rules, masses, { stream, basis, at: masses.at });
}

function verdictLines(
  app: App,
  verdict: ToleranceVerdict | undefined,
  declared: Declared,
  hasRules: boolean,
): HTMLElement[] {
  const { t } = app;
  if (verdict === undefined) {
    const why = !hasRules
      ? "verdictNoRules"
      : declared.stream === undefined
        ? "verdictNoStream"
        : "verdictNone";
    return [h("strong", { test: "verdict", data: { within: "" } }, t(why))];
  }
  const { rule, isWithin } = verdict;
  const data = {
    rule: rule.id,
    version: String(rule.version),
    within: String(isWithin),
    basis: declared.basis,
  };
  return [
    h("strong", { test: "verdict", data }, t(isWithin ? "verdictWithin" : "verdictBeyond")),
    h("p", {}, ruleText(app, rule)),
    h("p", { class: "small" }, app.language() === "en" ? rule.text.en : rule.text.zh),
    ...(declared.isBasisTold ? [] : [h("p", { class: "small" }, t("verdictAssumed"))]),
  ];
}

/** The rule by its id and version, and how far it lets two masses differ. */
export function ruleText(app: App, rule: ToleranceRule): string {
  const { t } = app;
  const band = permilleText(app, rule.permilleMax);
  return t("verdictRule", {
    id: rule.id,
    version: rule.version,
    band,
    floor: massText(app, rule.floorGrams),
  });
}
