/** The map's own style: no tiles, no glyphs and no pictures from anywhere, unless the operator names layers. */
import type { Feature as Shape, FeatureCollection } from "geojson";
import type {
  ExpressionSpecification,
  LayerSpecification,
  SourceSpecification,
  StyleSpecification,
} from "maplibre-gl";
import type { Colours } from "./colours.ts";
import { ofShape, type Level, type OutsideLayer } from "./features.ts";

const WIDEST = 8;
const GRID_STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
const LINES = 8;

export function styleOf(
  level: Level,
  colours: Colours,
  outside: OutsideLayer[],
  tilesFrom: string,
): StyleSpecification {
  const tone: ExpressionSpecification = [
    "match",
    ["get", "tone"],
    ...Object.entries(colours.tones).flat(),
    colours.tones.plain,
  ] as unknown as ExpressionSpecification;
  const stream: ExpressionSpecification = [
    "match",
    ["get", "stream"],
    ...colours.streams.flatMap((colour, number) => (colour ? [number, colour] : [])),
    colours.quiet,
  ] as unknown as ExpressionSpecification;
  const heaviest = Math.max(
    1,
    ...level.features.map((one) => ("grams" in one.properties ? one.properties.grams : 0)),
  );
  const isPoint = level.level === "street";
  const text = (size: number): Record<string, unknown> => ({
    "text-field": ["get", "name"],
    "text-font": [fontOf()],
    "text-size": size,
    "text-optional": true,
  });
  const halo = { "text-color": colours.ink, "text-halo-color": colours.ground, "text-halo-width": 1.6 };
  const own: LayerSpecification[] = [
    { id: "grid", type: "line", source: "grid", paint: { "line-color": colours.grid, "line-width": 1 } },
    { id: "hull", type: "fill", source: "hull", paint: { "fill-color": colours.card, "fill-opacity": 0.55 } },
    {
      id: "outline-fill",
      type: "fill",
      source: "outline",
      paint: {
        "fill-color": tone,
        "fill-opacity": ["case", ["boolean", ["feature-state", "lit"], false], 0.42, 0.2],
      },
    },
    {
      id: "outline-line",
      type: "line",
      source: "outline",
      layout: { "line-join": "round" },
      paint: { "line-color": tone, "line-width": 1.6 },
    },
    {
      id: "flow",
      type: "line",
      source: "flow",
      layout: { "line-cap": "round" },
      paint: {
        "line-color": stream,
        "line-opacity": 0.5,
        "line-width": ["max", 1.5, ["*", WIDEST, ["sqrt", ["/", ["get", "grams"], heaviest]]]],
      },
    },
    { id: "pulse", type: "circle", source: "mark", paint: pulse(colours.lift) },
    { id: "site-pulse", type: "circle", source: "site", paint: pulse(colours.receipt) },
    {
      id: "site",
      type: "symbol",
      source: "site",
      layout: {
        "icon-image": [
          "concat",
          ["match", ["get", "kind"], "station", "station", "park"],
          ["case", ["==", ["get", "tone"], "red"], "-red", ""],
          ["case", ["boolean", ["get", "rough"], false], "-rough", ""],
        ],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
      },
    },
    {
      id: "mark",
      type: "circle",
      source: "mark",
      paint: {
        "circle-radius": [
          "case",
          ["boolean", ["feature-state", "lit"], false],
          isPoint ? 11 : 12,
          isPoint ? 8 : 9,
        ],
        "circle-color": tone,
        "circle-stroke-color": colours.card,
        "circle-stroke-width": 2.5,
      },
    },
    {
      id: "site-name",
      type: "symbol",
      source: "site",
      layout: {
        ...text(12),
        "text-variable-anchor": ["left", "right", "top", "bottom"],
        "text-radial-offset": 1.1,
      },
      paint: { ...halo, "text-color": colours.quiet },
    },
    {
      id: "mark-name",
      type: "symbol",
      source: "mark",
      ...(isPoint ? { minzoom: 15.2 } : {}),
      layout: { ...text(isPoint ? 11.5 : 14), "text-offset": [0, -1.1], "text-anchor": "bottom" },
      paint: halo,
    },
  ];
  const sources: Record<string, SourceSpecification> = {
    grid: { type: "geojson", data: gridOf(level) },
  };
  for (const shape of ["hull", "outline", "mark", "site", "flow"]) {
    sources[shape] = { type: "geojson", data: ofShape(level, shape) };
  }
  const ground: LayerSpecification = {
    id: "ground",
    type: "background",
    paint: { "background-color": colours.ground },
  };
  const others = outside.flatMap((layer) => {
    sources[layer.id] = sourceOf(layer, tilesFrom);
    return layersOf(layer, colours);
  });
  return { version: 8, sources, layers: [ground, ...others, ...own] };
}

/** The ids of the style's layers that belong to one of the operator's. */
export function layersOf(layer: OutsideLayer, colours: Colours): LayerSpecification[] {
  const source = layer.id;
  if (layer.kind === "wmts") return [{ id: `${source}/tiles`, type: "raster", source }];
  if (layer.kind === "cim")
    return [
      {
        id: `${source}/buildings`,
        type: "fill-extrusion",
        source,
        "source-layer": layer.layer,
        paint: {
          "fill-extrusion-color": colours.grid,
          "fill-extrusion-opacity": 0.8,
          "fill-extrusion-height": ["to-number", ["get", layer.height], 0],
        },
      },
    ];
  return layer.parts.map((part, at) =>
    part.draw === "line"
      ? {
          id: `${source}/${at}`,
          type: "line",
          source,
          "source-layer": part.layer,
          paint: { "line-color": colours.grid, "line-width": 1.2 },
        }
      : {
          id: `${source}/${at}`,
          type: "fill",
          source,
          "source-layer": part.layer,
          paint: { "fill-color": colours.grid, "fill-opacity": 0.5 },
        },
  );
}

function sourceOf(layer: OutsideLayer, tilesFrom: string): SourceSpecification {
  const common = {
    tiles: [layer.url.startsWith("/") ? tilesFrom + layer.url : layer.url],
    minzoom: layer.min_zoom,
    maxzoom: layer.max_zoom,
    ...(layer.attribution ? { attribution: layer.attribution } : {}),
  };
  return layer.kind === "wmts" ? { type: "raster", tileSize: 256, ...common } : { type: "vector", ...common };
}

/** A circle whose size is what happened in the quarter hour that the time lapse stands at. */
function pulse(colour: string) {
  const now: ExpressionSpecification = ["number", ["feature-state", "now"], 0];
  return {
    "circle-color": colour,
    "circle-opacity": ["case", [">", now, 0], 0.32, 0] as ExpressionSpecification,
    "circle-radius": [
      "case",
      [">", now, 0],
      ["+", 11, ["*", 21, ["sqrt", now]]],
      0,
    ] as ExpressionSpecification,
    "circle-stroke-color": colour,
    "circle-stroke-opacity": ["case", [">", now, 0], 0.7, 0] as ExpressionSpecification,
    "circle-stroke-width": 1.5,
  };
}

function fontOf(): string {
  return getComputedStyle(document.body).fontFamily;
}

/** Meridians and parallels of round degrees, far enough around to drag the map. */
function gridOf(level: Level): FeatureCollection {
  const [west, south, east, north] = level.bbox ?? [113, 23, 113.5, 23.4];
  const wide = Math.max(east - west, north - south, 0.006);
  const step = GRID_STEPS.find((one) => wide / one <= LINES) ?? 1;
  const lines: Shape[] = [];
  const from = (low: number) => Math.floor((low - 2 * wide) / step);
  const to = (high: number) => Math.ceil((high + 2 * wide) / step);
  const line = (coordinates: [number, number][]) =>
    lines.push({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates } });
  for (let n = from(west); n <= to(east); n++)
    line([
      [n * step, south - 2 * wide],
      [n * step, north + 2 * wide],
    ]);
  for (let n = from(south); n <= to(north); n++)
    line([
      [west - 2 * wide, n * step],
      [east + 2 * wide, n * step],
    ]);
  return { type: "FeatureCollection", features: lines };
}
