/** Reads QR codes from frames, away from the thread that draws the screen. */
import type { Picture } from "./pixels.ts";
import { FrameReader } from "./read_qr.ts";

interface Scope {
  onmessage: ((event: MessageEvent<Picture>) => void) | null;
  postMessage(text: string | null): void;
}
const scope = self as unknown as Scope;
const reader = new FrameReader();

scope.onmessage = (event) => {
  void read(event.data).then((text) => scope.postMessage(text));
};

async function read(frame: Picture): Promise<string | null> {
  const text = await reader.read(frame);
  frame.close();
  return text ?? null;
}
