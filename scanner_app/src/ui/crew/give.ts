/** Hand a lot over: which, to whom, sealed. */
import { readAppCode, type ReceiverCode } from "../../domain/codes.ts";
import { unpackEntry } from "../../domain/journal.ts";
import { makeEntry } from "../../domain/journal.ts";
import { liftsRoot } from "../../domain/lifts_root.ts";
import { bytesToBig } from "../../domain/bytes.ts";
import {
  deskOf,
  type DeviceId,
  lotId,
  type LotId,
  numberOf,
  type OrganisationId,
  organisationOf,
} from "../../domain/types.ts";
import { signalDone, signalRead } from "../../scan/signal.ts";
import type { Written } from "../../sign/writer.ts";
import { type Directory, readSingle } from "../../store/database.ts";
import { readEntries } from "../../store/journal.ts";
import type { App, Screen } from "../app.ts";
import { type Child, fill, h } from "../dom.ts";
import { streamIcon } from "../icons.ts";
import { lotName } from "../history.ts";
import { button, chooseByArrows, empty, notice } from "../pieces.ts";
import { trySeal } from "../sealing.ts";
import { makeScanner, type Scanner } from "../scanner.ts";
import { massText, organisationName, shortId } from "../words.ts";
import { type OwnLot, ownLots } from "./lots.ts";

interface Receiver {
  readonly to: DeviceId;
  readonly name: string;
  readonly code?: ReceiverCode;
}

export async function giveScreen(app: App, wanted: string): Promise<Screen> {
  const { t } = app;
  const { held } = await ownLots(app);
  const full = held.filter((lot) => lot.lifts > 0 || lot.grams > 0);
  const lot = full.find((each) => each.id === wanted) ?? (full.length === 1 ? full[0] : undefined);
  if (lot !== undefined) return chooseReceiver(app, lot, full.length > 1 ? "/give" : "/");
  return {
    title: t("giveTitle"),
    back: "/",
    body: h(
      "div",
      { class: "stack" },
      full.length === 0 ? empty(t("giveNothing"), "give") : h("h2", {}, t("giveWhich")),
      ...full.map((each) =>
        h(
          "button",
          {
            type: "button",
            class: "option",
            test: `give-lot-${each.id}`,
            on: { click: () => app.go(`/give/${each.id}`) },
          },
          lotSummary(app, each),
        ),
      ),
    ),
  };
}

export function lotSummary(app: App, lot: OwnLot): Child {
  return [
    h("span", { class: `stream-dot ${lot.streamName}` }, streamIcon(lot.streamName)),
    h(
      "div",
      { class: "row-text" },
      h("strong", {}, app.t(lot.streamName)),
      h("span", { class: "quiet" }, `${lotName(app, lot.id)} · ${app.t("lotCount", { n: lot.lifts })}`),
    ),
    h("span", { class: "figure" }, massText(app, lot.grams)),
  ];
}

async function chooseReceiver(app: App, lot: OwnLot, back: string): Promise<Screen> {
  const { t } = app;
  const directory = await readSingle(app.db, "directory");
  const list = chooseByArrows(h("div", { class: "options", role: "radiogroup", label: t("giveTo") }));
  const news = h("div");
  let chosen: Receiver | undefined;
  let scanner: Scanner | undefined;
  const save = button(t("giveSave"), () => keep(), {
    look: "primary",
    icon: "seal",
    test: "give-save",
    disabled: true,
  });
  const choose = (receiver: Receiver, element?: HTMLElement) => {
    chosen = receiver;
    save.disabled = false;
    for (const each of list.children) each.setAttribute("aria-checked", String(each === element));
  };
  const keep = async () => {
    if (chosen === undefined) return;
    save.disabled = true;
    const receiver = chosen;
    const written = await trySeal(app, () => sealGive(app, lot, receiver));
    save.disabled = false;
    if (written === undefined) return;
    signalDone();
    app.go(`/given/${lot.id}`);
  };
  const row = (receiver: Receiver, id: string, caption: string) => {
    const element = h(
      "button",
      { type: "button", class: "option", role: "radio", "aria-checked": "false", test: `receiver-${id}` },
      h(
        "div",
        { class: "row-text" },
        h("strong", {}, receiver.name),
        caption !== "" && h("span", { class: "quiet" }, caption),
      ),
      h("span", { class: "radio", "aria-hidden": "true" }),
    );
    element.addEventListener("click", () => choose(receiver, element));
    return element;
  };
  const place = h("div", { class: "stack" });
  const drawList = () => {
    fill(
      place,
      h("div", { class: "summary" }, lotSummary(app, lot)),
      h("h2", {}, t("giveTo")),
      news,
      receiversOf(app, directory).length === 0 && notice("calm", t("noDirectory")),
      list,
    );
    fill(foot, button(t("giveScan"), scan, { icon: "scan", test: "give-scan" }), save);
  };
  const scan = () => {
    scanner = makeScanner(app, t("giveScan"), (text) => {
      const read = readAppCode(text);
      scanner?.stop();
      drawList();
      if (read.is !== "receive") return fill(news, notice("warning", t("giveScanWrong")));
      signalRead();
      fill(news);
      const { receiver } = read;
      const organisation = organisationName(app, directory, organisationOf(receiver.device));
      const name = t("giveReceiverDevice", { organisation, device: shortId(receiver.device) });
      const scanned = { to: receiver.device, name, code: receiver };
      const element = row(scanned, receiver.device, "");
      list.prepend(element);
      choose(scanned, element);
    });
    fill(place, h("div", { class: "scan-box" }, scanner.element));
    fill(
      foot,
      button(t("cancel"), () => (scanner?.stop(), drawList())),
    );
  };
  const foot = h("div", { class: "actions" });
  for (const { id, name, caption } of receiversOf(app, directory))
    list.append(row({ to: deskOf(id), name }, id, caption));
  drawList();
  return { title: t("giveTitle"), back, body: place, actions: foot, leave: () => scanner?.stop() };
}

/** Organisations with a place that receives waste come first. */
function receiversOf(
  app: App,
  directory: Directory | undefined,
): { id: OrganisationId; name: string; caption: string }[] {
  const own = organisationOf(app.identity.device);
  const receiving = (id: string) =>
    directory?.sites.filter(
      (site) => site.organisation === id && site.kind !== 1 && site.kind !== "street",
    ) ?? [];
  return (directory?.organisations ?? [])
    .filter(({ id }) => id !== own)
    .map(({ id }) => ({
      id,
      name: organisationName(app, directory, id),
      caption: receiving(id)
        .slice(0, 2)
        .map((site) => (app.language() === "en" ? site.name.en : site.name.zh))
        .join(" · "),
    }))
    .sort((a, b) => Number(b.caption !== "") - Number(a.caption !== ""));
}

async function sealGive(app: App, lot: OwnLot, receiver: Receiver): Promise<Written> {
  const words = await liftWordsOf(app, lot.id);
  const occurredAt = app.now();
  return app.writer.write(() =>
    makeEntry("give", {
      lot: numberOf(lot.id),
      grams: lot.grams,
      last_seq: lot.lastSeq,
      to: numberOf(receiver.to),
      to_seq: receiver.code?.seq ?? 0,
      lifts: lot.lifts,
      evidence: 0,
      lifts_root: bytesToBig(liftsRoot(words)),
      to_head: receiver.code === undefined ? 0n : numberOf(receiver.code.head),
      flags: 0,
      occurred_at: occurredAt,
    }),
  );
}

/** The words of the lifts that went into a lot, in journal order. */
async function liftWordsOf(app: App, lot: LotId): Promise<Uint8Array[]> {
  let loading: LotId | undefined;
  const words: Uint8Array[] = [];
  for (const entry of await readEntries(app.db, 1)) {
    if (entry.kind === "load") {
      const read = unpackEntry(entry.words);
      if (read.is === "known" && read.entry.kind === "load") loading = lotId(read.entry.fields.lot);
    }
    if (entry.kind === "lift" && loading === lot) words.push(entry.words);
  }
  return words;
}
