/** The bins of this load's stream that are still to be lifted, point by point along the street. */
import { unpackEntry } from "../../domain/journal.ts";
import { type RoutePoint, routeOf } from "../../domain/route.ts";
import { type Stream, STREAM_CODE } from "../../domain/types.ts";
import { type DirectoryBin, type Name, readSingle } from "../../store/database.ts";
import { readSince } from "../../store/journal.ts";
import type { App, Screen } from "../app.ts";
import { h } from "../dom.ts";
import { icon } from "../icons.ts";
import { actions, button, empty, streamTag } from "../pieces.ts";
import { dateText, nameIn, shortId } from "../words.ts";
import { startScreen } from "./home.ts";
import { ownLots } from "./lots.ts";

export async function routeScreen(app: App): Promise<Screen> {
  const { t, db } = app;
  const { current } = await ownLots(app);
  if (current === undefined) return startScreen(app);
  const { nextSeq } = await app.writer.tip();
  const { entries } = await readSince(db, "shift_end", nextSeq - 1);
  const read = entries.map(({ words }) => unpackEntry(words));
  const nameOf = ({ zh, en }: Name) => `${zh}\n${en}`;
  const bins = await db.getAll("bins");
  const route = routeOf(bins, current.streamName, read, nameOf);
  const directory = await readSingle(db, "directory");
  const dated = directory?.dated_at;
  const date = dated === undefined ? t("directoryNone") : dateText(app, Math.floor(Date.parse(dated) / 1000));
  const unsealed = unsealedOn(bins, current.streamName);
  const open = route.points.filter(({ left }) => left.length > 0);
  const done = route.points.filter(({ left }) => left.length === 0);
  const summary =
    route.left === 0 ? t("routeAllDone") : t("routeLeft", { left: route.left, total: route.total });
  return {
    title: t("routeOpen"),
    back: "/",
    isLive: true,
    body: h(
      "div",
      { class: "stack" },
      streamTag(t, current.streamName),
      route.total === 0
        ? empty(t("routeNone"), "list")
        : h(
            "h2",
            { test: "route-left", data: { left: String(route.left), total: String(route.total) } },
            summary,
          ),
      h("ul", { class: "rows" }, ...[...open, ...done].map((point) => row(app, point))),
      h("p", { class: "quiet small" }, t("routeHelp", { date })),
      unsealed > 0 &&
        h("p", { class: "quiet small", test: "route-unsealed" }, t("routeUnsealed", { n: unsealed })),
      (directory?.streets ?? []).length > 1 &&
        button(t("streetsOpen"), () => app.go("/streets"), {
          look: "quiet",
          icon: "list",
          test: "streets-open",
        }),
    ),
    actions: actions(
      button(t("scan"), () => app.go("/scan"), { look: "primary", icon: "scan", test: "scan-open" }),
    ),
  };
}

/** Bins of a stream of which no registrar has sealed that they stand there. */
function unsealedOn(bins: readonly DirectoryBin[], stream: Stream): number {
  const isOurs = (bin: DirectoryBin) => bin.stream === stream || bin.stream === STREAM_CODE[stream];
  return bins.filter((bin) => isOurs(bin) && bin.is_sealed !== true).length;
}

function row(app: App, { point, left }: RoutePoint<Name>): HTMLElement {
  const { t } = app;
  const isDone = left.length === 0;
  const bins = left.map((number) => t("binNumber", { n: shortId(number) })).join(" · ");
  return h(
    "li",
    { class: "row", test: "route-point", data: { left: String(left.length) } },
    h("span", { class: "row-mark" }, icon(isDone ? "check" : "scan")),
    h(
      "div",
      { class: "row-text" },
      h("strong", {}, nameIn(app, point)),
      !isDone && h("span", { class: "quiet small" }, bins),
    ),
    h(
      "span",
      { class: `chip ${isDone ? "finalized" : "queued"}` },
      isDone ? t("routePointDone") : t("routePointLeft", { n: left.length }),
    ),
  );
}
