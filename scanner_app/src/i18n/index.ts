import { en } from "./en.ts";
import type { TextKey, Texts } from "./texts.ts";
import { zhHans } from "./zh-Hans.ts";
import { zhHant } from "./zh-Hant.ts";

export type { TextKey } from "./texts.ts";

export const LANGUAGES = { "zh-Hans": "简体", "zh-Hant": "繁體", en: "English" } as const;
export type Language = keyof typeof LANGUAGES;

const TEXTS: Readonly<Record<Language, Texts>> = { "zh-Hans": zhHans, "zh-Hant": zhHant, en };

/** The best of our languages for what a browser asks for. */
export function chooseLanguage(wanted: readonly string[]): Language {
  for (const each of wanted) {
    if (/^zh\b.*(hant|tw|hk|mo)/i.test(each)) return "zh-Hant";
    if (/^zh\b/i.test(each)) return "zh-Hans";
    if (/^en\b/i.test(each)) return "en";
  }
  return "zh-Hans";
}

export function textIn(
  language: Language,
  key: TextKey,
  values: Readonly<Record<string, string | number>> = {},
): string {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
