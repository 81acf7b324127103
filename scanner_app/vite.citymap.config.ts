/** Builds the script of the city's map: one file and MapLibre's worker beside it, under fixed names that the page asks for by digest. */
import { copyFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The worker as MapLibre ships it: it needs no bundling, and a policy without blob: or data: lets it start. */
function worker(): Plugin {
  return {
    name: "huanlian-map-worker",
    apply: "build",
    writeBundle() {
      const shipped = fileURLToPath(import.meta.resolve("maplibre-gl/dist/maplibre-gl-worker.mjs"));
      copyFileSync(shipped, here("dist/citymap-worker.js"));
    },
  };
}

export default defineConfig({
  root: here("."),
  base: "/console/static/map/",
  publicDir: false,
  plugins: [worker()],
  build: {
    outDir: here("dist"),
    // The app and the verifier were built there before.
    emptyOutDir: false,
    target: "es2022",
    modulePreload: false,
    chunkSizeWarningLimit: 1500,
    rolldownOptions: {
      input: { citymap: here("src/ui/citymap/start.ts") },
      output: { entryFileNames: "citymap.js", codeSplitting: false },
    },
  },
});
