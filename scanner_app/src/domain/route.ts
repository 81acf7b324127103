/** What is left on the route: the directory's bins of a stream, less those that this shift has dealt with. */
import { binNumber, type Stream, STREAM_CODE } from "./types.ts";
import type { ReadEntry } from "./journal.ts";

export interface RouteBin<Point> {
  readonly number: string;
  readonly stream: number | Stream;
  readonly point: Point;
  /** Where it stands in the directory, which lists bins along the street. */
  readonly order?: number;
}
export interface RoutePoint<Point> {
  readonly point: Point;
  readonly total: number;
  /** Numbers of bins that are neither lifted nor refused. */
  readonly left: readonly string[];
}
export interface Route<Point> {
  readonly points: readonly RoutePoint<Point>[];
  readonly total: number;
  readonly left: number;
}

/** The points of a stream in the directory's order; `nameOf` says which bins stand together. */
export function routeOf<Point>(
  bins: readonly RouteBin<Point>[],
  stream: Stream,
  entries: Iterable<ReadEntry>,
  nameOf: (point: Point) => string,
): Route<Point> {
  const done = new Set<string>();
  for (const read of entries) {
    if (read.is !== "known") continue;
    const { entry } = read;
    if (entry.kind === "lift" || entry.kind === "decline") done.add(binNumber(entry.fields.bin));
  }
  const ours = bins
    .filter((bin) => bin.stream === stream || bin.stream === STREAM_CODE[stream])
    .sort((a, b) => (a.order ?? 0) - (b.order ?? 0));
  const points = new Map<string, { point: Point; total: number; left: string[] }>();
  for (const { number, point } of ours) {
    const name = nameOf(point);
    const found = points.get(name) ?? { point, total: 0, left: [] };
    points.set(name, found);
    found.total += 1;
    if (!done.has(number)) found.left.push(number);
  }
  const all = [...points.values()];
  const left = all.reduce((sum, each) => sum + each.left.length, 0);
  return { points: all, total: ours.length, left };
}
