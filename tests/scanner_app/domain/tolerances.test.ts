import { describe, expect, it } from "vitest";
import { type Basis, judgeMasses, readRules } from "../../../scanner_app/src/domain/tolerances.ts";
import type { Stream } from "../../../scanner_app/src/domain/types.ts";
import { readVectors } from "../vectors.ts";

interface Tolerances {
  document: unknown;
  cases: {
    declared_grams: number;
    weighed_grams: number;
    stream: Stream;
    basis: Basis;
    at: number;
    verdict: {
      rule: string;
      version: number;
      difference_grams: number;
      permille: number | null;
      is_within: boolean;
    } | null;
  }[];
  malformed: { name: string; document: unknown }[];
}
const vectors = readVectors<Tolerances>("tolerances.json");

describe("a tolerance", () => {
  it("is judged by the rule in force as the treaty says", () => {
    const rules = readRules(vectors.document) ?? [];
    expect(rules.length).toBeGreaterThan(4);
    for (const { declared_grams, weighed_grams, stream, basis, at, verdict } of vectors.cases) {
      const masses = { declaredGrams: declared_grams, weighedGrams: weighed_grams };
      const found = judgeMasses(rules, masses, { stream, basis, at });
      const told = found && {
        rule: found.rule.id,
        version: found.rule.version,
        difference_grams: found.differenceGrams,
        permille: found.permille ?? null,
        is_within: found.isWithin,
      };
      expect(told ?? null).toEqual(verdict);
    }
  });

  it.each(vectors.malformed)("is not read from: $name", ({ document }) => {
    expect(readRules(document)).toBeUndefined();
  });
});
