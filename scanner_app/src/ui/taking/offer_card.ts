/** How a lot that may be taken is shown: as a card to choose, and as a summary above what is done with it. */
import type { App } from "../app.ts";
import { type Child, h } from "../dom.ts";
import { lotName } from "../history.ts";
import { icon, streamIcon } from "../icons.ts";
import { massText } from "../words.ts";
import type { Offer } from "./offers.ts";

export function offerCard(
  app: App,
  offer: Offer,
  { test, route, chip }: { test: string; route: string; chip: string },
): HTMLElement {
  return h(
    "button",
    { type: "button", class: "option tall", test, on: { click: () => app.go(route) } },
    offerSummary(app, offer, chip),
  );
}

export function offerSummary(app: App, offer: Offer, chip = ""): Child {
  const { t } = app;
  const count = t("lotCount", { n: offer.lifts });
  const about = offer.stream === undefined ? count : `${lotName(app, offer.lot)} · ${count}`;
  const mark = offer.stream === undefined ? icon("truck") : streamIcon(offer.stream);
  return [
    h("span", { class: `stream-dot ${offer.stream ?? "none"}` }, mark),
    h(
      "div",
      { class: "row-text" },
      h("strong", {}, offer.stream === undefined ? lotName(app, offer.lot) : t(offer.stream)),
      h("span", { class: "quiet" }, t("gateFrom", { name: offer.from })),
      h("span", { class: "quiet" }, about),
      chip !== "" && h("span", { class: "chip warning" }, chip),
    ),
    h(
      "div",
      { class: "row-end" },
      h("span", { class: "figure" }, massText(app, offer.grams)),
      h("span", { class: "quiet" }, t("declared")),
    ),
  ];
}
