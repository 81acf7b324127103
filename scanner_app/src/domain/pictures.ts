/** How large a picture is kept. */
interface Size {
  readonly width: number;
  readonly height: number;
}

/** Pixels. What is in a bin can be told from it; five hundred of them fit into 64 MB. */
const EDGE_MAX = 1024;

/** The size to draw a picture at: the same shape, no edge longer than is kept, never larger than it was. */
export function shrunk({ width, height }: Size): Size {
  const scale = Math.min(1, EDGE_MAX / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
