/**
 * How far a declared and a weighed mass may differ: the published rules, and what the one in force says.
 *
 * The same rules stand in backend/domain/tolerances.py. Source: docs/spec/entries.md, "Judgements".
 */
import { type Grams, type Seconds, type Stream, STREAMS } from "./types.ts";

/** How a declared mass was known, from the weakest on, in the order of the treaty's codes from 1. */
export const BASES = ["estimated", "onboard_scale", "weighed"] as const;
export type Basis = (typeof BASES)[number];

const FORMAT = "huanlian-tolerances-1";

export interface ToleranceRule {
  readonly id: string;
  readonly version: number;
  readonly inForceFrom: Seconds;
  readonly streams: readonly Stream[];
  readonly bases: readonly Basis[];
  readonly permilleMax: number;
  readonly floorGrams: Grams;
  readonly text: { readonly zh: string; readonly en: string };
}
export interface ToleranceVerdict {
  readonly rule: ToleranceRule;
  /** Weighed minus declared. */
  readonly differenceGrams: Grams;
  /** Its size against the declared mass, rounded up; undefined when nothing was declared. */
  readonly permille: number | undefined;
  readonly isWithin: boolean;
}

/** The rules of a published document; undefined when it is not one, or when one rule of it cannot be read. */
export function readRules(document: unknown): readonly ToleranceRule[] | undefined {
  if (!isRecord(document) || document["format"] !== FORMAT) return undefined;
  const listed = document["rules"];
  if (!Array.isArray(listed) || listed.length === 0) return undefined;
  const rules = listed.map(readRule);
  return rules.every((rule) => rule !== undefined) ? rules : undefined;
}

function readRule(raw: unknown): ToleranceRule | undefined {
  if (!isRecord(raw) || !isRecord(raw["text"])) return undefined;
  const { id, version, streams, bases, in_force_from: from } = raw;
  const { permille_max: permilleMax, floor_grams: floorGrams } = raw;
  const { zh, en } = raw["text"];
  const inForceFrom = Date.parse(String(from)) / 1000;
  if (typeof id !== "string" || typeof zh !== "string" || typeof en !== "string") return undefined;
  if (!isWhole(version) || !isWhole(permilleMax) || !isWhole(floorGrams) || !Number.isFinite(inForceFrom))
    return undefined;
  if (!areSome(streams, STREAMS) || !areSome(bases, BASES)) return undefined;
  return { id, version, inForceFrom, streams, bases, permilleMax, floorGrams, text: { zh, en } };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function areSome<T extends string>(values: unknown, known: readonly T[]): values is readonly T[] {
  return Array.isArray(values) && values.length > 0 && values.every((value) => known.includes(value as T));
}

/** Of the rules that cover a case at an instant, the last to have come into force; undefined when none does. */
export function ruleInForce(
  rules: readonly ToleranceRule[],
  { stream, basis, at }: { readonly stream: Stream; readonly basis: Basis; readonly at: Seconds },
): ToleranceRule | undefined {
  return rules
    .filter((rule) => rule.streams.includes(stream) && rule.bases.includes(basis) && rule.inForceFrom <= at)
    .reduce<ToleranceRule | undefined>(
      (last, rule) => (last !== undefined && last.inForceFrom >= rule.inForceFrom ? last : rule),
      undefined,
    );
}

/** What the rule in force says of two masses; undefined when no rule covers the case. */
export function judgeMasses(
  rules: readonly ToleranceRule[],
  masses: { readonly declaredGrams: Grams; readonly weighedGrams: Grams },
  how: { readonly stream: Stream; readonly basis: Basis; readonly at: Seconds },
): ToleranceVerdict | undefined {
  const rule = ruleInForce(rules, how);
  if (rule === undefined) return undefined;
  const { declaredGrams, weighedGrams } = masses;
  const differenceGrams = weighedGrams - declaredGrams;
  const size = Math.abs(differenceGrams);
  return {
    rule,
    differenceGrams,
    permille: declaredGrams === 0 ? undefined : roundedUp(size * 1000, declaredGrams),
    isWithin: size <= rule.floorGrams || size * 1000 <= rule.permilleMax * declaredGrams,
  };
}

/** A difference just outside a band must not read as if it were inside. */
function roundedUp(dividend: number, divisor: number): number {
  const rest = dividend % divisor;
  return (dividend - rest) / divisor + (rest > 0 ? 1 : 0);
}
