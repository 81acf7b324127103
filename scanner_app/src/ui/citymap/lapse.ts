/** A day played by the quarter hour: circles swell with what happened. Whoever wants no motion steps by hand. */
import type { Map as MapLibre } from "maplibre-gl";
import type { Level, PlaceProperties } from "./features.ts";

const QUARTERS = 96;
const STEP_MS = 240;
const TONNE = 1_000_000;

/** "06:15–06:30" of a quarter. */
export function timeOf(quarter: number): string {
  const at = (number: number) =>
    `${String(Math.floor(number / 4)).padStart(2, "0")}:${String((number % 4) * 15).padStart(2, "0")}`;
  return `${at(quarter)}–${at(quarter + 1)}`;
}

/** Kilograms up to a tonne, then tonnes. */
export function massOf(grams: number): string {
  return grams >= TONNE ? `${(grams / TONNE).toFixed(1)} t` : `${Math.round(grams / 1000)} kg`;
}

/** Digits in groups of three, as the pages have them. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

export function filled(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (hole, name: string) => String(values[name] ?? hole));
}

/** The first quarter in which anything happened. */
export function firstOf(level: Level): number {
  const at = level.lapse.lifts.findIndex(
    (lifts, quarter) => lifts + (level.lapse.receipts[quarter] ?? 0) > 0,
  );
  return Math.max(0, at);
}

/** Shows a quarter on the map. */
export function painter(map: MapLibre, level: Level): (quarter: number) => void {
  const sources = ["mark", "site"].map((shape) => {
    const features = level.features
      .map((feature) => feature.properties)
      .filter((one): one is PlaceProperties => one.shape === shape);
    const most = Math.max(1, ...features.flatMap((one) => one.quarters ?? []));
    return { shape, features, most };
  });
  return (quarter) => {
    for (const { shape, features, most } of sources)
      features.forEach((one, id) =>
        map.setFeatureState({ source: shape, id }, { now: (one.quarters?.[quarter] ?? 0) / most }),
      );
  };
}

/** Wires the controls; they are shown only where they do something. */
export function controls(
  box: HTMLElement,
  level: Level,
  words: Record<string, string>,
  paint: (quarter: number) => void,
): void {
  const find = <T extends HTMLElement>(name: string) => box.querySelector<T>(`[data-lapse="${name}"]`)!;
  const play = find<HTMLButtonElement>("play");
  const at = find<HTMLInputElement>("at");
  const says = find<HTMLOutputElement>("says");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let timer: ReturnType<typeof setInterval> | undefined;

  const text = (quarter: number) =>
    filled(words["says"] ?? "", {
      time: timeOf(quarter),
      lifts: grouped(level.lapse.lifts[quarter] ?? 0),
      mass: massOf(level.lapse.grams[quarter] ?? 0),
      receipts: grouped(level.lapse.receipts[quarter] ?? 0),
    });
  const show = (quarter: number) => {
    at.value = String(quarter);
    at.setAttribute("aria-valuetext", text(quarter));
    says.value = text(quarter);
    box.dataset["quarter"] = String(quarter);
    paint(quarter);
  };
  const pause = () => {
    clearInterval(timer);
    timer = undefined;
    play.textContent = words["play"] ?? "";
    box.dataset["playing"] = "no";
  };
  const start = () => {
    if (Number(at.value) >= QUARTERS - 1) show(0);
    play.textContent = words["pause"] ?? "";
    box.dataset["playing"] = "yes";
    timer = setInterval(() => {
      const next = Number(at.value) + 1;
      if (next >= QUARTERS) pause();
      else show(next);
    }, STEP_MS);
  };
  const step = (by: number) => {
    pause();
    show(Math.min(Math.max(Number(at.value) + by, 0), QUARTERS - 1));
  };
  const dress = () => {
    pause();
    play.hidden = still.matches;
  };

  play.addEventListener("click", () => (timer === undefined ? start() : pause()));
  find("back").addEventListener("click", () => step(-1));
  find("on").addEventListener("click", () => step(1));
  at.addEventListener("input", () => {
    pause();
    show(Number(at.value));
  });
  still.addEventListener("change", dress);
  dress();
  show(firstOf(level));
  box.hidden = false;
}
