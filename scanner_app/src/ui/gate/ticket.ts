/** The ticket of a take: what the scale showed, what was declared, and a code that opens the lot's page. */
import type { ToleranceVerdict } from "../../domain/tolerances.ts";
import {
  deviceId,
  type DeviceId,
  lotId,
  NO_LOT,
  NOBODY,
  organisationOf,
  streamOf,
} from "../../domain/types.ts";
import { readSingle } from "../../store/database.ts";
import { readSeal } from "../../store/journal.ts";
import type { App, Screen } from "../app.ts";
import { type Child, h } from "../dom.ts";
import { actions, button, empty, facts, qr } from "../pieces.ts";
import { takeCodeText, takeFields } from "../taking/answered.ts";
import { ownAnswers } from "../taking/offers.ts";
import { knownRules, verdictOf } from "../taking/verdict.ts";
import { dateText, momentText, organisationName, shortId, weighedText } from "../words.ts";
import { findWeighing } from "./weighings.ts";

const HEAD_SHOWN = 16;

export async function ticketScreen(app: App, id: string): Promise<Screen> {
  const { t } = app;
  const done = (await ownAnswers(app)).findLast(({ lot, kind }) => lot === id && kind === "take");
  const fields = done && takeFields(done.entry);
  if (done === undefined || fields === undefined) {
    return { title: t("ticketTitle"), back: "/", body: empty(t("lotUnknown"), "scan") };
  }
  const directory = await readSingle(app.db, "directory");
  const weighing = await findWeighing(app, Number(fields.weigh_seq));
  const seal = await readSeal(app.db, done.entry.seq);
  const giver = deviceId(fields.giver);
  const giveSeq = Number(fields.give_seq);
  const given = (await readSingle(app.db, "takenGives"))?.find(
    (each) => each.giver === giver && each.giveSeq === giveSeq,
  );
  const at = Number(fields.occurred_at);
  const verdict =
    given &&
    verdictOf(
      await knownRules(app.db),
      { declaredGrams: given.grams, weighedGrams: Number(fields.grams), at },
      { stream: streamOf(given.stream), basis: given.basis, isBasisTold: true },
    );
  const named = (device: DeviceId) => organisationName(app, directory, organisationOf(device));
  const page = `/lots/${id}`;
  const { publicBaseUrl } = app.identity.network;
  const text = (await takeCodeText(app, done.entry, page)) ?? `${publicBaseUrl.replace(/\/+$/, "")}${page}`;
  const stream = streamOf(fields.stream);
  const rows: (readonly [string, Child])[] = [
    [t("ticketReceiver"), named(app.identity.device)],
    [t("ticketGiver"), giver === NOBODY ? t("unattestedGiver") : named(giver)],
    [t("ticketLot"), h("code", {}, id)],
    ...(stream === undefined ? [] : [[t("takeAs"), t(stream)] as const]),
    ...(given === undefined ? [] : [[t("declared"), weighedText(app, given.grams)] as const]),
    ...(weighing === undefined
      ? []
      : ([
          [t("ticketWeigh"), t("ticketNumber", { n: weighing.number })],
          [t("gross"), weighedText(app, weighing.gross)],
          [t("tare"), weighedText(app, weighing.tare)],
          [
            t("calibratedUntil"),
            weighing.calibratedUntil === 0 ? "—" : dateText(app, weighing.calibratedUntil),
          ],
        ] as const)),
    [t("net"), h("strong", { test: "ticket-net" }, weighedText(app, Number(fields.grams)))],
    ...(verdict === undefined || lotId(fields.into) !== NO_LOT
      ? []
      : [[t("ticketVerdict"), verdictLine(app, verdict)] as const]),
    [t("ticketAt"), momentText(app, at)],
    [t("ticketSealed"), `${t("seqNumber", { n: done.entry.seq })} · ${shortId(app.identity.device)}`],
    [t("ticketHead"), h("code", {}, seal?.head.slice(0, HEAD_SHOWN) ?? "")],
  ];
  return {
    title: t("ticketTitle"),
    back: `/lot/${id}`,
    body: h(
      "article",
      { class: "ticket", test: "ticket", data: { lot: id, seq: String(done.entry.seq) } },
      h("h2", {}, t("ticketTitle")),
      h("div", { class: "ticket-columns" }, facts(...rows), ticketCode(app, text)),
    ),
    actions: actions(
      button(t("ticketPrint"), () => globalThis.print(), {
        look: "primary",
        icon: "save",
        test: "ticket-print",
      }),
    ),
  };
}

function verdictLine(app: App, verdict: ToleranceVerdict): HTMLElement {
  const { rule, isWithin } = verdict;
  const text = `${app.t(isWithin ? "verdictWithin" : "verdictBeyond")} · ${rule.id} ${rule.version}`;
  return h("span", { test: "ticket-verdict", data: { within: String(isWithin) } }, text);
}

function ticketCode(app: App, text: string): HTMLElement {
  return h(
    "div",
    { class: "ticket-code" },
    qr(text, "ticket-qr", app.t("ticketCode")),
    h("p", { class: "small" }, app.t("ticketCodeHelp")),
  );
}
