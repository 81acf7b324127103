import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Writes into sw.js the list of everything it must keep, and a version that changes when any of it does. */
function precacheList(): Plugin {
  return {
    name: "huanlian-precache-list",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const worker = bundle["sw.js"];
        if (worker?.type !== "chunk") this.error("sw.js was not built");
        const isForThePhone = (file: string) => file !== "sw.js" && !/registrar|\.map$/.test(file);
        const files = [...Object.keys(bundle), ...readdirSync(here("public"))].filter(isForThePhone).sort();
        const version = createHash("sha256");
        for (const file of files) {
          const built = bundle[file];
          const kept = built?.type === "chunk" ? built.code : built?.source;
          version.update(file).update(kept ?? readFileSync(here(`public/${file}`)));
        }
        worker.code = worker.code
          .replace(/["'`]__FILES__["'`]/, JSON.stringify(files))
          .replaceAll("__VERSION__", version.digest("hex").slice(0, 16));
      },
    },
  };
}

export default defineConfig({
  root: here("."),
  base: "/app/",
  plugins: [precacheList()],
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
        sw: here("src/sw/index.ts"),
      },
      output: {
        // The service worker's address must never change, or phones would keep the old one for ever.
        entryFileNames: (chunk) => (chunk.name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
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
