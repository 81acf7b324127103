/** No check says anything that a Chinese reader would get in English. */
import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { tellDetail } from "../../../scanner_app/src/verify/details.ts";

const SOURCES = [
  ...["blocks", "bundle", "bundle_set", "journal", "proof", "rlp", "set_facts", "trie"].map((n) => `domain/${n}`),
  "verify/verify",
  "verify/verify_set",
].map((name) => readFileSync(new URL(`../../../scanner_app/src/${name}.ts`, import.meta.url), "utf8"));

const FAILURE =
  /new (?:StepFailed|BadBundle|BadInclusion|BadProof|BadRlp|MalformedWords)\(\s*(?:"([^"]+)"|`([^`]+)`)/g;

/** The sentences of the source; a number or an id stands for what is put in. */
function sentences(): string[] {
  return SOURCES.flatMap((source) => [...source.matchAll(FAILURE)]).map(([, plain, template]) =>
    plain ?? (template ?? "").replaceAll(/\$\{[^}]*(?:\{[^}]*\}[^}]*)*\}/g, "12"),
  );
}

describe("a step's detail", () => {
  it.each(sentences())("has its words in Chinese: %s", (sentence) => {
    expect(tellDetail(sentence, "zh")).toMatch(/\p{Script=Han}/u);
    expect(tellDetail(sentence, "en")).toBe(sentence);
  });

  it("finds the sentences of every kind of failure", () => {
    expect(sentences().length).toBeGreaterThan(40);
  });

  it("keeps the parts", () => {
    const device = "0000020000000001";
    expect(tellDetail(`The seal of ${device} at seq 77 does not verify.`, "zh")).toBe(
      `设备 ${device} 在流水号 77 处的签封不成立。`,
    );
    expect(tellDetail("A node cannot be read: nested too deep.", "zh")).toBe("证明中的一个节点无法读取：嵌套过深。");
  });

  it("leaves what it does not know as it is", () => {
    expect(tellDetail("TypeError: Failed to fetch", "zh")).toBe("TypeError: Failed to fetch");
  });
});
