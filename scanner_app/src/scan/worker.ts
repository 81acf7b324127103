/** Reads QR codes from frames, away from the thread that draws the screen. */
import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";
import wasmUrl from "zxing-wasm/reader/zxing_reader.wasm?url";

interface Scope {
  onmessage: ((event: MessageEvent<ImageBitmap>) => void) | null;
  postMessage(text: string | null): void;
}
const scope = self as unknown as Scope;

prepareZXingModule({
  overrides: {
    locateFile: (path: string, prefix: string) => (path.endsWith(".wasm") ? wasmUrl : prefix + path),
  },
});

scope.onmessage = (event) => {
  void read(event.data).then((text) => scope.postMessage(text));
};

async function read(frame: ImageBitmap): Promise<string | null> {
  const canvas = new OffscreenCanvas(frame.width, frame.height);
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  if (drawing === null) return null;
  drawing.drawImage(frame, 0, 0);
  frame.close();
  const pixels = drawing.getImageData(0, 0, canvas.width, canvas.height);
  try {
    const found = await readBarcodes(pixels, { formats: ["QRCode"], maxNumberOfSymbols: 1, tryHarder: true });
    return found.find((code) => code.isValid)?.text ?? null;
  } catch {
    return null;
  }
}
