import { describe, expect, it } from "vitest";

const SOURCES = import.meta.glob<string>("../../scanner_app/src/**/*.ts", {
  eager: true,
  query: "?raw",
  import: "default",
});
const files = Object.entries(SOURCES).map(([path, text]) => ({
  path: path.replace("../../scanner_app/src/", ""),
  imports: [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((found) => found[1] ?? ""),
}));
const layerOf = (path: string) => path.split("/")[0] ?? "";

function target(from: string, to: string): string {
  return to.startsWith(".") ? new URL(to, `file:///${from}`).pathname.slice(1) : to;
}

describe("the app's layers", () => {
  it("are looked at: every file is read", () => {
    expect(files.length).toBeGreaterThan(40);
  });

  it("keep the domain to itself and the hashes", () => {
    for (const { path, imports } of files.filter((file) => layerOf(file.path) === "domain")) {
      for (const each of imports) {
        const isAllowed = target(path, each).startsWith("domain/") || each.startsWith("@noble/hashes/");
        expect(isAllowed, `${path} imports ${each}`).toBe(true);
      }
    }
  });

  it("let nothing but the screens import the screens", () => {
    for (const { path, imports } of files.filter((file) => layerOf(file.path) !== "ui")) {
      for (const each of imports) {
        expect(target(path, each).startsWith("ui/"), `${path} imports ${each}`).toBe(false);
      }
    }
  });
});
