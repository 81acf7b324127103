/** On a case's page: choose what to do, read what it says, seal it with the passkey, see it on the ledger. */
import type { JournalTip } from "../../domain/journal.ts";
import { organisationOf, type Outcome, type Seq } from "../../domain/types.ts";
import { PasskeyUnusable } from "../../sign/passkey.ts";
import { Api } from "../../sync/api.ts";
import { type Child, fill, h } from "../dom.ts";
import { type Action, type Draft, draftOf, linesOf, type Offer, readValue, writeValue } from "./action.ts";
import { findEnd } from "./journal_end.ts";
import { readSealer, type Sealer } from "./keeper.ts";
import { digestOf, seal, send } from "./sealing.ts";
import { type Say, wordsOf } from "./words.ts";

const POLL_MILLISECONDS = 1000;
const MILLISECONDS_A_SECOND = 1000;
const REASON_CHARACTERS_MAX = 1000;
const WRONG = {
  unreachable: "wrong.unreachable",
  revoked: "wrong.revoked",
  distrusted: "wrong.journal",
  "not-recorded": "wrong.not_recorded",
} as const;

export function actPanel(place: HTMLElement): void {
  const t = wordsOf(place);
  const offer = JSON.parse(place.dataset["act"] ?? "{}") as Offer;
  const api = new Api(fetch.bind(globalThis), () => place.dataset["lang"] ?? "zh");
  new ActPanel(place, t, offer, api).begin();
}

class ActPanel {
  constructor(
    private readonly place: HTMLElement,
    private readonly t: Say,
    private readonly offer: Offer,
    private readonly api: Api,
  ) {}

  begin(note?: Child): void {
    const { t } = this;
    const sealer = readSealer();
    if (sealer === undefined) {
      const link = h("a", { class: "button", href: "/cases/passkey", test: "act-enrol" }, t("make_one"));
      return this.lay(note, h("p", {}, t("no_passkey")), h("p", {}, link));
    }
    const own = organisationOf(sealer.device);
    const you = h("p", { class: "quiet" }, t("you", { device: sealer.device, organisation: own }));
    if (sealer.unsent !== undefined) {
      const again = this.button("send_again", "act-again", () => this.sendOn(sealer));
      return this.lay(note, you, h("p", {}, t("unsent")), again);
    }
    const mine = this.offer.actions.filter(
      (action) => action.organisations.includes(own) && (!action.only_office || sealer.role === "office"),
    );
    if (mine.length === 0) return this.lay(note, you, h("p", { test: "act-none" }, t("not_yours")));
    const choices = mine.map((action) =>
      this.button(`do.${action.name}`, `act-do-${action.name}`, () => this.write(sealer, action)),
    );
    this.lay(note, you, h("p", {}, t("choose")), h("p", { class: "act-choices" }, ...choices));
  }

  private write(sealer: Sealer, action: Action, before?: { value: string; reason: string }): void {
    const { t } = this;
    const value = h("input", {
      class: "field",
      inputmode: "decimal",
      test: "act-value",
      id: "act-value",
      value: before?.value ?? writeValue(action, BigInt(action.fields["value"] ?? "0")),
    });
    const reason = h("textarea", {
      class: "field",
      rows: "3",
      maxlength: String(REASON_CHARACTERS_MAX),
      test: "act-reason",
      id: "act-reason",
    });
    reason.value = before?.reason ?? "";
    const wrong = h("p", { class: "act-wrong", role: "alert" });
    const review = () => {
      const number = action.value_of === null ? undefined : readValue(action, value.value);
      if (action.value_of !== null && number === undefined) return fill(wrong, t("wrong.value"));
      const said = { value: value.value, reason: reason.value.trim() };
      const draft = draftOf(action, number, said.reason, Math.floor(Date.now() / MILLISECONDS_A_SECOND));
      void this.review(sealer, action, draft, () => this.write(sealer, action, said));
    };
    const unit = action.is_mass ? "value.grams" : "value.code";
    this.lay(
      h("h3", {}, t(`do.${action.name}`)),
      action.value_of !== null && h("label", { for: "act-value" }, t(unit)),
      action.value_of !== null && value,
      h("label", { for: "act-reason" }, t("reason")),
      reason,
      wrong,
      h(
        "p",
        { class: "act-choices" },
        this.button("review", "act-review", review),
        this.button("back", "act-back", () => this.begin()),
      ),
    );
  }

  /** Asks where the journal ends only now, so that the digest shown is the one that will be sealed. */
  private async review(sealer: Sealer, action: Action, draft: Draft, back: () => void): Promise<void> {
    const { t } = this;
    const end = await findEnd(this.api, sealer);
    if (end.is !== "known") return this.begin(this.wrong(t(WRONG[end.is])));
    const at = { seq: end.tip.nextSeq, digest: digestOf(sealer, end.tip, draft) };
    const { title, lines } = linesOf(draft, action, at, t);
    this.lay(
      h("h3", {}, t("will_seal")),
      h(
        "div",
        { class: "act-review card", test: "act-lines" },
        h("p", {}, h("b", {}, title)),
        ...lines.map(({ label, text }) =>
          h("p", {}, label !== "" && h("span", { class: "quiet" }, `${label} `), h("span", {}, text)),
        ),
      ),
      h(
        "p",
        { class: "act-choices" },
        this.button("seal", "act-seal", () => void this.seal(sealer, end.tip, draft)),
        this.button("back", "act-back", back),
      ),
    );
  }

  private async seal(sealer: Sealer, tip: JournalTip, draft: Draft): Promise<void> {
    const { t } = this;
    this.lay(h("p", { role: "status" }, t("sealing")));
    let sealed: Sealer | undefined;
    try {
      // One tab at a time: a second seal of the same seq would be a fork.
      sealed = await navigator.locks.request("huanlian-sealer", async () => {
        const now = readSealer();
        const isFresh = now?.device === sealer.device && now.unsent === undefined;
        return isFresh && (now.end?.seq ?? 0) < tip.nextSeq ? await seal(now, tip, draft) : undefined;
      });
    } catch (problem) {
      const isOurs = problem instanceof PasskeyUnusable;
      const why = isOurs ? t("passkey.unusable", { why: problem.message }) : t("wrong.cancelled");
      return this.begin(this.wrong(why));
    }
    if (sealed === undefined) return this.begin();
    await this.sendOn(sealed);
  }

  private async sendOn(sealer: Sealer): Promise<void> {
    const { t } = this;
    const seq = sealer.unsent?.first_seq ?? 0;
    this.lay(h("p", { role: "status" }, t("sending")));
    const answer = await send(this.api, sealer);
    if (answer.is === "ok") return this.wait(sealer, seq);
    const detail = answer.is === "problem" ? answer.problem.detail || answer.problem.title : "";
    const isFinal = answer.is === "problem" && !answer.problem.retryable;
    this.begin(this.wrong(isFinal ? t("wrong.refused", { detail }) : t("wrong.unreachable")));
  }

  private async wait(sealer: Sealer, seq: Seq): Promise<void> {
    const { t } = this;
    this.lay(h("p", { role: "status", test: "act-waiting" }, t("waiting")));
    for (;;) {
      const answer = await this.api.entry(sealer.device, seq);
      const outcome = answer.is === "ok" ? answer.value.outcome : null;
      if (outcome !== null) return this.done(sealer, seq, outcome);
      await new Promise((resume) => setTimeout(resume, POLL_MILLISECONDS));
    }
  }

  private done(sealer: Sealer, seq: Seq, outcome: Outcome | number): void {
    const { t } = this;
    const entry = `/verify/${sealer.device}/${seq}`;
    this.lay(
      h(
        "p",
        {
          role: "status",
          test: "act-recorded",
          data: { device: sealer.device, seq: String(seq), outcome: String(outcome) },
        },
        t("recorded", { outcome: t(`outcome.${outcome}`) }),
      ),
      h(
        "p",
        { class: "act-choices" },
        h("a", { class: "button", href: entry, test: "act-entry" }, t("see_entry")),
        h("a", { class: "button", href: location.pathname, test: "act-case" }, t("see_case")),
      ),
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
