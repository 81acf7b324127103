/** A person's passkey becomes a device of its organisation: an invitation, six digits, the registrar's seal. */
import { isSameKey, readCertificate } from "../../domain/certificate.ts";
import { readAppCode } from "../../domain/codes.ts";
import { checkCode } from "../../domain/seal.ts";
import { organisationOf, SCHEME } from "../../domain/types.ts";
import { originDigestOf } from "../../domain/webauthn.ts";
import { isSealOf } from "../../sign/device_key.ts";
import { makePasskey, PasskeyUnusable } from "../../sign/passkey.ts";
import { Api, type Enrolment } from "../../sync/api.ts";
import { type Child, fill, h } from "../dom.ts";
import {
  dropOffered,
  keepOffered,
  keepSealer,
  type Offered,
  readOffered,
  readSealer,
  stored,
} from "./keeper.ts";
import { type Say, wordsOf } from "./words.ts";

const POLL_MILLISECONDS = 1200;
const NAME = { system: "Huanlian 环链", device: "环链案件 Huanlian cases" } as const;

type Believed =
  { readonly is: "enrolled" } | { readonly is: "waiting" } | { readonly is: "not"; readonly why: string };

export function passkeyPanel(place: HTMLElement): void {
  const t = wordsOf(place);
  const api = new Api(fetch.bind(globalThis), () => place.dataset["lang"] ?? "zh");
  new PasskeyPanel(place, t, api).open();
}

class PasskeyPanel {
  constructor(
    private readonly place: HTMLElement,
    private readonly t: Say,
    private readonly api: Api,
  ) {}

  open(): void {
    const { t } = this;
    const invited = readAppCode(location.href);
    if (invited.is === "enrol") {
      // The code is used up here: it does not stay in the address.
      history.replaceState(null, "", location.pathname);
      return this.begin(invited.code);
    }
    const before = readOffered();
    if (before !== undefined) return void this.wait(before);
    const sealer = readSealer();
    if (sealer === undefined) return this.begin("");
    const { device, unsent } = sealer;
    const again = this.button("passkey.again", "passkey-again", () => this.begin(""));
    this.lay(
      h(
        "p",
        { test: "passkey-have", data: { device } },
        t("passkey.have", { device, organisation: organisationOf(device) }),
      ),
      // What is sealed and has not arrived would be lost with the passkey that sealed it.
      unsent === undefined && again,
    );
  }

  private begin(code: string, note?: Child): void {
    const { t } = this;
    const field = h("input", {
      class: "field",
      id: "passkey-code",
      test: "passkey-code",
      autocomplete: "off",
      value: code,
    });
    const make = () => {
      const read = readAppCode(field.value);
      const text = read.is === "enrol" ? read.code : field.value.trim();
      if (!/^[\w-]{8,}$/.test(text)) return this.begin(field.value, this.wrong(t("passkey.expired")));
      void this.offer(text);
    };
    this.lay(
      note,
      h("label", { for: "passkey-code" }, t("passkey.code")),
      field,
      this.button("passkey.make", "passkey-make", make),
    );
  }

  private async offer(code: string): Promise<void> {
    const { t } = this;
    let offered: Offered;
    try {
      offered = { code, passkey: stored(await makePasskey(NAME)) };
    } catch (problem) {
      const isOurs = problem instanceof PasskeyUnusable;
      const why = isOurs ? t("passkey.unusable", { why: problem.message }) : t("wrong.cancelled");
      return this.begin(code, this.wrong(why));
    }
    keepOffered(offered);
    await this.wait(offered);
  }

  private async wait(offered: Offered): Promise<void> {
    const { t } = this;
    const { publicKey, origin } = offered.passkey;
    const check = checkCode(publicKey);
    const answer = await this.api.offerKey(offered.code, { ...publicKey, origin });
    if (answer.is === "problem" && !answer.problem.retryable) {
      dropOffered();
      return this.begin("", this.wrong(answer.problem.detail || t("passkey.expired")));
    }
    this.lay(
      h("p", {}, t("passkey.compare")),
      h(
        "output",
        { class: "act-digits", test: "passkey-check", data: { check } },
        `${check.slice(0, 3)} ${check.slice(3)}`,
      ),
      h("p", { role: "status" }, t("passkey.wait")),
    );
    for (;;) {
      const found = await this.api.enrolment(offered.code);
      const isOver =
        found.is === "ok"
          ? found.value.state === "expired"
          : found.is === "problem" && !found.problem.retryable;
      if (isOver) {
        dropOffered();
        return this.begin("", this.wrong(t("passkey.expired")));
      }
      if (found.is === "ok" && found.value.state === "approved") {
        const believed = await this.believe(offered, found.value);
        if (believed.is === "enrolled") return this.done();
        if (believed.is === "not") {
          dropOffered();
          return this.begin("", this.wrong(t("passkey.disbelieved", { why: believed.why })));
        }
      }
      await new Promise((resume) => setTimeout(resume, POLL_MILLISECONDS));
    }
  }

  /**
   * 1. The certificate is readable and of the registrar's organisation, 2. of this passkey, on this origin, 3. of the
   * id that was told, 4. and sealed by the key that it names as the registrar's.
   */
  private async believe(offered: Offered, enrolment: Enrolment): Promise<Believed> {
    const network = await this.api.network();
    const { certificate } = enrolment;
    if (network.is !== "ok" || certificate === null) return { is: "waiting" };
    const place = { chainId: network.value.chain_id, ledger: network.value.ledger };
    // 1.
    const read = readCertificate(place, certificate);
    if (read.is === "unreadable") return { is: "not", why: read.why };
    const { device, role, key, scheme, originDigest } = read.enrolled;
    // 2.
    const { publicKey, origin } = offered.passkey;
    if (!isSameKey(key, publicKey)) return { is: "not", why: "another key" };
    if (scheme !== SCHEME.webauthn || originDigest !== originDigestOf(origin)) {
      return { is: "not", why: "not enrolled as a passkey of this site" };
    }
    // 3.
    if (enrolment.device !== null && enrolment.device !== device) return { is: "not", why: "another device" };
    // 4.
    if (!(await isSealOf(read.digest, certificate.key, certificate.seal))) {
      return { is: "not", why: "the registrar's seal does not verify" };
    }
    keepSealer({ device, role, passkey: offered.passkey, ...place });
    dropOffered();
    return { is: "enrolled" };
  }

  private done(): void {
    const sealer = readSealer();
    const device = sealer?.device ?? "";
    this.lay(
      h("p", { role: "status", test: "passkey-done", data: { device } }, this.t("passkey.done")),
      h("p", {}, h("a", { class: "button", href: "/cases" }, this.t("see_cases"))),
    );
  }

  private button(word: string, test: string, press: () => void): HTMLElement {
    return h("button", { type: "button", class: "button", test, on: { click: press } }, this.t(word));
  }

  private wrong(text: string): HTMLElement {
    return h("p", { class: "act-wrong", role: "alert", test: "act-wrong" }, text);
  }

  private lay(...children: readonly Child[]): void {
    fill(this.place, ...children);
  }
}
