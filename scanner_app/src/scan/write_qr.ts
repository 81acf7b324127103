/** Draws a QR code as SVG. */
import { prepareZXingModule, writeBarcode } from "zxing-wasm/writer";
import wasmUrl from "zxing-wasm/writer/zxing_writer.wasm?url";

prepareZXingModule({
  overrides: {
    locateFile: (path: string, prefix: string) => (path.endsWith(".wasm") ? wasmUrl : prefix + path),
  },
});

export async function writeQr(text: string): Promise<string> {
  const { svg, error } = await writeBarcode(text, { format: "QRCode", options: "ecLevel=M", scale: 1 });
  if (svg === "") throw new Error(error);
  return svg.slice(svg.indexOf("<svg"));
}
