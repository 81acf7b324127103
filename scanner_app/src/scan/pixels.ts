/** The pixels of a picture for a reader, which looks at nothing but light and dark. */
export type Picture = ImageBitmap | VideoFrame;

/** One byte a pixel, and the light first. */
const PLANAR: ReadonlySet<string> = new Set(["I420", "I420A", "I422", "I444", "NV12"]);

/** At most so many pixels wide. */
export async function pixelsOf(picture: Picture, widthMax: number): Promise<ImageData> {
  if (isPlanar(picture)) {
    const light = await lightOf(picture, widthMax).catch(() => undefined);
    // Some phones' frames cannot be copied as they are; any can be drawn.
    if (light !== undefined) return light;
  }
  return drawn(picture, widthMax);
}

/** A camera's frame whose first plane is its light: nothing has to be drawn, nor any colour worked out. */
function isPlanar(picture: Picture): picture is VideoFrame {
  return "format" in picture && PLANAR.has(picture.format ?? "");
}

async function lightOf(frame: VideoFrame, widthMax: number): Promise<ImageData> {
  const planes = new Uint8Array(frame.allocationSize());
  const [plane] = await frame.copyTo(planes);
  const { width: whole, height: high } = frame.visibleRect ?? { width: 0, height: 0 };
  if (plane === undefined || whole === 0) throw new Error("a frame with nothing in it");
  const step = Math.max(1, Math.ceil(whole / widthMax));
  const width = Math.floor(whole / step);
  const height = Math.floor(high / step);
  const grey = new Uint32Array(width * height);
  for (let y = 0, at = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1, at += 1) {
      let sum = 0;
      for (let row = 0; row < step; row += 1) {
        const from = plane.offset + (y * step + row) * plane.stride + x * step;
        for (let column = 0; column < step; column += 1) sum += planes[from + column] ?? 0;
      }
      const light = (sum / (step * step)) | 0;
      grey[at] = 0xff000000 | (light << 16) | (light << 8) | light;
    }
  return new ImageData(new Uint8ClampedArray(grey.buffer), width, height);
}

const canvas = new OffscreenCanvas(1, 1);

function drawn(picture: Picture, widthMax: number): ImageData {
  const { width, height } = sizeOf(picture);
  const scale = Math.min(1, widthMax / width);
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  if (drawing === null) throw new Error("no canvas");
  // What is transparent is seen before paper.
  drawing.fillStyle = "#ffffff";
  drawing.fillRect(0, 0, canvas.width, canvas.height);
  drawing.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return drawing.getImageData(0, 0, canvas.width, canvas.height);
}

function sizeOf(picture: Picture): { width: number; height: number } {
  if ("displayWidth" in picture) return { width: picture.displayWidth, height: picture.displayHeight };
  return picture;
}
