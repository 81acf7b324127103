/** The app's own reader of codes, and the library as it comes, where a test in a real browser can call them. */
import { type ReaderOptions, readBarcodes } from "zxing-wasm/reader";
import { FrameReader } from "../../../scanner_app/src/scan/read_qr.ts";

interface Reading {
  readonly text: string | null;
  readonly milliseconds: number;
}

const kept = new Map<string, ImageData>();

/** Keeps a picture's pixels under a name, drawn as the app draws a frame. */
async function load(name: string, dataUrl: string): Promise<readonly [width: number, height: number]> {
  const picture = await createImageBitmap(await (await fetch(dataUrl)).blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  if (drawing === null) throw new Error("no canvas");
  // What is transparent is seen before paper.
  drawing.fillStyle = "#ffffff";
  drawing.fillRect(0, 0, canvas.width, canvas.height);
  drawing.drawImage(picture, 0, 0);
  picture.close();
  kept.set(name, drawing.getImageData(0, 0, canvas.width, canvas.height));
  return [canvas.width, canvas.height];
}

function forget(): void {
  kept.clear();
}

function pixelsOf(name: string): ImageData {
  const pixels = kept.get(name);
  if (pixels === undefined) throw new Error(`no picture ${name}`);
  return pixels;
}

async function timed(read: () => Promise<string | undefined>): Promise<Reading> {
  const began = performance.now();
  const text = await read();
  return { text: text ?? null, milliseconds: performance.now() - began };
}

async function each(names: readonly string[], read: (pixels: ImageData) => Promise<string | undefined>) {
  const readings: Reading[] = [];
  for (const name of names) readings.push(await timed(() => read(pixelsOf(name))));
  return readings;
}

/** As the app reads a picture that is held before the camera: every way, until one of them reads. */
async function held(pixels: ImageData): Promise<string | undefined> {
  const reader = new FrameReader();
  for (let look = 0; look < FrameReader.ways; look += 1) {
    const text = await reader.read(copyOf(pixels));
    if (text !== undefined) return text;
  }
  return undefined;
}

const copyOf = ({ data, width, height }: ImageData) => new ImageData(data.slice(), width, height);

const ours = (names: readonly string[]) => each(names, held);

/** The library's first valid answer, whatever it is; an empty one too. */
const theirs = (names: readonly string[], options: ReaderOptions) =>
  each(names, async (pixels) => (await readBarcodes(pixels, options)).find((code) => code.isValid)?.text);

let video = new FrameReader();

function beginVideo(): void {
  video = new FrameReader();
}

/** The next frame of the video. */
const frame = (name: string) => timed(() => video.read(pixelsOf(name)));

Object.assign(window, { reading: { load, forget, ours, theirs, beginVideo, frame } });
