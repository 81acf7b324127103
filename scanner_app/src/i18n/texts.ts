import type { zhHans } from "./zh-Hans.ts";

export type TextKey = keyof typeof zhHans;
export type Texts = Readonly<Record<TextKey, string>>;
