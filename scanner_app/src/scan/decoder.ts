import type { Picture } from "./pixels.ts";

/** Finds the text of a QR code in a video frame: the phone's own reader where there is one, else ours. */
export interface Decoder {
  decode(video: HTMLVideoElement): Promise<string | undefined>;
  close(): void;
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
    // An empty text is no reading.
    decode: async (video) => (await detector.detect(video).catch(() => []))[0]?.rawValue || undefined,
    close: () => undefined,
  };
}

function workerDecoder(): Decoder {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  let answer: (text: string | undefined) => void = () => undefined;
  worker.onmessage = ({ data }: MessageEvent<string | null>) => answer(data ?? undefined);
  worker.onerror = () => answer(undefined);
  return {
    decode: async (video) => {
      if (video.videoWidth === 0) return undefined;
      const frame = await frameOf(video);
      return new Promise((resolve) => {
        answer = resolve;
        worker.postMessage(frame, [frame]);
      });
    },
    close: () => worker.terminate(),
  };
}

/** A frame as the camera gave it, where the browser lends it; else a copy of what is seen. */
async function frameOf(video: HTMLVideoElement): Promise<Picture> {
  if (typeof VideoFrame === "function") return new VideoFrame(video);
  return createImageBitmap(video, { resizeWidth: Math.min(video.videoWidth, FRAME_WIDTH_MAX) });
}
