/** Filled in when the app is built: every file the phone needs, and what names this version of them. */
const files: unknown = "__FILES__";

export const FILES: readonly string[] = Array.isArray(files) ? (files as string[]) : [];
export const CACHE_NAME = "huanlian-__VERSION__";
export const PAGE = "index.html";
