import type { Picture } from "./pixels.ts";
import { ReaderWorker } from "./reader_worker.ts";

/** Finds the text of a QR code in a video frame: the phone's own reader where there is one, else ours. */
export interface Decoder {
  /** Undefined: nothing can be read in it. Rejects with `ReaderFailed` where the reader itself does not work. */
  decode(video: HTMLVideoElement): Promise<string | undefined>;
  close(): void;
}

export class ReaderFailed extends Error {
  override readonly name = "ReaderFailed";
}
interface NativeDetector {
  detect(source: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]>;
}
interface NativeDetectorMaker {
  new (options: { formats: string[] }): NativeDetector;
  getSupportedFormats(): Promise<string[]>;
}
const FRAME_WIDTH_MAX = 1280;

export async function makeDecoder(): Promise<Decoder> {
  return (await nativeDecoder()) ?? workerDecoder();
}

async function nativeDecoder(): Promise<Decoder | undefined> {
  const { BarcodeDetector } = globalThis as { BarcodeDetector?: NativeDetectorMaker };
  if (BarcodeDetector === undefined) return undefined;
  const formats = await BarcodeDetector.getSupportedFormats().catch((): string[] => []);
  if (!formats.includes("qr_code")) return undefined;
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  return {
    decode: async (video) => {
      const [code] = await detector.detect(video).catch((error: unknown) => {
        throw new ReaderFailed(String(error));
      });
      // An empty text is no reading.
      return code?.rawValue || undefined;
    },
    close: () => undefined,
  };
}

function workerDecoder(): Decoder {
  const reader = ReaderWorker.take();
  return {
    decode: async (video) => {
      if (video.videoWidth === 0) return undefined;
      const look = await reader.look(await frameOf(video));
      if ("failure" in look) throw new ReaderFailed(look.failure);
      return look.text;
    },
    close: () => reader.letGo(),
  };
}

/** A frame as the camera gave it, where the browser lends it; else a copy of what is seen. */
async function frameOf(video: HTMLVideoElement): Promise<Picture> {
  if (typeof VideoFrame === "function") return new VideoFrame(video);
  return createImageBitmap(video, { resizeWidth: Math.min(video.videoWidth, FRAME_WIDTH_MAX) });
}
