/** Finds the text of a QR code in pixels. What one way of looking misses another may see. */
import { prepareZXingModule, type ReaderOptions, type ReadResult, readBarcodes } from "zxing-wasm/reader";
import wasmUrl from "zxing-wasm/reader/zxing_reader.wasm?url";

prepareZXingModule({
  overrides: {
    locateFile: (path: string, prefix: string) => (path.endsWith(".wasm") ? wasmUrl : prefix + path),
  },
});

/** Several bins may be in sight; and a text is taken as it is, not as people would print it. */
const EVERY: ReaderOptions = {
  formats: ["QRCode"],
  maxNumberOfSymbols: 8,
  tryHarder: true,
  textMode: "Plain",
};
/** In the order in which a still picture is tried; the first alone reads nearly every clean code. */
export const WAYS: readonly ReaderOptions[] = [
  EVERY,
  { ...EVERY, tryDenoise: true },
  { ...EVERY, downscaleFactor: 2, downscaleThreshold: 200 },
  { ...EVERY, binarizer: "GlobalHistogram" },
];

/** One look at a picture: what the code says that it is aimed at. An empty text is no reading. */
export async function look(pixels: ImageData, way: ReaderOptions): Promise<string | undefined> {
  const found = await readBarcodes(pixels, way).catch((): ReadResult[] => []);
  const read = found.filter((code) => code.isValid && code.text !== "");
  return aimedAt(read, { x: pixels.width / 2, y: pixels.height / 2 })?.text;
}

/** Every way, for a picture that does not come again. */
export async function readStill(pixels: ImageData): Promise<string | undefined> {
  for (const way of WAYS) {
    const text = await look(pixels, way);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** A video: each frame gets one look, another way than the frame before, so that none of them waits for long. */
export class FrameReader {
  private turn = 0;

  async read(pixels: ImageData): Promise<string | undefined> {
    const text = await look(pixels, WAYS[this.turn % WAYS.length] ?? EVERY);
    this.turn = text === undefined ? this.turn + 1 : 0;
    return text;
  }
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The code over the middle of the picture, or nearest to it; of one within another, the outer one. */
function aimedAt(codes: readonly ReadResult[], middle: Point): ReadResult | undefined {
  const placed = codes.map((code) => ({ code, ...placeOf(code, middle) }));
  placed.sort((a, b) => a.distance - b.distance || b.area - a.area);
  return placed[0]?.code;
}

function placeOf({ position }: ReadResult, middle: Point): { distance: number; area: number } {
  const { topLeft, topRight, bottomRight, bottomLeft } = position;
  const corners = [topLeft, topRight, bottomRight, bottomLeft];
  const [left, right] = endsOf(corners.map((corner) => corner.x));
  const [top, bottom] = endsOf(corners.map((corner) => corner.y));
  const aside = Math.max(left - middle.x, 0, middle.x - right);
  const above = Math.max(top - middle.y, 0, middle.y - bottom);
  return { distance: Math.hypot(aside, above), area: (right - left) * (bottom - top) };
}

function endsOf(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)];
}
