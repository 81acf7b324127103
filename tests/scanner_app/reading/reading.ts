/** The app's own reader of codes, and the library as it comes, where a test in a real browser can call them. */
import { type ReaderOptions, readBarcodes } from "zxing-wasm/reader";
import type { Picture } from "../../../scanner_app/src/scan/pixels.ts";
import { FrameReader } from "../../../scanner_app/src/scan/read_qr.ts";

interface Reading {
  readonly text: string | null;
  readonly milliseconds: number;
}

const kept = new Map<string, ImageBitmap>();

/** Keeps a picture under a name, as a camera's frame reaches the app. */
async function load(name: string, dataUrl: string): Promise<readonly [width: number, height: number]> {
  kept.get(name)?.close();
  const picture = await createImageBitmap(await (await fetch(dataUrl)).blob());
  kept.set(name, picture);
  return [picture.width, picture.height];
}

function forget(): void {
  for (const picture of kept.values()) picture.close();
  kept.clear();
}

function pictureOf(name: string): ImageBitmap {
  const picture = kept.get(name);
  if (picture === undefined) throw new Error(`no picture ${name}`);
  return picture;
}

/** Its pixels before white paper, for the library. */
function pixelsOf(picture: ImageBitmap): ImageData {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  if (drawing === null) throw new Error("no canvas");
  drawing.fillStyle = "#ffffff";
  drawing.fillRect(0, 0, canvas.width, canvas.height);
  drawing.drawImage(picture, 0, 0);
  return drawing.getImageData(0, 0, canvas.width, canvas.height);
}

async function timed(read: () => Promise<string | undefined>): Promise<Reading> {
  const began = performance.now();
  const text = await read();
  return { text: text ?? null, milliseconds: performance.now() - began };
}

async function each(names: readonly string[], read: (picture: ImageBitmap) => Promise<string | undefined>) {
  const readings: Reading[] = [];
  for (const name of names) readings.push(await timed(() => read(pictureOf(name))));
  return readings;
}

/** As the app reads a picture that is held before the camera: every way, until one of them reads. */
async function held(picture: Picture): Promise<string | undefined> {
  const reader = new FrameReader();
  for (let look = 0; look < FrameReader.ways; look += 1) {
    const text = await reader.read(picture);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** The same as a camera lends its frames: the light of every pixel first, then colours, of which there are none. */
async function lent(picture: ImageBitmap): Promise<string | undefined> {
  const { data, width, height } = pixelsOf(picture);
  const planes = new Uint8Array(width * height * 1.5).fill(128);
  for (let at = 0; at < width * height; at += 1) planes[at] = data[at * 4 + 1] ?? 0;
  const frame = new VideoFrame(planes, {
    format: "I420",
    codedWidth: width,
    codedHeight: height,
    timestamp: 0,
  });
  try {
    return await held(frame);
  } finally {
    frame.close();
  }
}

const oursLent = (names: readonly string[]) => each(names, lent);
const ours = (names: readonly string[]) => each(names, held);

/** The library's first valid answer, whatever it is; an empty one too. */
const theirs = (names: readonly string[], options: ReaderOptions) =>
  each(
    names,
    async (picture) => (await readBarcodes(pixelsOf(picture), options)).find((code) => code.isValid)?.text,
  );

let video = new FrameReader();

function beginVideo(): void {
  video = new FrameReader();
}

/** The next frame of the video. */
const frame = (name: string) => timed(() => video.read(pictureOf(name)));

Object.assign(window, { reading: { load, forget, ours, oursLent, theirs, beginVideo, frame } });
