/** The unsent journal as QR codes that follow each other, for another device to read off this screen. */
import { rescueTexts } from "../domain/rescue_codes.ts";
import { packUploads } from "../domain/segment_bytes.ts";
import { readSingle } from "../store/database.ts";
import { unsentUploads } from "../sync/segments.ts";
import type { App, Screen } from "./app.ts";
import { fill, h } from "./dom.ts";
import { actions, button, empty, qr } from "./pieces.ts";

/** Long enough for a cheap phone to read one. */
const SHOWN_MILLISECONDS = 700;

export async function rescueCodesScreen(app: App): Promise<Screen> {
  const { t, db, identity } = app;
  const key = await readSingle(db, "key");
  const unsent = key === undefined ? [] : await unsentUploads(db, identity.device, key.publicKey);
  const title = t("rescueCodes");
  if (unsent.length === 0) return { title, back: "/history", body: empty(t("rescueCodesNone"), "check") };
  // Documents would make the run many times as long, and the ledger does not ask for them.
  const body = packUploads(unsent.map(({ evidence: _, ...upload }) => upload));
  const page = `${identity.network.publicBaseUrl.replace(/\/+$/, "")}/app/`;
  const texts = rescueTexts(page, body);
  let at = 0;
  const place = h("div", { class: "rescue-code" });
  const count = h("p", { class: "centre figure", test: "rescue-count" });
  const draw = () => {
    fill(place, qr(texts[at] ?? "", "rescue-qr", title));
    count.textContent = t("rescueCodeOf", { n: at + 1, total: texts.length });
    count.dataset["at"] = String(at + 1);
    count.dataset["of"] = String(texts.length);
  };
  const next = () => {
    at = (at + 1) % texts.length;
    draw();
  };
  let timer: ReturnType<typeof setInterval> | undefined;
  const hold = h("div", { class: "pair" });
  const run = (isRunning: boolean) => {
    clearInterval(timer);
    timer = isRunning ? setInterval(next, SHOWN_MILLISECONDS) : undefined;
    fill(
      hold,
      button(t(isRunning ? "rescueHold" : "rescueRun"), () => run(!isRunning), { test: "rescue-hold" }),
      button(t("rescueNext"), () => (run(false), next()), { test: "rescue-next" }),
    );
  };
  draw();
  run(texts.length > 1 && !matchMedia("(prefers-reduced-motion: reduce)").matches);
  return {
    title,
    back: "/history",
    body: h("div", { class: "stack" }, place, count, h("p", { class: "quiet" }, t("rescueCodesHelp"))),
    ...(texts.length > 1 && { actions: actions(hold) }),
    leave: () => clearInterval(timer),
  };
}
