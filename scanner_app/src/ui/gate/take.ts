/** Declared against weighed, with the verdict of the rule in force, before anything is sealed. */
import { leastStream } from "../../domain/mixing.ts";
import { STREAM_CODE, streamOf, STREAMS } from "../../domain/types.ts";
import { differencePercent } from "../../domain/weighing.ts";
import { signalDone } from "../../scan/signal.ts";
import type { App, Screen } from "../app.ts";
import { h } from "../dom.ts";
import { icon, streamIcon } from "../icons.ts";
import { actions, button, choice, facts, notice } from "../pieces.ts";
import { mandateBox } from "../taking/mandate_box.ts";
import { offerSummary } from "../taking/offer_card.ts";
import { heardGive, type Offer } from "../taking/offers.ts";
import { AS_GIVEN, sealTake } from "../taking/take.ts";
import { askDeclared, type Declared, knownRules, verdictBox } from "../taking/verdict.ts";
import { momentText, percentText, weighedText } from "../words.ts";
import type { Weighing } from "./weighings.ts";

export async function takeScreen(app: App, offer: Offer, weighing: Weighing): Promise<Screen> {
  const { t } = app;
  const percent = differencePercent({ declaredGrams: offer.grams, weighedGrams: weighing.net });
  const masses = { declaredGrams: offer.grams, weighedGrams: weighing.net, at: app.now() };
  const verdict = verdictBox(app, await knownRules(app.db), masses);
  const mandate = await mandateBox(app, offer);
  let declared: Declared = { stream: offer.stream, basis: "estimated", isBasisTold: false };
  let takenAs = leastOf(offer);
  // A scanned code tells no stream: what the lot is taken as is the best that is known.
  const redraw = () => verdict.draw({ ...declared, stream: declared.stream ?? streamOf(takenAs) });
  redraw();
  void askDeclared(app, offer).then((told) => {
    declared = told;
    redraw();
  });
  const keep = async (isInPart: boolean) => {
    for (const each of [whole, part]) each.disabled = true;
    const sealed = await sealTake(app, {
      offer,
      grams: weighing.net,
      takenAs,
      isInPart,
      weighSeq: weighing.seq,
      mandate: mandate.cited(),
      declared,
    });
    for (const each of [whole, part]) each.disabled = false;
    if (sealed === undefined) return;
    signalDone();
    app.go(`/lot/${offer.lot}`);
  };
  const whole = button(t("takeSave"), () => keep(false), {
    look: "primary",
    icon: "seal",
    test: "take-save",
  });
  const part = button(t("takePart"), () => keep(true), { test: "take-part" });
  return {
    title: t("takeSave"),
    back: "/",
    body: h(
      "div",
      { class: "board" },
      h(
        "div",
        { class: "stack" },
        h("div", { class: "summary" }, offerSummary(app, offer)),
        offer.isSealChecked && h("p", { class: "good-line" }, icon("seal"), t("sealChecked")),
        h(
          "div",
          { class: "compare" },
          figure(t("declared"), "declared", weighedText(app, offer.grams)),
          figure(t("weighed"), "weighed", weighedText(app, weighing.net)),
          figure(
            t("difference"),
            "difference",
            percent === undefined ? "—" : percentText(app, percent),
            "difference",
          ),
        ),
        verdict.element,
      ),
      h(
        "div",
        { class: "stack" },
        h(
          "div",
          { class: "take-as" },
          choice(
            t("takeAs"),
            STREAMS.map((stream) => ({
              value: STREAM_CODE[stream],
              text: t(stream),
              picture: streamIcon(stream),
              test: `take-as-${stream}`,
              look: stream,
            })),
            (stream) => {
              takenAs = stream;
              redraw();
            },
            takenAs === AS_GIVEN ? offer.stream && STREAM_CODE[offer.stream] : takenAs,
          ),
        ),
        mandate.element,
        facts(
          [t("gross"), weighedText(app, weighing.gross)],
          [t("tare"), weighedText(app, weighing.tare)],
          [t("kindWeigh"), `${t("ticketNumber", { n: weighing.number })} · ${momentText(app, weighing.at)}`],
        ),
        notice("calm", t("takePartHelp")),
      ),
    ),
    actions: actions(
      h(
        "div",
        { class: "pair" },
        part,
        button(t("refuseOpen"), () => app.go(`/refuse/${offer.lot}`), {
          icon: "refuse",
          test: "refuse-open",
        }),
      ),
      whole,
    ),
  };
}

function figure(name: string, test: string, text: string, look = ""): HTMLElement {
  return h("div", { class: look }, h("span", {}, name), h("strong", { test }, text));
}

/** The stream as which a mixed lot can at best be taken; a lot of one stream, and one not known, stays as it is. */
function leastOf(offer: Offer): number {
  const give = heardGive(offer);
  if (give === undefined) return AS_GIVEN;
  const least = leastStream(give.stream, give.mixture);
  return least === give.stream ? AS_GIVEN : least;
}
