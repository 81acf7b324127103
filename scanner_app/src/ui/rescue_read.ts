/** Hands in for a device that cannot: its codes are read off its screen, or its rescue file is chosen. */
import { readRescuePart, RescueReader } from "../domain/rescue_codes.ts";
import type { Upload } from "../domain/segment_bytes.ts";
import { signalDone, signalRead, signalWarning } from "../scan/signal.ts";
import { handIn, uploadsOfBody, uploadsOfFile } from "../sync/hand_in.ts";
import type { App, Screen } from "./app.ts";
import { fill, h } from "./dom.ts";
import { icon } from "./icons.ts";
import { button, notice } from "./pieces.ts";
import { makeScanner } from "./scanner.ts";
import { shortId } from "./words.ts";

export async function rescueReadScreen(app: App): Promise<Screen> {
  const { t } = app;
  const reader = new RescueReader();
  const news = h("div", { class: "rescue-news", role: "status" });
  let isBusy = false;
  const scanner = makeScanner(app, t("rescueReadHint"), (text) => {
    const part = isBusy ? undefined : readRescuePart(text);
    if (part === undefined) return;
    signalRead();
    const got = reader.take(part);
    if (got.is === "part") return tellProgress(got.have, got.of);
    const uploads = got.is === "whole" ? uploadsOfBody(got.body) : undefined;
    if (uploads === undefined) return tell("bad", t("rescueBroken"), "rescue-broken");
    void bring(uploads);
  });
  const tell = (tone: "bad" | "warning", text: string, test: string) => {
    signalWarning();
    fill(news, notice(tone, h("span", { test }, text)));
  };
  const tellProgress = (have: number, of: number) =>
    fill(
      news,
      h(
        "div",
        { class: "rescue-got", test: "rescue-got", data: { have: String(have), of: String(of) } },
        h("progress", { max: String(of), value: String(have), label: t("rescueReadTitle") }),
        h("strong", {}, t("rescueGot", { n: have, total: of })),
      ),
    );
  const bring = async (uploads: readonly Upload[]): Promise<void> => {
    isBusy = true;
    scanner.pause();
    const said = await handIn(app.api, uploads);
    const again = () => {
      isBusy = false;
      fill(news);
      scanner.resume();
    };
    switch (said.is) {
      case "handed-in":
        signalDone();
        return fill(
          news,
          h(
            "div",
            {
              class: "done small",
              test: "rescue-handed-in",
              data: { device: said.device, entries: String(said.entries) },
            },
            icon("check"),
            h("h2", {}, t("rescueHandedIn", { n: said.entries, device: shortId(said.device) })),
            h("p", { class: "quiet" }, t("rescueHandedInHelp")),
          ),
          button(t("rescueAgain"), again, { test: "rescue-again" }),
        );
      case "unreachable":
        tell("warning", t("rescueUnreachable"), "rescue-unreachable");
        return news.append(
          button(t("retry"), () => bring(uploads), { look: "primary", test: "rescue-retry" }),
        );
      case "refused":
        tell("bad", t("rescueRefused", { why: said.why }), "rescue-refused");
        return news.append(button(t("rescueAgain"), again, { test: "rescue-again" }));
    }
  };
  const file = h("input", {
    type: "file",
    accept: "application/json,.json",
    class: "visually-hidden",
    test: "rescue-file",
  });
  file.addEventListener("change", async () => {
    const [chosen] = file.files ?? [];
    if (chosen === undefined) return;
    const uploads = uploadsOfFile(await chosen.text());
    file.value = "";
    if (uploads === undefined || uploads.length === 0) {
      return tell("warning", t("rescueNotFile"), "rescue-not-file");
    }
    await bring(uploads);
  });
  return {
    title: t("rescueReadTitle"),
    back: "/history",
    isFull: true,
    body: h(
      "div",
      { class: "scan-page" },
      scanner.element,
      h(
        "div",
        { class: "scan-tools" },
        h("label", { class: "button plain" }, icon("save"), h("span", {}, t("rescueFileOpen")), file),
      ),
      h("div", { class: "toast" }, news),
    ),
    leave: () => scanner.stop(),
  };
}
