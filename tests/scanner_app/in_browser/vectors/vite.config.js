import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What a page has no place for is put in its stead: a runner, vectors without files, seals without OpenSSL. */
const STAND_INS = new Map([
  [/^vitest$/, here("runner.ts")],
  [/\/vectors\.ts$/, here("read_vectors.ts")],
  [/\/check_with_openssl\.ts$/, here("openssl_less.ts")],
]);

function standIns() {
  return {
    name: "huanlian-vectors-in-browser",
    enforce: "pre",
    resolveId: (source) => [...STAND_INS].find(([pattern]) => pattern.test(source))?.[1],
  };
}

// Minified for the same target as the app's own bundle.
export default defineConfig({
  root: here("."),
  plugins: [standIns()],
  build: { target: "es2022", modulePreload: false, chunkSizeWarningLimit: 8192 },
});
