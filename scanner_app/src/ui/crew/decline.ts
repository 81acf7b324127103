/** A bin that is not collected: why, a photo where there is one, sealed as an entry of its own. */
import { makeEntry } from "../../domain/journal.ts";
import {
  DECLINE_REASONS,
  declineCode,
  type DeclineReason,
  numberOf,
  STREAM_CODE,
} from "../../domain/types.ts";
import { photoDigest, type TakenPhoto, takePhoto } from "../../scan/photo.ts";
import { signalDone } from "../../scan/signal.ts";
import { saltEvidence, type Written } from "../../sign/writer.ts";
import type { App } from "../app.ts";
import { type Child, fill, h } from "../dom.ts";
import { icon } from "../icons.ts";
import { actions, button, iconButton, radios } from "../pieces.ts";
import type { Scanner } from "../scanner.ts";
import { trySeal } from "../sealing.ts";
import { reasonText, shortId } from "../words.ts";
import { crewEvidence, NO_NUMBER, type SeenBin } from "./lift.ts";
import type { OwnLot } from "./lots.ts";

/** The sheet that the refusal is made on, and the camera behind it. */
export interface Sheet {
  readonly scanner: Scanner;
  put(...children: readonly Child[]): void;
  close(): void;
}

/** The evidence is there even without a photo: a refusal without any counts against nobody. */
export async function sealDecline(
  app: App,
  lot: OwnLot,
  seen: SeenBin,
  reason: DeclineReason,
  photo?: TakenPhoto,
): Promise<Written> {
  const { evidence, digest } = saltEvidence({
    about: "decline",
    serial_digest: seen.label.serialDigest,
    reason,
    ...(await crewEvidence(app)),
    ...(photo && {
      photo: { sha256: await photoDigest(photo), type: photo.type, bytes: photo.bytes.length },
    }),
  });
  const occurredAt = app.now();
  return app.writer.write(
    () =>
      makeEntry("decline", {
        bin: seen.bin === undefined ? NO_NUMBER : numberOf(seen.bin.number),
        stream: STREAM_CODE[seen.bin?.stream ?? lot.streamName],
        reason: declineCode(reason),
        evidence: digest,
        flags: 0,
        occurred_at: occurredAt,
      }),
    evidence,
    photo,
  );
}

/** Three taps: this sheet, a reason, the seal; two more for a photo. */
export function askDecline(app: App, lot: OwnLot, seen: SeenBin, sheet: Sheet): void {
  const { t } = app;
  let reason: DeclineReason | undefined;
  let photo: TakenPhoto | undefined;

  const save = button(t("declineSave"), () => keep(), {
    look: "primary",
    icon: "seal",
    test: "decline-save",
    disabled: true,
  });
  const keep = async () => {
    if (reason === undefined) return;
    save.disabled = true;
    const why = reason;
    const written = await trySeal(app, () => sealDecline(app, lot, seen, why, photo));
    save.disabled = false;
    if (written === undefined) return;
    signalDone();
    sheet.close();
  };
  const reasons = radios(
    t("declineLead"),
    DECLINE_REASONS.map((value) => ({ value, text: reasonText(t, value), test: `decline-${value}` })),
    (value) => {
      reason = value;
      save.disabled = false;
    },
  );
  const photoPlace = h("div", { class: "photo-place" });
  const note = h("p", { class: "quiet small", role: "status" }, t("photoStays"));

  const use = (taken: TakenPhoto | undefined) => {
    photo = taken ?? photo;
    note.textContent = t(taken === undefined ? "photoFailed" : "photoStays");
    drawPhoto();
    lay();
  };
  const aim = () => {
    sheet.scanner.aim();
    const take = async () => use(await takePhoto(sheet.scanner.video));
    sheet.put(
      h("p", { class: "centre" }, t("photoAim")),
      actions(
        h(
          "div",
          { class: "pair" },
          button(t("cancel"), () => lay()),
          button(t("photoTake"), take, { look: "primary", icon: "camera", test: "photo-take" }),
        ),
      ),
    );
  };
  function drawPhoto(): void {
    const text = t(photo === undefined ? "photo" : "photoAgain");
    fill(
      photoPlace,
      photo && picture(photo, t("photoTaken")),
      sheet.scanner.isSeeing()
        ? button(text, aim, { icon: "camera", test: "photo-open" })
        : fileButton(text, async (file) => use(await takePhoto(file))),
    );
  }
  function lay(): void {
    sheet.scanner.pause();
    sheet.put(
      h(
        "div",
        { class: "warning-head", test: "decline" },
        icon("refuse"),
        h(
          "div",
          {},
          h("h2", {}, t("decline")),
          h("p", { class: "quiet" }, t("binNumber", { n: shortId(seen.bin?.number ?? seen.label.giai) })),
        ),
        iconButton("close", t("close"), () => sheet.close(), "decline-close"),
      ),
      reasons,
      photoPlace,
      note,
      actions(save),
    );
  }
  drawPhoto();
  lay();
}

function picture(photo: TakenPhoto, label: string): HTMLElement {
  const address = URL.createObjectURL(new Blob([photo.bytes.slice()], { type: photo.type }));
  const image = h("img", { class: "photo", src: address, alt: label, test: "photo-taken" });
  image.addEventListener("load", () => URL.revokeObjectURL(address));
  return image;
}

/** Where the page has no camera of its own, the phone's camera app may still take the picture. */
function fileButton(text: string, use: (file: Blob) => void): HTMLElement {
  const field = h("input", {
    type: "file",
    accept: "image/*",
    capture: "environment",
    class: "visually-hidden",
    test: "photo-file",
  });
  field.addEventListener("change", () => {
    const [file] = field.files ?? [];
    if (file !== undefined) use(file);
  });
  return h("label", { class: "button plain" }, icon("camera"), h("span", {}, text), field);
}
