/** One lot at the gate: weigh it, compare, take it. */
import { makeEntry, unpackEntry } from "../../domain/journal.ts";
import { type Grams, type LotId, lotId, numberOf, type Seq } from "../../domain/types.ts";
import { differencePercent, gramsOfKilograms, netGrams } from "../../domain/weighing.ts";
import { signalDone } from "../../scan/signal.ts";
import { readEntries } from "../../store/journal.ts";
import type { App, Screen } from "../app.ts";
import { fill, h } from "../dom.ts";
import { icon } from "../icons.ts";
import { actions, button, empty, facts, stateChip } from "../pieces.ts";
import { massText, percentText } from "../words.ts";
import { offerSummary } from "./home.ts";
import { type Offer, openOffers, ownTakes } from "./offers.ts";

interface Weighing {
  readonly seq: Seq;
  readonly net: Grams;
  readonly gross: Grams;
  readonly tare: Grams;
}
/** Beyond this a difference is shown as a warning; the rule that decides is the books' tolerance. */
const REMARKABLE_PERCENT = 5;
/** A weighbridge shows steps of 20 kg. */
const DIVISION_GRAMS = 20_000;

export async function lotScreen(app: App, id: string): Promise<Screen> {
  const offer = (await openOffers(app)).find((each) => each.lot === id);
  if (offer === undefined) return takenScreen(app, id as LotId);
  const weighing = await unusedWeighing(app, offer.lot);
  return weighing === undefined ? weighScreen(app, offer) : takeScreen(app, offer, weighing);
}

function weighScreen(app: App, offer: Offer): Screen {
  const { t } = app;
  const input = (name: "gross" | "tare") =>
    h("input", {
      class: "field figure-field",
      inputmode: "decimal",
      test: name,
      label: `${t(name)} (${t("kilograms")})`,
      autocomplete: "off",
    });
  const gross = input("gross");
  const tare = input("tare");
  const net = h("output", { class: "net", test: "net" }, "—");
  const problem = h("p", { class: "field-problem", role: "alert" });
  const save = button(t("weighSave"), () => keep(), {
    look: "primary",
    icon: "seal",
    test: "weigh-save",
    disabled: true,
  });
  const read = () => {
    const grossGrams = gramsOfKilograms(gross.value);
    const tareGrams = gramsOfKilograms(tare.value);
    if (grossGrams === undefined || tareGrams === undefined) return undefined;
    const netMass = netGrams({ grossGrams, tareGrams });
    return netMass === undefined ? "impossible" : { grossGrams, tareGrams, netMass };
  };
  const redraw = () => {
    const weighed = read();
    problem.textContent = weighed === "impossible" ? t("netImpossible") : "";
    net.textContent =
      weighed === undefined || weighed === "impossible" ? "—" : massText(app, weighed.netMass);
    save.disabled = typeof weighed !== "object";
  };
  gross.addEventListener("input", redraw);
  tare.addEventListener("input", redraw);
  const simulate = () => {
    const tareGrams = gramsOfKilograms(tare.value) ?? 9_860_000;
    const drift = 0.97 + Math.random() * 0.05;
    const indicated = Math.round((tareGrams + offer.grams * drift) / DIVISION_GRAMS) * DIVISION_GRAMS;
    tare.value = String(tareGrams / 1000);
    gross.value = String(Math.max(indicated, tareGrams + DIVISION_GRAMS) / 1000);
    redraw();
  };
  const keep = async () => {
    const weighed = read();
    if (typeof weighed !== "object") return;
    save.disabled = true;
    const occurredAt = app.now();
    await app.writer.write(() =>
      makeEntry("weigh", {
        lot: numberOf(offer.lot),
        net: weighed.netMass,
        ticket: occurredAt,
        gross: weighed.grossGrams,
        tare: weighed.tareGrams,
        evidence: 0,
        vehicle: 0,
        calibration: 0,
        calibration_until: 0,
        flags: 0,
        occurred_at: occurredAt,
      }),
    );
    signalDone();
    app.go(`/lot/${offer.lot}`);
  };
  return {
    title: t("weighTitle"),
    back: "/",
    body: h(
      "div",
      { class: "stack" },
      h("div", { class: "summary" }, offerSummary(app, offer)),
      h("label", { class: "labelled" }, `${t("gross")} (kg)`, gross),
      h("label", { class: "labelled" }, `${t("tare")} (kg)`, tare),
      h("div", { class: "net-line" }, h("span", {}, t("net")), net),
      problem,
      button(t("indicator"), simulate, { look: "quiet", icon: "scale", test: "indicator" }),
      h("p", { class: "centre quiet small" }, t("indicatorNote")),
    ),
    actions: actions(save),
  };
}

function takeScreen(app: App, offer: Offer, weighing: Weighing): Screen {
  const { t } = app;
  const percent = differencePercent({ declaredGrams: offer.grams, weighedGrams: weighing.net });
  const isRemarkable = percent === undefined || Math.abs(percent) > REMARKABLE_PERCENT;
  const save = button(t("takeSave"), () => keep(), { look: "primary", icon: "seal", test: "take-save" });
  const keep = async () => {
    save.disabled = true;
    await app.writer.write(() =>
      makeEntry("take", {
        lot: numberOf(offer.lot),
        grams: weighing.net,
        give_seq: offer.giveSeq,
        giver: numberOf(offer.giver),
        weigh_seq: weighing.seq,
        evidence: 0,
        give_head: numberOf(offer.giveHead),
        weigher: numberOf(app.identity.device),
        flags: 0,
        occurred_at: app.now(),
      }),
    );
    signalDone();
    app.go(`/lot/${offer.lot}`);
  };
  return {
    title: t("takeSave"),
    back: "/",
    body: h(
      "div",
      { class: "stack" },
      h("div", { class: "summary" }, offerSummary(app, offer)),
      offer.isSealChecked && h("p", { class: "good-line" }, icon("seal"), t("sealChecked")),
      h(
        "div",
        { class: "compare" },
        h(
          "div",
          {},
          h("span", {}, t("declared")),
          h("strong", { test: "declared" }, massText(app, offer.grams)),
        ),
        h(
          "div",
          {},
          h("span", {}, t("weighed")),
          h("strong", { test: "weighed" }, massText(app, weighing.net)),
        ),
        h(
          "div",
          { class: isRemarkable ? "difference remarkable" : "difference" },
          h("span", {}, t("difference")),
          h("strong", { test: "difference" }, percent === undefined ? "—" : percentText(app, percent)),
        ),
      ),
      facts(
        [t("gross"), massText(app, weighing.gross)],
        [t("tare"), massText(app, weighing.tare)],
        [t("kindWeigh"), t("weighSaved", { seq: weighing.seq })],
      ),
    ),
    actions: actions(save),
  };
}

async function takenScreen(app: App, id: LotId): Promise<Screen> {
  const { t } = app;
  const done = (await ownTakes(app)).findLast(({ lot }) => lot === id);
  if (done === undefined) return { title: t("gateTitle"), back: "/", body: empty(t("lotUnknown"), "scan") };
  const onLedger = done.take.state.is === "accepted" ? done.take.state.onLedger : undefined;
  const outcome = onLedger?.outcome ?? null;
  const hasBlock = (onLedger?.blockNumber ?? null) !== null;
  const body = h("div", { class: "stack" });
  fill(
    body,
    h(
      "div",
      { class: "done", test: "take-saved", data: { lot: id, seq: String(done.take.seq) } },
      icon("check"),
      h("h2", {}, t("takeSaved")),
      h("p", { class: "net" }, massText(app, done.grams)),
      stateChip(t, done.take.state),
      outcome !== null && h("p", { test: "take-outcome", data: { outcome } }, t(outcome)),
      !hasBlock && h("p", { class: "quiet" }, t("takeSavedHelp")),
    ),
  );
  return {
    title: t("gateDone"),
    back: "/",
    isLive: true,
    body,
    actions: actions(button(t("back"), () => app.go("/"), { look: "primary", test: "gate-home" })),
  };
}

/** The latest weighing of this lot that no take has cited: each can be cited once. */
async function unusedWeighing(app: App, lot: LotId): Promise<Weighing | undefined> {
  let latest: Weighing | undefined;
  for (const { seq, kind, words } of await readEntries(app.db, 1)) {
    if (kind !== "weigh" && kind !== "take") continue;
    const read = unpackEntry(words);
    if (read.is !== "known") continue;
    if (read.entry.kind === "weigh" && lotId(read.entry.fields.lot) === lot) {
      const { net, gross, tare } = read.entry.fields;
      latest = { seq, net: Number(net), gross: Number(gross), tare: Number(tare) };
    }
    if (read.entry.kind === "take" && Number(read.entry.fields.weigh_seq) === latest?.seq) latest = undefined;
  }
  return latest;
}
