/** Puts a MapLibre map in place of the drawn one. Whatever goes wrong, the drawing and the tables stay. */
import { Map as MapLibre, NavigationControl, Popup, ScaleControl, setWorkerUrl } from "maplibre-gl";
import type { MapGeoJSONFeature, StyleSpecification } from "maplibre-gl";
import { coloursOf } from "./colours.ts";
import { fetchLevel, type Label, type Level, type OutsideLayer, type PlaceProperties } from "./features.ts";
import { signOf } from "./icons.ts";
import { controls, filled, painter } from "./lapse.ts";
import { layersOf, styleOf } from "./style.ts";

const CLICKED = ["mark", "outline-fill", "site", "flow"];
const ROOM_PIXELS = { top: 48, right: 72, bottom: 48, left: 48 };
const NEAREST = 17;

async function start(place: HTMLElement): Promise<void> {
  const { source = "", worker = "", lang = "zh" } = place.dataset;
  const outside = JSON.parse(place.dataset["layers"] ?? "[]") as OutsideLayer[];
  const words = JSON.parse(place.dataset["words"] ?? "{}") as Record<string, string>;
  const level = await fetchLevel(source);
  setWorkerUrl(new URL(worker, location.href).href);
  const style = () => styleOf(level, coloursOf(place), outside, location.origin);
  place.hidden = false;
  const map = drawn(place, level, style(), words);
  // Where a place is on the screen: for the browser's own tests, and for anybody's console.
  Object.assign(place, { cityMap: map });
  map.once("load", () => {
    place.closest<HTMLElement>(".map-frame")?.classList.add("is-live");
    place.dataset["ready"] = "yes";
    const box = document.getElementById("map-lapse");
    if (box !== null) controls(box, level, words, painter(map, level));
  });
  map.setMissingStyleImageResolver((id) => {
    const { image, pixelRatio } = signOf(id, coloursOf(place));
    map.addImage(id, image, { pixelRatio });
  });
  map.on("error", ({ error }) => console.warn(`the map: ${error.message}`));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => map.setStyle(style()));
  follow(map, level, words);
  linkPlaces(map, level);
  offerLayers(map, outside, words, lang, place);
}

function drawn(
  place: HTMLElement,
  level: Level,
  style: StyleSpecification,
  words: Record<string, string>,
): MapLibre {
  const map = new MapLibre({
    container: place,
    style,
    attributionControl: { compact: true },
    cooperativeGestures: false,
    scrollZoom: false,
    dragRotate: false,
    pitchWithRotate: false,
    fadeDuration: 0,
    localIdeographFontFamily: getComputedStyle(document.body).fontFamily,
    locale: {
      "Map.Title": words["map"] ?? "",
      "NavigationControl.ZoomIn": words["in"] ?? "",
      "NavigationControl.ZoomOut": words["out"] ?? "",
    },
    ...(level.bbox
      ? { bounds: level.bbox, fitBoundsOptions: { padding: ROOM_PIXELS, maxZoom: NEAREST } }
      : {}),
  });
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-left");
  return map;
}

/** A click on a place opens it; on a point it shows the point's bins. */
function follow(map: MapLibre, level: Level, words: Record<string, string>): void {
  map.on("mousemove", (event) => {
    const over = map.queryRenderedFeatures(event.point, { layers: CLICKED }).length > 0;
    map.getCanvas().style.cursor = over ? "pointer" : "";
  });
  map.on("click", (event) => {
    const found = map.queryRenderedFeatures(event.point, { layers: CLICKED });
    const first = CLICKED.flatMap((layer) => found.filter((one) => one.layer.id === layer))[0];
    if (first === undefined) return;
    if (first.properties["kind"] === "point") showPoint(map, level, first, words);
    else location.assign(String(first.properties["href"]));
  });
}

function showPoint(
  map: MapLibre,
  level: Level,
  feature: MapGeoJSONFeature,
  words: Record<string, string>,
): void {
  const point = level.features.find(
    ({ properties }) => properties.shape === "mark" && properties.key === feature.properties["key"],
  );
  if (point === undefined || point.geometry.type !== "Point") return;
  const place = point.properties as PlaceProperties;
  const box = document.createElement("div");
  const name = document.createElement("b");
  name.textContent = place.name;
  const told = document.createElement("p");
  told.textContent = filled(words["bins"] ?? "", { heard: place.heard ?? 0, bins: place.bins ?? 0 });
  box.append(name, told, links(place.labels ?? []));
  new Popup({
    maxWidth: "260px",
    closeButton: true,
    locale: { "Popup.Close": words["close"] ?? "" },
  } as never)
    .setLngLat(point.geometry.coordinates)
    .setDOMContent(box)
    .addTo(map);
}

/** The same links as in the table's row of the point: its icons and names are taken from there. */
function links(labels: Label[]): HTMLElement {
  const list = document.createElement("span");
  list.className = "map-bins";
  for (const { bin } of labels) {
    const link = document.querySelector<HTMLAnchorElement>(`.map-table a[href="/bins/${bin}"]`);
    if (link !== null) list.append(link.cloneNode(true));
  }
  return list;
}

/** Whoever walks the table by keyboard or pointer sees where a row is. */
function linkPlaces(map: MapLibre, level: Level): void {
  const ids = new Map<string, { source: string; id: number }[]>();
  for (const source of ["mark", "outline"])
    level.features
      .filter(({ properties }) => properties.shape === source)
      .forEach(({ properties }, id) => {
        const key = (properties as PlaceProperties).key;
        ids.set(key, [...(ids.get(key) ?? []), { source, id }]);
      });
  for (const row of document.querySelectorAll<HTMLElement>(".map-table tbody tr")) {
    const key = row.id.startsWith("point-")
      ? row.id.slice("point-".length)
      : row.querySelector<HTMLElement>("[data-place]")?.dataset["place"];
    const found = ids.get(key ?? "") ?? [];
    const light = (lit: boolean) => () => found.forEach((one) => map.setFeatureState(one, { lit }));
    for (const [event, lit] of [
      ["pointerenter", true],
      ["pointerleave", false],
      ["focusin", true],
      ["focusout", false],
    ] as const)
      row.addEventListener(event, light(lit));
  }
}

/** Layers of other services can be put away. */
function offerLayers(
  map: MapLibre,
  outside: OutsideLayer[],
  words: Record<string, string>,
  lang: string,
  place: HTMLElement,
): void {
  const box = document.getElementById("map-layers");
  if (box === null || outside.length === 0) return;
  const title = document.createElement("b");
  title.textContent = words["layers"] ?? "";
  box.append(title);
  for (const layer of outside) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.type = "checkbox";
    input.checked = true;
    input.addEventListener("change", () => {
      for (const { id } of layersOf(layer, coloursOf(place)))
        map.setLayoutProperty(id, "visibility", input.checked ? "visible" : "none");
    });
    label.append(input, ` ${lang === "zh" ? layer.name.zh : layer.name.en}`);
    box.append(label);
  }
  box.hidden = false;
}

const place = document.getElementById("city-map");
if (place !== null)
  start(place).catch((fault: unknown) => {
    place.hidden = true;
    console.warn(`the map is shown as a drawing: ${String(fault)}`);
  });
