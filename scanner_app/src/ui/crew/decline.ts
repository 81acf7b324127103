/** A bin that is not collected: why, a photo where there is one, sealed as an entry of its own. */
import { makeEntry } from "../../domain/journal.ts";
import {
  DECLINE_REASONS,
  declineCode,
  type DeclineReason,
  numberOf,
  STREAM_CODE,
} from "../../domain/types.ts";
import type { TakenPhoto } from "../../scan/photo.ts";
import { signalDone } from "../../scan/signal.ts";
import { saltEvidence, type Written } from "../../sign/writer.ts";
import type { App } from "../app.ts";
import { h } from "../dom.ts";
import { icon } from "../icons.ts";
import { actions, button, iconButton, radios } from "../pieces.ts";
import { trySeal } from "../sealing.ts";
import { reasonText, shortId } from "../words.ts";
import { crewEvidence, NO_NUMBER, type SeenBin } from "./lift.ts";
import type { OwnLot } from "./lots.ts";
import { photoEvidence, photoPlace, type Sheet } from "./photo_place.ts";

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
    ...(await photoEvidence(photo)),
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
    const written = await trySeal(app, () => sealDecline(app, lot, seen, why, place.photo()));
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
  const place = photoPlace(app, sheet, lay);
  place.note.hidden = false;
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
      place.element,
      place.note,
      actions(save),
    );
  }
  lay();
}
