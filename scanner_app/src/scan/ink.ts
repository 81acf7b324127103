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
  const wide = new Surroundings(light, width, height, around);
  const near = new Surroundings(light, width, height, NEIGHBOURS);
  const drawn = new Uint32Array(pixels.data.buffer, pixels.data.byteOffset, width * height);
  for (let y = 0, at = 0; y < height; y += 1) {
    const means = wide.nextRow();
    const neighbours = sharpen > 0 ? near.nextRow() : means;
    for (let x = 0; x < width; x += 1, at += 1) {
      const own = light[at] ?? 0;
      const seen = own + sharpen * (own - (neighbours[x] ?? 0));
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

/** The mean light of the square around each pixel, row by row: what comes into it is added, what leaves it taken away. */
class Surroundings {
  private readonly columns: Uint32Array;
  private readonly means: Float32Array;
  private y = 0;

  constructor(
    private readonly light: Uint8Array,
    private readonly width: number,
    private readonly height: number,
    private readonly distance: number,
  ) {
    this.columns = new Uint32Array(width);
    this.means = new Float32Array(width);
    for (let y = 0; y < distance; y += 1) this.addRow(y, 1);
  }

  nextRow(): Float32Array {
    const { columns, means, width, height, distance, y } = this;
    this.addRow(y + distance, 1);
    this.addRow(y - distance - 1, -1);
    this.y += 1;
    const rows = Math.min(height, y + distance + 1) - Math.max(0, y - distance);
    let sum = 0;
    let count = 0;
    for (let x = -distance; x < width; x += 1) {
      const comes = x + distance;
      const leaves = x - distance - 1;
      if (comes < width) {
        sum += columns[comes] ?? 0;
        count += rows;
      }
      if (leaves >= 0) {
        sum -= columns[leaves] ?? 0;
        count -= rows;
      }
      if (x >= 0) means[x] = sum / count;
    }
    return means;
  }

  private addRow(y: number, sign: 1 | -1): void {
    if (y < 0 || y >= this.height) return;
    const { columns, light, width } = this;
    for (let x = 0, from = y * width; x < width; x += 1, from += 1)
      columns[x] = (columns[x] ?? 0) + sign * (light[from] ?? 0);
  }
}
