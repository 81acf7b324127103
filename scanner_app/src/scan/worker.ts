/** Reads QR codes from frames, away from the thread that draws the screen. */
import { FrameReader } from "./read_qr.ts";

interface Scope {
  onmessage: ((event: MessageEvent<ImageBitmap>) => void) | null;
  postMessage(text: string | null): void;
}
const scope = self as unknown as Scope;
const reader = new FrameReader();

scope.onmessage = (event) => {
  void read(event.data).then((text) => scope.postMessage(text));
};

async function read(frame: ImageBitmap): Promise<string | null> {
  const canvas = new OffscreenCanvas(frame.width, frame.height);
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  if (drawing === null) return null;
  drawing.drawImage(frame, 0, 0);
  frame.close();
  return (await reader.read(drawing.getImageData(0, 0, canvas.width, canvas.height))) ?? null;
}
