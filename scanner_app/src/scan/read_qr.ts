/** Finds the text of a QR code in pixels. What one way of looking misses another may see. */
import { prepareZXingModule, type ReaderOptions, type ReadResult, readBarcodes } from "zxing-wasm/reader";
import wasmUrl from "zxing-wasm/reader/zxing_reader.wasm?url";
import { type InkRule, inkOf } from "./ink.ts";
import { type Picture, pixelsOf } from "./pixels.ts";

prepareZXingModule({
  overrides: {
    locateFile: (path: string, prefix: string) => (path.endsWith(".wasm") ? wasmUrl : prefix + path),
  },
});

/** One way of looking at a picture: how much of it, what the reader is told, and what counts as ink. */
interface Way {
  readonly options: ReaderOptions;
  /** Pixels; a larger picture is made smaller first. */
  readonly widthMax: number;
  readonly ink?: InkRule;
}

/** Several bins may be in sight; and a text is taken as it is, not as people would print it. */
const EVERYTHING: ReaderOptions = {
  formats: ["QRCode"],
  maxNumberOfSymbols: 8,
  tryHarder: true,
  tryDenoise: true,
  textMode: "Plain",
};
/** Half the work: no label of ours is white on black, and few are so large that they need to be made smaller. */
const QUICK: ReaderOptions = { ...EVERYTHING, tryDenoise: false, tryInvert: false, tryDownscale: false };
/** Made smaller, a picture loses the specks that mud leaves in it. */
const IN_BLACK_AND_WHITE: ReaderOptions = { ...QUICK, tryDownscale: true, binarizer: "FixedThreshold" };
const WHOLE = 1280;
/** A quarter of the pixels: enough for a label that is held as the frame on the screen asks. */
const AT_ONCE = 640;
/** Reads nearly every clean code, and costs little. */
const FIRST: Way = { options: QUICK, widthMax: AT_ONCE };
/** In the order in which frames are tried. */
const OTHERS: readonly Way[] = [
  { options: QUICK, widthMax: WHOLE },
  { options: IN_BLACK_AND_WHITE, widthMax: WHOLE, ink: { around: 8, share: 0.9, sharpen: 0 } },
  { options: IN_BLACK_AND_WHITE, widthMax: WHOLE, ink: { around: 12, share: 0.6, sharpen: 0 } },
  { options: IN_BLACK_AND_WHITE, widthMax: WHOLE, ink: { around: 20, share: 0.8, sharpen: 4 } },
  { options: EVERYTHING, widthMax: WHOLE },
];

/** A video: what the first way does not read gets one more look, each frame another, so that none waits for long. */
export class FrameReader {
  /** So many frames, and every way has been tried. */
  static readonly ways = OTHERS.length;
  private turn = 0;

  /** What the code says that the picture is aimed at. */
  async read(picture: Picture): Promise<string | undefined> {
    const text = (await look(picture, FIRST)) ?? (await look(picture, this.another()));
    if (text !== undefined) this.turn = 0;
    return text;
  }

  private another(): Way {
    this.turn += 1;
    return OTHERS[(this.turn - 1) % OTHERS.length] ?? FIRST;
  }
}

/** An empty text is no reading. */
async function look(picture: Picture, { widthMax, options, ink }: Way): Promise<string | undefined> {
  const pixels = await pixelsOf(picture, widthMax);
  if (ink !== undefined) inkOf(pixels, ink);
  const found = await readBarcodes(pixels, options);
  const read = found.filter((code) => code.isValid && code.text !== "");
  return aimedAt(read, { x: pixels.width / 2, y: pixels.height / 2 })?.text;
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
