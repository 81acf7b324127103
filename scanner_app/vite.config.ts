import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("."),
  base: "/app/",
  build: {
    outDir: here("dist"),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        index: here("index.html"),
        registrar: here("registrar.html"),
      },
    },
  },
  worker: { format: "es" },
  test: {
    root: here(".."),
    include: ["tests/scanner_app/**/*.test.ts"],
    environment: "node",
    // P-256 in plain JavaScript is slow on a busy machine; a hang is still found.
    testTimeout: 60_000,
  },
});
