/** Turn a whole lot away, with the reason; it stays with its giver. */
import { signalDone } from "../../scan/signal.ts";
import type { App, Screen } from "../app.ts";
import { h } from "../dom.ts";
import { actions, button, notice, radios } from "../pieces.ts";
import { reasonText } from "../words.ts";
import { offerSummary } from "./offer_card.ts";
import type { Offer } from "./offers.ts";
import { REFUSE_REASONS, type RefuseReason, sealRefusal } from "./take.ts";

export function refuseScreen(app: App, offer: Offer, back: string): Screen {
  const { t } = app;
  let reason: RefuseReason | undefined;
  const save = button(t("refuseSave"), () => keep(), {
    look: "danger",
    icon: "seal",
    test: "refuse-save",
    disabled: true,
  });
  const keep = async () => {
    if (reason === undefined) return;
    save.disabled = true;
    const sealed = await sealRefusal(app, offer, reason);
    save.disabled = false;
    if (sealed === undefined) return;
    signalDone();
    app.go(back);
  };
  return {
    title: t("refuseTitle"),
    back,
    body: h(
      "div",
      { class: "stack narrow" },
      h("div", { class: "summary" }, offerSummary(app, offer)),
      radios(
        t("refuseWhy"),
        REFUSE_REASONS.map((value) => ({ value, text: reasonText(t, value), test: `refuse-${value}` })),
        (value) => {
          reason = value;
          save.disabled = false;
        },
      ),
      notice("calm", t("refuseHelp")),
    ),
    actions: actions(save),
  };
}
