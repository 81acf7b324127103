/** The crew's first screen: what the truck carries now, or the choice of what it will carry. */
import { STREAMS } from "../../domain/types.ts";
import { readEntries } from "../../store/journal.ts";
import type { App, Screen } from "../app.ts";
import { h } from "../dom.ts";
import { streamIcon } from "../icons.ts";
import { actions, button, empty, notice, section } from "../pieces.ts";
import { entryRow } from "../history.ts";
import { answerText, massText } from "../words.ts";
import { givenList, heldList } from "./other_lots.ts";
import { readiness } from "./shift.ts";
import { signOnButton } from "./sign_on.ts";
import { openLot, type OwnLot, ownLots } from "./lots.ts";

const LATEST = 4;

export async function crewHome(app: App): Promise<Screen> {
  const { t } = app;
  const { current } = await ownLots(app);
  if (current === undefined) return startScreen(app);
  const entries = await readEntries(app.db, Math.max(1, (await app.writer.tip()).nextSeq - 40));
  const others = [await heldList(app), await givenList(app)];
  const lifts = entries
    .filter((entry) => entry.kind === "lift")
    .slice(-LATEST)
    .reverse();
  return {
    title: t("crew"),
    isLive: true,
    body: h(
      "div",
      { class: "stack" },
      lotCard(app, current),
      others,
      lifts.length === 0
        ? empty(t("noLifts"), "scan")
        : section(t("lastLifts"), h("ul", { class: "rows" }, ...lifts.map((entry) => entryRow(app, entry)))),
      h(
        "div",
        { class: "pair" },
        button(t("routeOpen"), () => app.go("/route"), { look: "quiet", icon: "list", test: "route-open" }),
        button(t("newLot"), () => app.go("/start"), { look: "quiet", icon: "plus", test: "new-lot" }),
        button(t("shift"), () => app.go("/shift"), { look: "quiet", icon: "clock", test: "shift-open" }),
        button(t("takeTitle"), () => app.go("/take"), { look: "quiet", icon: "truck", test: "take-open" }),
        await signOnButton(app),
      ),
    ),
    actions: actions(
      h(
        "div",
        { class: "pair" },
        button(t("history"), () => app.go("/history"), { icon: "list", test: "history-open" }),
        button(t("give"), () => app.go("/give"), { icon: "give", test: "give-open" }),
      ),
      button(t("scan"), () => app.go("/scan"), { look: "primary", icon: "scan", test: "scan-open" }),
    ),
  };
}

function lotCard(app: App, lot: OwnLot): HTMLElement {
  const { t } = app;
  return h(
    "article",
    {
      class: `lot-card ${lot.streamName}`,
      test: "current-lot",
      data: { lot: lot.id, stream: lot.streamName },
    },
    h("div", { class: "lot-top" }, streamIcon(lot.streamName), h("h2", {}, t(lot.streamName))),
    h(
      "div",
      { class: "lot-figures" },
      h(
        "div",
        {},
        h("span", { class: "big", test: "lot-lifts" }, String(lot.lifts)),
        h("span", {}, t("bins")),
      ),
      h(
        "div",
        {},
        h("span", { class: "big", test: "lot-mass" }, massText(app, lot.grams)),
        h("span", {}, t("mass")),
      ),
    ),
    h(
      "p",
      { class: "lot-foot" },
      `${t("currentLot")} · ${t("lotNumber", { n: Number.parseInt(lot.id.slice(16), 16) })}`,
    ),
  );
}

/** One tap on a stream seals the load and opens the lot. */
export async function startScreen(app: App): Promise<Screen> {
  const { t } = app;
  const { current } = await ownLots(app);
  const others = [await heldList(app), await givenList(app)];
  const news = h("div");
  const ready = await readiness(app);
  const signOn = await signOnButton(app);
  const begin = async (stream: (typeof STREAMS)[number]) => {
    const answer = await openLot(app, stream);
    if (answer === undefined) return;
    if (answer.outcome === "applied") return app.go("/");
    const { what, todo } = answerText(app, answer);
    news.replaceChildren(notice("bad", h("p", {}, t("startFailed", { outcome: what })), h("p", {}, todo)));
  };
  return {
    title: current === undefined ? t("crew") : t("newLot"),
    ...(current !== undefined && { back: "/" }),
    isLive: current === undefined,
    body: h(
      "div",
      { class: "stack start" },
      h(
        "div",
        { class: "heading" },
        h("h2", {}, t("startTitle")),
        h("p", { class: "quiet" }, t("startLead")),
      ),
      ready,
      news,
      h(
        "div",
        { class: "streams" },
        ...(["food", "residual", "recyclable", "hazardous"] as const).map((stream) =>
          h(
            "button",
            {
              type: "button",
              class: `stream-button ${stream}`,
              test: `start-lot-${stream}`,
              on: { click: () => void begin(stream) },
            },
            streamIcon(stream),
            h("span", {}, t(stream)),
          ),
        ),
      ),
      h(
        "div",
        { class: "pair" },
        button(t("takeTitle"), () => app.go("/take"), { look: "quiet", icon: "truck", test: "take-open" }),
        signOn,
      ),
      others,
    ),
    actions: actions(
      h(
        "div",
        { class: "pair" },
        button(t("history"), () => app.go("/history"), { icon: "list", test: "history-open" }),
        button(t("shift"), () => app.go("/shift"), { icon: "clock", test: "shift-open" }),
      ),
    ),
  };
}
