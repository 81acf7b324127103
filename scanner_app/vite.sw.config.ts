/** Builds the service worker: one file that imports nothing, beside the app that it keeps. */
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
        const built = readdirSync(here("dist"), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => `${entry.parentPath}/${entry.name}`.slice(here("dist/").length));
        const files = built.filter(isForThePhone).sort();
        const version = createHash("sha256");
        for (const file of files) version.update(file).update(readFileSync(here(`dist/${file}`)));
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
  publicDir: false,
  plugins: [precacheList()],
  build: {
    outDir: here("dist"),
    // The app was built there before, and nothing else yet: what is there is what the phone needs.
    emptyOutDir: false,
    target: "es2022",
    modulePreload: false,
    rolldownOptions: {
      input: { sw: here("src/sw/index.ts") },
      // The service worker's address must never change, or phones would keep the old one for ever.
      output: { entryFileNames: "sw.js" },
    },
  },
});
