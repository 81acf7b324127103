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
  const picture = svg.slice(svg.indexOf("<svg"));
  // The writer gives a size in pixels; the screen decides the size, so it becomes a view box.
  return picture.replace(/width="(\d+)" height="(\d+)"/, 'viewBox="0 0 $1 $2"');
}
