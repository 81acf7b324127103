/** Pictures as evidence: drawn anew and small, so that nothing of a camera's file is kept but what it shows. */
import { bytesToHex } from "../domain/bytes.ts";
import { shrunk } from "../domain/pictures.ts";

export interface TakenPhoto {
  readonly type: "image/jpeg";
  readonly bytes: Uint8Array;
}

const QUALITY = 0.7;

/** What the camera shows now, or a file of the phone's own camera; undefined when neither can be read. */
export async function takePhoto(source: HTMLVideoElement | Blob): Promise<TakenPhoto | undefined> {
  try {
    // Turned as the file says: the number that says so is not kept.
    const picture = await createImageBitmap(source, { imageOrientation: "from-image" });
    const { width, height } = shrunk(picture);
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d")?.drawImage(picture, 0, 0, width, height);
    picture.close();
    const drawn = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
    return { type: "image/jpeg", bytes: new Uint8Array(await drawn.arrayBuffer()) };
  } catch {
    return undefined;
  }
}

/** SHA-256, as hex: what the evidence says of a photo. */
export async function photoDigest({ bytes }: TakenPhoto): Promise<string> {
  return bytesToHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice())));
}
