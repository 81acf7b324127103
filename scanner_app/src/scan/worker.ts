/** Reads QR codes from frames, away from the thread that draws the screen. */
import type { Picture } from "./pixels.ts";
import { FrameReader } from "./read_qr.ts";

/** What came of one look: a text, nothing, or why there could be no look. */
export type Look = { readonly text: string | undefined } | { readonly failure: string };

interface Scope {
  onmessage: ((event: MessageEvent<Picture>) => void) | null;
  postMessage(look: Look): void;
}
const scope = self as unknown as Scope;
const reader = new FrameReader();

scope.onmessage = (event) => void look(event.data).then((found) => scope.postMessage(found));

async function look(frame: Picture): Promise<Look> {
  try {
    return { text: await reader.read(frame) };
  } catch (error) {
    return { failure: String(error) };
  } finally {
    frame.close();
  }
}
