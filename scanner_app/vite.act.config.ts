/** Builds the script of the console's case pages: one file under a fixed name, which the pages ask for by its digest. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("."),
  base: "/app/",
  publicDir: false,
  build: {
    outDir: here("dist"),
    // The app and the verifier were built there before.
    emptyOutDir: false,
    target: "es2022",
    modulePreload: false,
    rolldownOptions: {
      input: { act: here("src/ui/act/start.ts") },
      output: { entryFileNames: "act.js" },
    },
  },
});
