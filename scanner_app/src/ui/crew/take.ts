/** A crew takes a lot from another: whole or in part, for itself or under a mandate; or from nobody who is registered. */
import { isNamed } from "../../domain/mandates.ts";
import { type LotId, STREAM_CODE, STREAMS, streamOf } from "../../domain/types.ts";
import { gramsOfKilograms } from "../../domain/weighing.ts";
import { signalDone } from "../../scan/signal.ts";
import type { App, Screen } from "../app.ts";
import { h } from "../dom.ts";
import { icon, streamIcon } from "../icons.ts";
import { actions, button, choice, empty, notice, radios } from "../pieces.ts";
import { answeredScreen } from "../taking/answered.ts";
import { mandateBox } from "../taking/mandate_box.ts";
import { offerCard, offerSummary } from "../taking/offer_card.ts";
import { type Offer, openOffers } from "../taking/offers.ts";
import { refuseScreen } from "../taking/refuse.ts";
import { AS_GIVEN, sealTake } from "../taking/take.ts";
import { isStaleNow, watchOffers } from "../taking/watch_offers.ts";

export async function takeListScreen(app: App): Promise<Screen> {
  const { t } = app;
  const offers = await openOffers(app);
  const watch = watchOffers(app);
  return {
    title: t("takeTitle"),
    back: "/",
    isLive: true,
    leave: watch.stop,
    body: h(
      "div",
      { class: "stack" },
      isStaleNow() && notice("warning", t("gateOffline")),
      offers.length === 0 && empty(t("gateNone"), "truck"),
      ...offers.map((offer) =>
        offerCard(app, offer, { test: `take-lot-${offer.lot}`, route: `/lot/${offer.lot}`, chip: "" }),
      ),
      button(t("unattestedOpen"), () => app.go("/unattested"), { look: "quiet", test: "unattested-open" }),
    ),
    actions: actions(
      button(t("gateMyCode"), () => app.go("/code"), { icon: "phone", test: "gate-code" }),
      button(t("gateScan"), () => app.go("/receive"), { look: "primary", icon: "scan", test: "take-scan" }),
    ),
  };
}

export async function takeLotScreen(app: App, id: string): Promise<Screen> {
  const offer = (await openOffers(app)).find((each) => each.lot === id);
  return offer === undefined ? answeredScreen(app, id as LotId) : takeScreen(app, offer);
}

export async function refuseLotScreen(app: App, id: string): Promise<Screen> {
  const offer = (await openOffers(app)).find((each) => each.lot === id);
  return offer === undefined ? answeredScreen(app, id as LotId) : refuseScreen(app, offer, `/lot/${id}`);
}

async function takeScreen(app: App, offer: Offer): Promise<Screen> {
  const { t } = app;
  const mandate = await mandateBox(app, offer);
  let isInPart = false;
  let takenAs: number = AS_GIVEN;
  const mass = massField(app, t("takeMass"));
  mass.field.value = String(offer.grams / 1000);
  const save = button(t("takeSave"), () => keep(), { look: "primary", icon: "seal", test: "take-save" });
  const redraw = () => {
    const grams = mass.read();
    // A code alone tells no stream, and a lot without one could not be handed on.
    save.disabled = grams === undefined || (offer.stream === undefined && takenAs === AS_GIVEN);
  };
  mass.field.addEventListener("input", redraw);
  const keep = async () => {
    const grams = mass.read();
    if (grams === undefined) return;
    save.disabled = true;
    const sealed = await sealTake(app, {
      offer,
      grams,
      takenAs,
      isInPart,
      weighSeq: undefined,
      mandate: mandate.cited(),
      declared: { stream: offer.stream ?? streamOf(takenAs), basis: "estimated", isBasisTold: false },
    });
    redraw();
    if (sealed === undefined) return;
    signalDone();
    app.go(`/lot/${offer.lot}`);
  };
  redraw();
  return {
    title: t("takeSave"),
    back: "/take",
    body: h(
      "div",
      { class: "stack" },
      h("div", { class: "summary" }, offerSummary(app, offer)),
      offer.isSealChecked && h("p", { class: "good-line" }, icon("seal"), t("sealChecked")),
      radios(
        t("takeHow"),
        [
          { value: false, text: t("takeWhole"), test: "take-whole" },
          { value: true, text: t("takePart"), test: "take-part" },
        ],
        (value) => {
          isInPart = value;
        },
        isInPart,
      ),
      mass.element,
      h(
        "div",
        { class: "take-as" },
        streamChoice(app, t("takeAs"), (stream) => ((takenAs = stream), redraw()), offer.stream),
      ),
      mandate.element,
    ),
    actions: actions(
      // Only whom the give names may turn it away.
      isNamed(offer.to, app.identity.device) &&
        button(t("refuseOpen"), () => app.go(`/refuse/${offer.lot}`), {
          icon: "refuse",
          test: "refuse-open",
        }),
      save,
    ),
  };
}

export function massField(
  app: App,
  name: string,
): { element: HTMLElement; field: HTMLInputElement; read(): number | undefined } {
  const field = h("input", {
    class: "field figure-field",
    inputmode: "decimal",
    test: "take-mass",
    label: `${name} (${app.t("kilograms")})`,
    autocomplete: "off",
  });
  const read = () => {
    const grams = gramsOfKilograms(field.value);
    return grams === undefined || grams === 0 ? undefined : grams;
  };
  field.addEventListener("input", () => field.setAttribute("aria-invalid", String(read() === undefined)));
  return { element: h("label", { class: "labelled" }, `${name} (kg)`, field), field, read };
}

export function streamChoice(
  app: App,
  title: string,
  choose: (stream: number) => void,
  chosen?: (typeof STREAMS)[number],
): HTMLElement {
  return choice(
    title,
    STREAMS.map((stream) => ({
      value: STREAM_CODE[stream],
      text: app.t(stream),
      picture: streamIcon(stream),
      test: `take-as-${stream}`,
      look: stream,
    })),
    choose,
    chosen && STREAM_CODE[chosen],
  );
}
