/** Gross, then tare: each read off the weighbridge or typed, then sealed as one ticket. */
import { makeEntry } from "../../domain/journal.ts";
import { deskIn } from "../../domain/steps.ts";
import { type Grams, numberOf, type Seconds } from "../../domain/types.ts";
import { gramsOfKilograms, netGrams } from "../../domain/weighing.ts";
import { signalDone, signalRead } from "../../scan/signal.ts";
import { saltEvidence } from "../../sign/writer.ts";
import type { App, Screen } from "../app.ts";
import { h } from "../dom.ts";
import { actions, button } from "../pieces.ts";
import { trySeal } from "../sealing.ts";
import { offerSummary } from "../taking/offer_card.ts";
import type { Offer } from "../taking/offers.ts";
import { mayBeSealed } from "../warning.ts";
import { weighedText } from "../words.ts";
import { scaleDisplay, type StableMass } from "./scale_display.ts";
import { dropFirstWeighing, findFirstWeighing, keepFirstWeighing, lastCalibration } from "./weighings.ts";

const SHANGHAI_SECONDS = 8 * 3600;
type Which = "gross" | "tare";

export async function weighScreen(app: App, offer: Offer): Promise<Screen> {
  const { t } = app;
  const first = await findFirstWeighing(app, offer.lot);
  const calibratedBefore = await lastCalibration(app);
  /** What the indicator answered for a figure; dropped as soon as somebody types over it. */
  const answers = new Map<Which, string>();
  let scaleSerial = "";

  const field = (name: Which) =>
    h("input", {
      class: "field figure-field",
      inputmode: "decimal",
      test: name,
      label: `${t(name)} (${t("kilograms")})`,
      autocomplete: "off",
    });
  const fields = { gross: field("gross"), tare: field("tare") };
  const calibrated = h("input", {
    class: "field",
    type: "date",
    // Without an end the year takes six digits, and what is typed runs into it.
    max: "9999-12-31",
    test: "calibrated-until",
    label: t("calibratedUntil"),
  });
  calibrated.value = dayText(calibratedBefore);
  let calibratedUntil: Seconds | undefined;
  const net = h("output", { class: "net", test: "net" }, "—");
  const problem = h("p", { class: "field-problem", role: "alert" });
  const save = button(t("weighSave"), () => keep(), {
    look: "primary",
    icon: "seal",
    test: "weigh-save",
    disabled: true,
  });
  const read = () => {
    const grossGrams = gramsOfKilograms(fields.gross.value);
    const tareGrams = gramsOfKilograms(fields.tare.value);
    if (grossGrams === undefined || tareGrams === undefined) return undefined;
    const netMass = netGrams({ grossGrams, tareGrams });
    return netMass === undefined ? "impossible" : { grossGrams, tareGrams, netMass };
  };
  const redraw = () => {
    const weighed = read();
    problem.textContent = weighed === "impossible" ? t("netImpossible") : "";
    net.textContent =
      weighed === undefined || weighed === "impossible" ? "—" : weighedText(app, weighed.netMass);
    save.disabled = typeof weighed !== "object";
  };
  const put = (which: Which, grams: Grams, answer: string | undefined) => {
    fields[which].value = String(grams / 1000);
    if (answer === undefined) answers.delete(which);
    else answers.set(which, answer);
    redraw();
  };
  const keepGross = async () => {
    const grams = gramsOfKilograms(fields.gross.value);
    if (grams === undefined) return;
    const answer = answers.get("gross");
    const weighed = { lot: offer.lot, grams, at: app.now(), ...(answer !== undefined && { answer }) };
    await keepFirstWeighing(app, weighed);
  };
  for (const which of ["gross", "tare"] as const) {
    fields[which].addEventListener("input", () => {
      answers.delete(which);
      redraw();
    });
    fields[which].addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      if (which === "gross") fields.tare.focus();
      else if (!save.disabled) save.focus();
    });
  }
  fields.gross.addEventListener("change", () => void keepGross());

  let mass: StableMass | undefined;
  const readScale = async (which: Which) => {
    if (mass === undefined) return;
    scaleSerial = mass.scale.serial;
    put(which, mass.grams, mass.answer);
    signalRead();
    if (which === "gross") {
      await keepGross();
      fields.tare.focus();
    } else save.focus();
  };
  const reader = (which: Which) =>
    button(t(which === "gross" ? "scaleReadGross" : "scaleReadTare"), () => readScale(which), {
      icon: "scale",
      test: `read-${which}`,
      disabled: true,
    });
  const readers = { gross: reader("gross"), tare: reader("tare") };
  const scale = scaleDisplay(app, (stable, until) => {
    mass = stable;
    calibratedUntil = until;
    calibrated.disabled = until !== undefined;
    if (until !== undefined) calibrated.value = dayText(until);
    for (const each of Object.values(readers)) each.disabled = stable === undefined;
  });
  if (first !== undefined) put("gross", first.grams, first.answer);

  const keep = async () => {
    const weighed = read();
    if (typeof weighed !== "object") return;
    save.disabled = true;
    const salted = answers.size === 0 ? undefined : saltEvidence(evidenceOf(answers, scaleSerial));
    const { lastTicket } = deskIn(await app.writer.custody(), app.identity.device);
    const entry = makeEntry("weigh", {
      lot: numberOf(offer.lot),
      net: weighed.netMass,
      ticket: lastTicket + 1,
      gross: weighed.grossGrams,
      tare: weighed.tareGrams,
      evidence: salted?.digest ?? 0,
      vehicle: 0,
      calibration: 0,
      calibration_until: calibratedUntil ?? endOfDay(calibrated.value),
      flags: 0,
      occurred_at: app.now(),
    });
    const isSealed =
      (await mayBeSealed(app, entry)) &&
      (await trySeal(app, () => app.writer.write(() => entry, salted?.evidence))) !== undefined;
    if (!isSealed) {
      save.disabled = false;
      return;
    }
    await dropFirstWeighing(app, offer.lot);
    signalDone();
    app.go(`/lot/${offer.lot}`);
  };
  return {
    title: t("weighTitle"),
    back: "/",
    leave: scale.stop,
    body: h(
      "div",
      { class: "board" },
      h(
        "div",
        { class: "stack" },
        h("div", { class: "summary" }, offerSummary(app, offer)),
        scale.element,
        h("div", { class: "net-line" }, h("span", {}, t("net")), net),
      ),
      h(
        "div",
        { class: "stack" },
        h("label", { class: "labelled" }, `${t("gross")} (kg)`, fields.gross),
        readers.gross,
        first !== undefined && h("p", { class: "good-line", test: "gross-kept" }, t("grossKept")),
        h("label", { class: "labelled" }, `${t("tare")} (kg)`, fields.tare),
        readers.tare,
        problem,
        h("label", { class: "labelled" }, t("calibratedUntil"), calibrated),
      ),
    ),
    actions: actions(
      button(t("refuseOpen"), () => app.go(`/refuse/${offer.lot}`), { icon: "refuse", test: "refuse-open" }),
      save,
    ),
  };
}

/** The indicator's own lines, so that a figure can be told from one that was typed. */
function evidenceOf(answers: ReadonlyMap<Which, string>, serial: string) {
  const told = (which: Which) => answers.get(which) ?? "typed";
  return { about: "weighing", scale: serial, gross: told("gross"), tare: told("tare") };
}

/** The date in Asia/Shanghai that holds an instant, as a date field takes it. */
function dayText(at: Seconds): string {
  return at === 0 ? "" : new Date((at + SHANGHAI_SECONDS) * 1000).toISOString().slice(0, 10);
}

/** The last second of a day in Asia/Shanghai; 0 for no date. */
function endOfDay(date: string): Seconds {
  const midnight = Date.parse(`${date}T00:00:00+08:00`) / 1000;
  return Number.isNaN(midnight) ? 0 : midnight + 86_399;
}
