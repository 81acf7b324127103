/** The weighbridge's figure, large and live; and how to connect it where it is not. */
import type { Grams, Seconds } from "../../domain/types.ts";
import {
  keepScalePort,
  listenToScale,
  portOf,
  type Reading,
  readScalePort,
  type Scale,
  type Shown,
  USUAL_PORT,
} from "../../scale/indicator.ts";
import type { App } from "../app.ts";
import { fill, h } from "../dom.ts";
import { button, iconButton } from "../pieces.ts";
import { SCALE_TROUBLE, weighedText } from "../words.ts";

/** A mass that stands still, with the indicator's own words for it. */
export interface StableMass {
  readonly grams: Grams;
  readonly answer: string;
  readonly scale: Scale;
}
export interface ScaleDisplay {
  readonly element: HTMLElement;
  stop(): void;
}
/** Told with every reading: what may go on a ticket now, and until when the scale that is heard is calibrated. */
type Changed = (stable: StableMass | undefined, calibratedUntil: Seconds | undefined) => void;

export function scaleDisplay(app: App, changed: Changed): ScaleDisplay {
  const { t } = app;
  const element = h("div", { class: "scale", test: "scale" });
  let shown: Shown | undefined;
  let stopListening: () => void = () => undefined;

  const figure = h("output", { class: "scale-figure", test: "scale-figure", "aria-live": "off" });
  const state = h("p", { class: "scale-state", test: "scale-state", role: "status" });

  const draw = () => {
    const { mass, text, look } = describe(app, shown);
    element.className = `scale ${look}`;
    figure.textContent = mass;
    figure.dataset["grams"] = shown?.is === "shown" ? gramsText(shown.reading) : "";
    if (state.textContent !== text) state.textContent = text;
    state.dataset["is"] = look;
    changed(stableOf(shown), shown?.is === "shown" ? shown.scale.calibratedUntil : undefined);
  };
  const connect = (port: number) => {
    keepScalePort(port);
    stopListening();
    fill(
      element,
      h("div", { class: "scale-head" }, h("span", {}, t("scaleLive")), state),
      figure,
      iconButton("settings", t("scalePort"), askPort, "scale-port-open"),
    );
    stopListening = listenToScale(port, (news) => {
      shown = news;
      draw();
    });
  };
  const askPort = () => {
    stopListening();
    shown = undefined;
    const field = h("input", {
      class: "field",
      inputmode: "numeric",
      test: "scale-port",
      label: t("scalePort"),
      autocomplete: "off",
      value: String(readScalePort() ?? USUAL_PORT),
    });
    const problem = h("p", { class: "field-problem", role: "alert" });
    const use = () => {
      const port = portOf(field.value);
      if (port !== undefined) return connect(port);
      problem.textContent = t("scalePortWrong");
    };
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") use();
    });
    element.className = "scale off";
    fill(
      element,
      h("label", { class: "labelled" }, t("scalePort"), field),
      h("p", { class: "quiet small" }, t("scalePortHelp")),
      problem,
      button(t("scaleConnect"), use, { icon: "scale", test: "scale-connect" }),
    );
  };
  const port = readScalePort();
  if (port === undefined) {
    element.className = "scale off";
    fill(element, button(t("scaleConnect"), askPort, { icon: "scale", test: "scale-open" }));
  } else connect(port);

  return { element, stop: () => stopListening() };
}

function stableOf(shown: Shown | undefined): StableMass | undefined {
  if (shown?.is !== "shown" || shown.reading.is !== "mass") return undefined;
  const { grams, isStable, answer } = shown.reading;
  return isStable && grams >= 0 ? { grams, answer, scale: shown.scale } : undefined;
}

const gramsText = (reading: Reading) => (reading.is === "mass" ? String(reading.grams) : "");

function describe(app: App, shown: Shown | undefined): { mass: string; text: string; look: string } {
  const { t } = app;
  if (shown?.is !== "shown") {
    const text = t(shown?.is === "lost" ? "scaleLost" : "scaleConnecting");
    return { mass: "—", text, look: "lost" };
  }
  const { reading } = shown;
  if (reading.is === "trouble")
    return { mass: "—", text: t(SCALE_TROUBLE[reading.trouble]), look: "trouble" };
  const mass = weighedText(app, reading.grams);
  return reading.isStable
    ? { mass, text: t("scaleStable"), look: "stable" }
    : { mass, text: t("scaleMoving"), look: "moving" };
}
