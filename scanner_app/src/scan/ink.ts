/** Tells ink from paper where the reader's own threshold does not: under mud and grease, and out of focus. */

/** What is ink. Distances are in pixels. */
export interface InkRule {
  /** From a pixel to the edges of the square that it is compared with. */
  readonly around: number;
  /** Ink is darker than this share of the square's mean. */
  readonly share: number;
  /** How many times what sets a pixel off from its neighbours is added to it first: edges that focus has lost. */
  readonly sharpen: number;
}

const NEIGHBOURS = 3;
const INK = 0xff000000;
const PAPER = 0xffffffff;

type Pixels = Pick<ImageData, "data" | "width" | "height">;

/** Turns the pixels into black and white, where they are. */
export function inkOf(pixels: Pixels, { around, share, sharpen }: InkRule): void {
  const { width, height } = pixels;
  const light = lightOf(pixels);
  const sums = new Sums(light, width, height);
  const drawn = new Uint32Array(pixels.data.buffer, pixels.data.byteOffset, width * height);
  const means = new Float32Array(width);
  const near = new Float32Array(width);
  for (let y = 0; y < height; y += 1) {
    sums.means(y, around, means);
    if (sharpen > 0) sums.means(y, NEIGHBOURS, near);
    for (let x = 0, at = y * width; x < width; x += 1, at += 1) {
      const own = light[at] ?? 0;
      const seen = sharpen > 0 ? own + sharpen * (own - (near[x] ?? 0)) : own;
      drawn[at] = seen < share * (means[x] ?? 0) ? INK : PAPER;
    }
  }
}

function lightOf({ data, width, height }: Pixels): Uint8Array {
  const light = new Uint8Array(width * height);
  for (let at = 0, from = 0; at < light.length; at += 1, from += 4)
    light[at] = ((data[from] ?? 0) + 2 * (data[from + 1] ?? 0) + (data[from + 2] ?? 0)) >> 2;
  return light;
}

/** The sum of everything above and left of each pixel: from four of them follows the mean of any square. */
class Sums {
  private readonly sums: Uint32Array;

  constructor(
    light: Uint8Array,
    private readonly width: number,
    private readonly height: number,
  ) {
    const row = width + 1;
    this.sums = new Uint32Array(row * (height + 1));
    for (let y = 0, from = 0; y < height; y += 1) {
      let sum = 0;
      for (let x = 0, at = (y + 1) * row + 1; x < width; x += 1, at += 1, from += 1) {
        sum += light[from] ?? 0;
        this.sums[at] = (this.sums[at - row] ?? 0) + sum;
      }
    }
  }

  /** Writes for each pixel of a row the mean of what is at most so far from it. */
  means(y: number, distance: number, into: Float32Array): void {
    const { sums, width } = this;
    const top = Math.max(0, y - distance);
    const bottom = Math.min(this.height, y + distance + 1);
    const above = top * (width + 1);
    const below = bottom * (width + 1);
    for (let x = 0; x < width; x += 1) {
      const left = Math.max(0, x - distance);
      const right = Math.min(width, x + distance + 1);
      const beforeRight = (sums[below + right] ?? 0) - (sums[above + right] ?? 0);
      const beforeLeft = (sums[below + left] ?? 0) - (sums[above + left] ?? 0);
      into[x] = (beforeRight - beforeLeft) / ((right - left) * (bottom - top));
    }
  }
}
