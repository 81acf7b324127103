import { describe, expect, it } from "vitest";
import { chooseLanguage, LANGUAGES, textIn } from "../../scanner_app/src/i18n/index.ts";
import { en } from "../../scanner_app/src/i18n/en.ts";
import { zhHans } from "../../scanner_app/src/i18n/zh-Hans.ts";
import { zhHant } from "../../scanner_app/src/i18n/zh-Hant.ts";

const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

describe("the languages", () => {
  it("have the same texts with the same places to fill in", () => {
    for (const other of [zhHant, en]) {
      expect(Object.keys(other)).toEqual(Object.keys(zhHans));
      for (const [key, text] of Object.entries(zhHans)) {
        expect(places(other[key as keyof typeof zhHans]), key).toEqual(places(text));
      }
    }
  });

  it("leave no text empty", () => {
    for (const texts of [zhHans, zhHant, en]) {
      for (const text of Object.values(texts)) expect(text.trim()).not.toBe("");
    }
  });

  it("follow the browser, and Simplified Chinese where it asks for none of ours", () => {
    expect(chooseLanguage(["zh-CN", "en"])).toBe("zh-Hans");
    expect(chooseLanguage(["zh-Hant-HK"])).toBe("zh-Hant");
    expect(chooseLanguage(["zh-TW"])).toBe("zh-Hant");
    expect(chooseLanguage(["de", "en-GB"])).toBe("en");
    expect(chooseLanguage(["fr"])).toBe("zh-Hans");
    expect(Object.keys(LANGUAGES)).toHaveLength(3);
  });

  it("fill in values", () => {
    expect(textIn("en", "unsent", { n: 3 })).toBe("3 to send");
  });
});
