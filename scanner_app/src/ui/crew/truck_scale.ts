/** The truck's own scale on the lift sheet: one more way to know the mass, where the truck has one. */
import type { Grams } from "../../domain/types.ts";
import { listenToScale, type Reading, readTruckScalePort, type Shown } from "../../scale/indicator.ts";
import type { App } from "../app.ts";
import { h } from "../dom.ts";
import { button } from "../pieces.ts";
import { SCALE_TROUBLE, weighedText } from "../words.ts";

/** What the scale showed while it stood still, in its own words. */
export interface ScaleMass {
  readonly grams: Grams;
  readonly scale: string;
  readonly answer: string;
}
export interface TruckScale {
  readonly element: HTMLElement;
  stop(): void;
}

/** Undefined on a phone that was told of no scale. `choose` is told what to record, when the crew takes it over. */
export function truckScale(app: App, choose: (mass: ScaleMass) => void): TruckScale | undefined {
  const port = readTruckScalePort();
  if (port === undefined) return undefined;
  const { t } = app;
  let mass: ScaleMass | undefined;
  const use = () => {
    if (mass !== undefined) choose(mass);
  };
  const take = button("", use, { icon: "scale", test: "truck-scale", disabled: true });
  const words = take.querySelector("span:last-child") ?? take;
  const state = h("p", { class: "quiet small", test: "truck-scale-state", role: "status" });
  const element = h("div", { class: "truck-scale" }, take, state);
  const stop = listenToScale(port, (shown) => {
    mass = massOf(shown);
    take.disabled = mass === undefined;
    const figure = mass === undefined ? "—" : weighedText(app, mass.grams);
    words.textContent = t("truckScaleTake", { mass: figure });
    const { text, look } = stateOf(app, shown);
    if (state.textContent !== text) state.textContent = text;
    state.hidden = text === "";
    element.dataset["is"] = look;
    element.dataset["grams"] = String(mass?.grams ?? "");
  });
  return { element, stop };
}

/** Only a stable mass above zero is one that a bin can have. */
export function massOf(shown: Shown): ScaleMass | undefined {
  if (shown.is !== "shown" || shown.reading.is !== "mass") return undefined;
  const { grams, isStable, answer } = shown.reading;
  return isStable && grams > 0 ? { grams, scale: shown.scale.serial, answer } : undefined;
}

function stateOf({ t }: App, shown: Shown): { text: string; look: string } {
  if (shown.is === "shown") return readingState(t, shown.reading);
  return { text: t(shown.is === "lost" ? "truckScaleLost" : "scaleConnecting"), look: "lost" };
}

function readingState(t: App["t"], reading: Reading): { text: string; look: string } {
  if (reading.is === "trouble") return { text: t(SCALE_TROUBLE[reading.trouble]), look: "trouble" };
  if (!reading.isStable) return { text: t("scaleMoving"), look: "moving" };
  return reading.grams > 0 ? { text: "", look: "stable" } : { text: t("truckScaleEmpty"), look: "empty" };
}
