/** An unattested leg: somebody who is not registered hands waste over, and only this device can seal it. */
import { signalDone } from "../../scan/signal.ts";
import type { App, Screen } from "../app.ts";
import { h } from "../dom.ts";
import { actions, button, notice } from "../pieces.ts";
import { sealUnattested } from "../taking/take.ts";
import { massField, streamChoice } from "./take.ts";

const DOCUMENT_LENGTH_MAX = 40;

export async function unattestedScreen(app: App): Promise<Screen> {
  const { t } = app;
  let stream: number | undefined;
  const mass = massField(app, t("takeMass"));
  const paper = h("input", {
    class: "field",
    test: "unattested-document",
    label: t("unattestedDocument"),
    maxlength: DOCUMENT_LENGTH_MAX,
    autocomplete: "off",
  });
  const save = button(t("takeSave"), () => keep(), {
    look: "primary",
    icon: "seal",
    test: "take-save",
    disabled: true,
  });
  const redraw = () => {
    save.disabled = stream === undefined || mass.read() === undefined;
  };
  mass.field.addEventListener("input", redraw);
  const keep = async () => {
    const grams = mass.read();
    if (stream === undefined || grams === undefined) return;
    save.disabled = true;
    const written = await sealUnattested(app, { grams, stream, document: paper.value.trim() });
    redraw();
    if (written === undefined) return;
    signalDone();
    app.go(`/lot/${written.lot}`);
  };
  return {
    title: t("unattestedTitle"),
    back: "/take",
    body: h(
      "div",
      { class: "stack" },
      notice("warning", t("unattestedHelp")),
      h(
        "div",
        { class: "take-as" },
        streamChoice(app, t("takeAs"), (value) => {
          stream = value;
          redraw();
        }),
      ),
      mass.element,
      h("label", { class: "labelled" }, t("unattestedDocument"), paper),
      h("p", { class: "quiet small" }, t("unattestedDocumentHelp")),
    ),
    actions: actions(save),
  };
}
