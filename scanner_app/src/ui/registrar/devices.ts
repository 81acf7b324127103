/** The organisation's devices: what the directory names, and what this journal has enrolled or revoked. */
import { makeEntry, unpackEntry } from "../../domain/journal.ts";
import {
  type DeviceId,
  deviceId,
  numberOf,
  organisationOf,
  type Role,
  roleOf,
  type Seconds,
} from "../../domain/types.ts";
import { type EntryState, readSingle } from "../../store/database.ts";
import { readEntries } from "../../store/journal.ts";
import type { App } from "../app.ts";
import { fill, h } from "../dom.ts";
import { icon } from "../icons.ts";
import { ask, button, empty, stateChip } from "../pieces.ts";
import { dateText } from "../words.ts";

interface Known {
  readonly device: DeviceId;
  readonly role: Role;
  readonly notAfter?: Seconds;
  readonly isRevoked?: boolean;
  readonly enrolled?: EntryState;
  readonly revoked?: EntryState;
  /** The device that follows it, once this registrar has renewed it. */
  readonly next?: DeviceId;
}
const REASON_LOST = 1;

export function deviceList(app: App): { element: HTMLElement; refresh(): Promise<void> } {
  const { t } = app;
  const list = h("ul", { class: "rows" });
  const element = h("section", { class: "card devices" }, h("h2", {}, t("registrarDevices")), list);
  const refresh = async () => {
    const devices = await knownDevices(app);
    if (devices.length === 0) fill(list, empty(t("registrarNoDevices"), "phone"));
    else fill(list, ...devices.map((known) => row(app, known, withFollowers(devices, known))));
  };
  return { element, refresh };
}

async function knownDevices(app: App): Promise<Known[]> {
  const own = organisationOf(app.identity.device);
  const directory = await readSingle(app.db, "directory");
  const known = new Map<DeviceId, Known>();
  for (const { device, role, is_revoked: isRevoked } of directory?.devices ?? []) {
    const name = typeof role === "number" ? roleOf(role) : role;
    // Whose a device is can be read from its id.
    if (organisationOf(device) !== own || name === undefined) continue;
    known.set(device, { device, role: name, isRevoked: isRevoked ?? false });
  }
  for (const { words, state } of await readEntries(app.db, 1)) {
    const read = unpackEntry(words);
    if (read.is !== "known") continue;
    if (read.entry.kind === "rotate") {
      const replaced = deviceId(read.entry.fields.replaced);
      const next = deviceId(read.entry.fields.device);
      known.set(replaced, { ...(known.get(replaced) ?? { device: replaced, role: "crew" }), next });
    }
    if (read.entry.kind === "enrol" || read.entry.kind === "rotate") {
      const { fields } = read.entry;
      const device = deviceId(fields.device);
      const role = roleOf(fields.role) ?? "crew";
      known.set(device, {
        ...known.get(device),
        device,
        role,
        notAfter: Number(fields.not_after),
        enrolled: state,
      });
    }
    if (read.entry.kind === "revoke") {
      const device = deviceId(read.entry.fields.device);
      known.set(device, { ...(known.get(device) ?? { device, role: "crew" }), revoked: state });
    }
  }
  return [...known.values()].reverse();
}

/** A device and those that follow it: a phone that is lost may be any of them. */
function withFollowers(devices: readonly Known[], first: Known): Known[] {
  const next = devices.find(({ device }) => device === first.next);
  return next === undefined ? [first] : [first, ...withFollowers(devices, next)];
}

function row(app: App, known: Known, lost: readonly Known[]): HTMLElement {
  const { t } = app;
  const { device, role, notAfter, enrolled, revoked } = known;
  const isRevoked = revoked !== undefined || known.isRevoked === true;
  const isSelf = device === app.identity.device;
  const validity = notAfter ? t("registrarValidUntil", { date: dateText(app, notAfter) }) : "";
  return h(
    "li",
    {
      class: isRevoked ? "row revoked" : "row",
      test: `registrar-device-${device}`,
      data: { role, revoked: String(isRevoked) },
    },
    h("span", { class: "row-mark" }, icon(role === "gate" || role === "scale" ? "scale" : "phone")),
    h(
      "div",
      { class: "row-text" },
      h("strong", {}, isSelf ? `${t(role)} · ${t("registrarThis")}` : t(role)),
      h("code", { class: "quiet" }, device),
      validity !== "" && h("span", { class: "quiet small" }, validity),
    ),
    h(
      "div",
      { class: "row-end" },
      isRevoked && h("span", { class: "chip rejected" }, t("registrarRevoked")),
      known.next !== undefined && h("span", { class: "chip" }, t("registrarReplaced")),
      (revoked ?? enrolled) && stateChip(t, (revoked ?? enrolled) as EntryState, "device-state"),
    ),
    !isSelf &&
      !isRevoked &&
      button(t("registrarRevoke"), () => revoke(app, lost), {
        look: "quiet",
        test: `registrar-revoke-${device}`,
      }),
  );
}

async function revoke(app: App, lost: readonly Known[]): Promise<void> {
  const { t } = app;
  const names = lost.map(({ device }) => device).join(", ");
  if (!(await ask(app, t("registrarRevokeAsk", { device: names }), t("registrarRevoke")))) return;
  for (const { device, isRevoked, revoked } of lost) {
    if (isRevoked === true || revoked !== undefined) continue;
    const answer = await app.api.device(device);
    const seenSeq = answer.is === "ok" ? answer.value.accepted.seq : 0;
    await app.writer.write(() =>
      makeEntry("revoke", {
        device: numberOf(device),
        reason: REASON_LOST,
        seen_seq: seenSeq,
        flags: 0,
        occurred_at: app.now(),
      }),
    );
  }
}
