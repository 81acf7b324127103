/** Invite a device, compare six digits, seal its enrolment. */
import { enrolText } from "../../domain/codes.ts";
import { makeEntry } from "../../domain/journal.ts";
import { CREW_VALID_SECONDS } from "../../domain/renewal.ts";
import { checkCode, type PublicKey } from "../../domain/seal.ts";
import {
  type DeviceId,
  numberOf,
  type OrganisationId,
  organisationOf,
  type Role,
  ROLE_CODE,
  ROLES,
  SCHEME,
  type Seconds,
} from "../../domain/types.ts";
import { bytesToHex } from "../../domain/bytes.ts";
import { originDigestOf } from "../../domain/webauthn.ts";
import type { App } from "../app.ts";
import { type Child, fill, h } from "../dom.ts";
import { icon } from "../icons.ts";
import { button, notice, qr } from "../pieces.ts";

/** A key that waits for its enrolment; `origin` is a passkey's. */
interface Offered {
  readonly key: PublicKey;
  readonly origin: string | null;
}

const POLL_MILLISECONDS = 1200;
const YEAR_SECONDS = 400 * 86_400;
const VALID_SECONDS: Readonly<Record<Role, Seconds>> = {
  crew: CREW_VALID_SECONDS,
  gate: YEAR_SECONDS,
  scale: YEAR_SECONDS,
  registrar: YEAR_SECONDS,
  office: YEAR_SECONDS,
};

/** Where a new device begins that is no phone. */
const PAGE: Readonly<Partial<Record<Role, string>>> = {
  registrar: "/console/registrar",
  office: "/cases/passkey",
};

export function enrolPanel(app: App): { element: HTMLElement; leave(): void } {
  const { t } = app;
  const element = h("section", { class: "card enrol-panel" });
  let turn = 0;
  const lay = (...children: readonly Child[]) => fill(element, h("h2", {}, t("registrarNew")), ...children);

  function begin(note?: Child): void {
    turn += 1;
    const roles = h(
      "select",
      { class: "field", test: "registrar-role", label: t("registrarRole") },
      ...ROLES.map((role) => h("option", { value: role }, t(role))),
    );
    const invite = button(t("registrarInvite"), () => make(roles.value as Role), {
      look: "primary",
      icon: "plus",
      test: "registrar-new",
    });
    lay(note, h("label", { class: "labelled" }, t("registrarRole"), roles), invite);
  }

  async function make(role: Role): Promise<void> {
    const own = organisationOf(app.identity.device);
    const answer = await app.api.invite(own, role);
    if (answer.is !== "ok") {
      const text =
        answer.is === "problem" ? answer.problem.detail || answer.problem.title : t("enrolOffline");
      return begin(notice("bad", text));
    }
    const base = app.identity.network.publicBaseUrl.replace(/\/+$/, "");
    const page = `${base}${PAGE[role] ?? "/app/"}`;
    const text = enrolText(page, answer.value.code);
    lay(
      h("p", { class: "centre" }, h("strong", {}, t("registrarShow"))),
      qr(text, "registrar-qr", t("registrarInvitation")),
      h("p", { class: "centre quiet" }, `${t(role)} · ${t("registrarShowHelp")}`),
      h("p", { class: "centre small" }, h("code", { class: "link", test: "registrar-link" }, text)),
      button(t("cancel"), () => begin(), { look: "quiet" }),
    );
    await waitForKey(answer.value.code, role);
  }

  async function waitForKey(code: string, role: Role): Promise<void> {
    const mine = turn;
    while (mine === turn) {
      const answer = await app.api.enrolment(code);
      if (mine !== turn) return;
      if (answer.is === "problem" && !answer.problem.retryable)
        return begin(notice("warning", t("enrolExpired")));
      if (answer.is === "ok") {
        const { state, key, check, origin = null } = answer.value;
        if (state === "expired") return begin(notice("warning", t("enrolExpired")));
        if (state === "waiting" && key !== null) return compare(code, role, { key, origin }, check);
      }
      await pause();
    }
  }

  function compare(code: string, role: Role, offered: Offered, told: string | null): void {
    const check = checkCode(offered.key);
    if (told !== null && told !== check) return begin(notice("bad", t("registrarMismatch")));
    // A passkey answers on its own page only: one of another address could not be used here, and nobody asked for it.
    if (offered.origin !== null && offered.origin !== location.origin) {
      return begin(notice("bad", t("registrarForeignPasskey", { origin: offered.origin })));
    }
    lay(
      h("p", { class: "centre" }, h("strong", {}, t("registrarCheck"))),
      h(
        "output",
        { class: "digits", test: "registrar-check", data: { check } },
        `${check.slice(0, 3)} ${check.slice(3)}`,
      ),
      h("p", { class: "centre quiet" }, t("registrarCheckHelp")),
      offered.origin !== null && h("p", { class: "centre quiet" }, t("registrarPasskey")),
      button(t("registrarApprove"), () => approve(code, role, offered), {
        look: "primary",
        icon: "seal",
        test: "registrar-approve",
      }),
      button(t("registrarReject"), () => begin(), { look: "quiet", test: "registrar-reject" }),
    );
  }

  async function approve(code: string, role: Role, offered: Offered): Promise<void> {
    const device = newDevice(organisationOf(app.identity.device));
    await sealEnrolment(app, {
      device,
      role,
      ...offered,
      notAfter: app.now() + VALID_SECONDS[role],
    });
    lay(h("p", { class: "centre quiet" }, t("registrarSealing")));
    const mine = turn;
    while (mine === turn) {
      const answer = await app.api.enrolment(code);
      if (mine !== turn) return;
      if (answer.is === "ok" && answer.value.state === "approved") break;
      await pause();
    }
    app.changes.tell("synced");
    lay(
      h(
        "div",
        { class: "done small", test: "registrar-approved", data: { device } },
        icon("check"),
        h("h2", {}, t("registrarApproved")),
        h("p", {}, t(role), " · ", h("code", {}, device)),
      ),
      button(t("registrarAnother"), () => begin(), { look: "primary" }),
    );
  }

  begin();
  return {
    element,
    leave: () => {
      turn += 1;
    },
  };
}

async function sealEnrolment(
  app: App,
  enrolment: Offered & { device: DeviceId; role: Role; notAfter: Seconds },
): Promise<void> {
  await app.writer.write(() =>
    makeEntry("enrol", {
      device: numberOf(enrolment.device),
      role: ROLE_CODE[enrolment.role],
      scheme: enrolment.origin === null ? SCHEME.raw : SCHEME.webauthn,
      not_after: enrolment.notAfter,
      origin: enrolment.origin === null ? 0 : originDigestOf(enrolment.origin),
      x: numberOf(enrolment.key.x),
      y: numberOf(enrolment.key.y),
      flags: 0,
      occurred_at: app.now(),
    }),
  );
}

/** A random serial: never reused, and it says nothing about how many devices there are. */
function newDevice(organisation: OrganisationId): DeviceId {
  const serial = crypto.getRandomValues(new Uint8Array(5));
  // Serial 0 names the organisation itself.
  return serial.every((byte) => byte === 0)
    ? newDevice(organisation)
    : (`${organisation}${bytesToHex(serial)}` as DeviceId);
}

function pause(): Promise<void> {
  return new Promise((resume) => setTimeout(resume, POLL_MILLISECONDS));
}
