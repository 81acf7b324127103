// Prints, for each picture named, a JSON array of the texts of its QR codes: one line a picture.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";

const wasm = createRequire(import.meta.url).resolve("zxing-wasm/reader/zxing_reader.wasm");
await prepareZXingModule({
  overrides: { wasmBinary: (await readFile(wasm)).buffer },
  fireImmediately: true,
});
for (const path of process.argv.slice(2)) {
  const found = await readBarcodes(new Uint8Array(await readFile(path)), {
    formats: ["QRCode"],
    tryHarder: true,
    maxNumberOfSymbols: 64,
  });
  console.log(JSON.stringify(found.filter((code) => code.isValid).map((code) => code.text)));
}
