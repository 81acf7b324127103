/** Builds the verifier: one HTML file with everything inside, that needs no server and may load nothing. */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Only the script and style that are in the file may run; the network is for the node that a user types. */
function policy(script: string, style: string): string {
  const digest = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  return [
    "default-src 'none'",
    `script-src ${digest(script)}`,
    `style-src ${digest(style)}`,
    "img-src data:",
    "connect-src http: https:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

function intoOneFile(): Plugin {
  return {
    name: "huanlian-one-file",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const page = bundle["verify.html"];
        if (page?.type !== "asset") return this.error("verify.html was not built");
        let script = "";
        let style = "";
        for (const [name, built] of Object.entries(bundle)) {
          if (built.type === "chunk") script += built.code;
          else if (name.endsWith(".css")) style += String(built.source);
          if (name !== "verify.html") delete bundle[name];
        }
        // A script inside HTML ends at the first of these, wherever it stands.
        script = script.replaceAll("</script", "<\\/script");
        const html = String(page.source)
          .replace(/\s*<script type="module"[^>]*><\/script>/, "")
          .replace(/\s*<link rel="stylesheet"[^>]*>/, "")
          .replace(
            '<meta name="referrer"',
            () => `<meta http-equiv="Content-Security-Policy" content="${policy(script, style)}" />\n    <meta name="referrer"`,
          )
          .replace("</head>", () => `  <style>${style}</style>\n  </head>`)
          .replace("</body>", () => `  <script type="module">${script}</script>\n  </body>`);
        page.source = html;
      },
    },
  };
}

export default defineConfig({
  root: here("."),
  base: "./",
  publicDir: false,
  plugins: [intoOneFile()],
  build: {
    outDir: here("dist"),
    // The app was built there before.
    emptyOutDir: false,
    target: "es2022",
    modulePreload: false,
    cssCodeSplit: false,
    rolldownOptions: { input: { verify: here("verify.html") } },
  },
});
