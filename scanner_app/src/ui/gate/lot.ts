/** One lot at the gate: weigh it, compare, take it. */
import type { HeardGive } from "../../domain/heard.ts";
import { takeText } from "../../domain/codes.ts";
import { emptyJournal, makeEntry, unpackEntry } from "../../domain/journal.ts";
import { leastStream } from "../../domain/mixing.ts";
import { deskIn } from "../../domain/steps.ts";
import {
  deskOf,
  type Grams,
  type LotId,
  lotId,
  numberOf,
  organisationOf,
  type Seconds,
  type Seq,
  STREAM_CODE,
  STREAMS,
} from "../../domain/types.ts";
import { differencePercent, gramsOfKilograms, netGrams } from "../../domain/weighing.ts";
import { signalDone } from "../../scan/signal.ts";
import type { StoredEntry } from "../../store/database.ts";
import { readEntries, readSeal } from "../../store/journal.ts";
import type { App, Screen } from "../app.ts";
import { fill, h } from "../dom.ts";
import { icon, streamIcon } from "../icons.ts";
import { actions, answerNotes, button, choice, empty, facts, qr, stateChip } from "../pieces.ts";
import { trySeal } from "../sealing.ts";
import { mayBeSealed } from "../warning.ts";
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
/** The take then leaves the stream as it is, which the screen shows as the chosen one where it knows it. */
const AS_GIVEN = 0;
const SHANGHAI_SECONDS = 8 * 3600;

export async function lotScreen(app: App, id: string): Promise<Screen> {
  const offer = (await openOffers(app)).find((each) => each.lot === id);
  if (offer === undefined) return takenScreen(app, id as LotId);
  const weighing = await unusedWeighing(app, offer.lot);
  if (weighing !== undefined) return takeScreen(app, offer, weighing);
  return weighScreen(app, offer, await lastCalibration(app));
}

function weighScreen(app: App, offer: Offer, calibratedUntil: Seconds): Screen {
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
  const calibrated = h("input", {
    class: "field",
    type: "date",
    test: "calibrated-until",
    label: t("calibratedUntil"),
  });
  calibrated.value = dayText(calibratedUntil);
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
    const { lastTicket } = deskIn(await app.writer.custody(), app.identity.device);
    const entry = makeEntry("weigh", {
      lot: numberOf(offer.lot),
      net: weighed.netMass,
      ticket: lastTicket + 1,
      gross: weighed.grossGrams,
      tare: weighed.tareGrams,
      evidence: 0,
      vehicle: 0,
      calibration: 0,
      calibration_until: endOfDay(calibrated.value),
      flags: 0,
      occurred_at: app.now(),
    });
    if (!(await mayBeSealed(app, entry))) {
      save.disabled = false;
      return;
    }
    if ((await trySeal(app, () => app.writer.write(() => entry))) === undefined) {
      save.disabled = false;
      return;
    }
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
      h("label", { class: "labelled" }, t("calibratedUntil"), calibrated),
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
  const heard = heardGive(app, offer);
  let takenAs: number = heard === undefined ? AS_GIVEN : worsened(heard);
  const keep = async () => {
    save.disabled = true;
    const entry = makeEntry("take", {
      lot: numberOf(offer.lot),
      grams: weighing.net,
      give_seq: offer.giveSeq,
      giver: numberOf(offer.giver),
      weigh_seq: weighing.seq,
      stream: takenAs,
      evidence: 0,
      give_head: numberOf(offer.giveHead),
      weigher: numberOf(app.identity.device),
      into: 0,
      principal: 0,
      mandate_seq: 0,
      site: 0,
      flags: 0,
      occurred_at: app.now(),
    });
    if (!(await mayBeSealed(app, entry, heard && { gives: [heard] }))) {
      save.disabled = false;
      return;
    }
    if ((await trySeal(app, () => app.writer.write(() => entry))) === undefined) {
      save.disabled = false;
      return;
    }
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
          },
          takenAs === AS_GIVEN ? heard?.stream : takenAs,
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
  const notes = answerNotes(app, done.take.state);
  const hasBlock = (onLedger?.blockNumber ?? null) !== null;
  const answer = await answerText(app, done.take);
  const body = h("div", { class: "stack" });
  fill(
    body,
    h(
      "div",
      {
        class: answer === undefined ? "done" : "done small",
        test: "take-saved",
        data: { lot: id, seq: String(done.take.seq) },
      },
      icon("check"),
      h("h2", {}, t("takeSaved")),
      h("p", { class: "net" }, massText(app, done.grams)),
      stateChip(t, done.take.state),
      outcome !== null && h("p", { test: "take-outcome", data: { outcome } }, t(outcome)),
      notes.length > 0 && h("div", { class: "row-notes" }, ...notes),
      !hasBlock && h("p", { class: "quiet" }, t("takeSavedHelp")),
    ),
    answer !== undefined && qr(answer, "take-qr", t("answerCode")),
    answer !== undefined && h("p", { class: "centre quiet" }, t("answerHelp")),
  );
  return {
    title: t("gateDone"),
    back: "/",
    isLive: true,
    body,
    actions: actions(button(t("back"), () => app.go("/"), { look: "primary", test: "gate-home" })),
  };
}

/** The sealed take with this device's certificate: the giver checks it with no network. */
async function answerText(app: App, { seq, words }: StoredEntry): Promise<string | undefined> {
  const [seal, before] = await Promise.all([readSeal(app.db, seq), readSeal(app.db, seq - 1)]);
  if (seal === undefined) return undefined;
  const { certificate, network } = app.identity;
  return takeText(`${network.publicBaseUrl.replace(/\/+$/, "")}/app/`, {
    seq,
    prevHead: before?.head ?? emptyJournal(app.writer.place).head,
    words,
    seal: { r: seal.r, s: seal.s },
    certificate,
  });
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

/** What the office has told of an offer; a scanned give does not carry its stream. */
function heardGive(app: App, offer: Offer): HeardGive | undefined {
  if (offer.stream === undefined) return undefined;
  const to = deskOf(organisationOf(app.identity.device));
  return { ...offer, to, stream: STREAM_CODE[offer.stream], mixture: offer.mixture };
}

/** The stream as which a mixed lot can at best be taken; a lot of one stream keeps it. */
function worsened({ stream, mixture }: HeardGive): number {
  const least = leastStream(stream, mixture);
  return least === stream ? AS_GIVEN : least;
}

/** Until when the scale was calibrated, as its last ticket says; 0 for a first weighing. */
async function lastCalibration(app: App): Promise<Seconds> {
  for (const { kind, words } of (await readEntries(app.db, 1)).reverse()) {
    const read = kind === "weigh" ? unpackEntry(words) : undefined;
    if (read?.is === "known" && read.entry.kind === "weigh")
      return Number(read.entry.fields.calibration_until);
  }
  return 0;
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
