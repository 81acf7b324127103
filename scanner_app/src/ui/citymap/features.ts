/** What the server tells of one level of the map: GeoJSON, as backend/console/map_geojson.py writes it. */
import type { FeatureCollection } from "geojson";

export type Position = [number, number];

export interface Label {
  bin: string;
  stream: number;
  heard: boolean;
}

/** A district, a street, a point, a station or a park. */
export interface PlaceProperties {
  shape: "mark" | "outline" | "site";
  kind: "district" | "street" | "point" | "station" | "park" | "plant";
  key: string;
  name: string;
  href: string;
  tone: string;
  bins?: number;
  heard?: number;
  lifts?: number;
  grams: number;
  rough?: boolean;
  quarters?: number[];
  labels?: Label[];
}

export interface FlowProperties {
  shape: "flow";
  stream: number;
  grams: number;
  href: string;
}

/** Around the points of a street. */
export interface HullProperties {
  shape: "hull";
  name: string;
}

export interface Feature {
  type: "Feature";
  geometry:
    | { type: "Point"; coordinates: Position }
    | { type: "LineString"; coordinates: Position[] }
    | { type: "Polygon"; coordinates: Position[][] };
  properties: PlaceProperties | FlowProperties | HullProperties;
}

export interface Level {
  type: "FeatureCollection";
  level: "city" | "district" | "street";
  day: string;
  bbox?: [number, number, number, number];
  lapse: { lifts: number[]; grams: number[]; receipts: number[] };
  features: Feature[];
}

/** A layer of another service, as the operator's file names it. */
export interface OutsideLayer {
  id: string;
  kind: "wmts" | "vector" | "cim";
  name: { zh: string; en: string };
  url: string;
  attribution: string;
  min_zoom: number;
  max_zoom: number;
  parts: { layer: string; draw: "line" | "fill" }[];
  layer: string;
  height: string;
}

export async function fetchLevel(source: string): Promise<Level> {
  const answer = await fetch(source, { headers: { Accept: "application/geo+json" } });
  if (!answer.ok) throw new Error(`the map's features were answered with ${answer.status}`);
  return (await answer.json()) as Level;
}

/** The features of one shape, as a source of its own. */
export function ofShape(level: Level, shape: string): FeatureCollection {
  const features = level.features
    .filter((feature) => feature.properties.shape === shape)
    .map((feature, id) => ({ ...feature, id }));
  return { type: "FeatureCollection", features } as unknown as FeatureCollection;
}
