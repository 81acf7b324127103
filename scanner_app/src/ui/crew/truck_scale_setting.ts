/** Switches the truck's scale on for this phone, and says where its gateway listens. */
import { keepTruckScalePort, portOf, readTruckScalePort, USUAL_PORT } from "../../scale/indicator.ts";
import type { Page } from "../app.ts";
import { h } from "../dom.ts";
import { radios } from "../pieces.ts";

export function truckScaleSetting({ t }: Page): HTMLElement {
  const port = readTruckScalePort();
  const field = h("input", {
    class: "field",
    inputmode: "numeric",
    autocomplete: "off",
    label: t("truckScalePort"),
    test: "truck-scale-port",
    value: String(port ?? USUAL_PORT),
  });
  const problem = h("p", { class: "field-problem", role: "alert", test: "truck-scale-problem" });
  const place = h(
    "div",
    { class: "stack", hidden: port === undefined },
    h("label", { class: "labelled" }, t("truckScalePort"), field),
    problem,
  );
  const keep = () => {
    const typed = portOf(field.value);
    problem.textContent = typed === undefined ? t("scalePortWrong") : "";
    if (typed !== undefined) keepTruckScalePort(typed);
  };
  field.addEventListener("input", keep);
  const choose = (isOn: boolean) => {
    place.hidden = !isOn;
    if (isOn) keep();
    else keepTruckScalePort(undefined);
  };
  const options = [
    { value: false, text: t("truckScaleOff"), test: "truck-scale-off" },
    { value: true, text: t("truckScaleOn"), test: "truck-scale-on" },
  ];
  return h("div", { class: "stack" }, radios(t("truckScale"), options, choose, port !== undefined), place);
}
