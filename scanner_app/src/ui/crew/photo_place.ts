/** Where a photo may be taken for an entry: of what the camera shows, or by the phone's own camera. */
import { photoDigest, type TakenPhoto, takePhoto } from "../../scan/photo.ts";
import type { App } from "../app.ts";
import { type Child, fill, h } from "../dom.ts";
import { actions, button } from "../pieces.ts";
import type { Scanner } from "../scanner.ts";

/** The sheet that a bin is judged on, and the camera behind it. */
export interface Sheet {
  readonly scanner: Scanner;
  put(...children: readonly Child[]): void;
  close(): void;
}
export interface PhotoPlace {
  readonly element: HTMLElement;
  /** Where photos stay, or that this one could not be read. */
  readonly note: HTMLElement;
  photo(): TakenPhoto | undefined;
}

/** `lay` puts the sheet back as it was, once a photo was taken or not. */
export function photoPlace(app: App, sheet: Sheet, lay: () => void): PhotoPlace {
  const { t } = app;
  let photo: TakenPhoto | undefined;
  const element = h("div", { class: "photo-place" });
  // A place of its own only once there is something to tell: most bins are lifted without a photo.
  const note = h("p", { class: "quiet small", role: "status", hidden: true }, t("photoStays"));
  const use = (taken: TakenPhoto | undefined) => {
    photo = taken ?? photo;
    note.hidden = false;
    note.textContent = t(taken === undefined ? "photoFailed" : "photoStays");
    draw();
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
  /** Where the page has no camera of its own, the phone's camera app may still take the picture. */
  const file = h("input", {
    type: "file",
    accept: "image/*",
    capture: "environment",
    hidden: true,
    test: "photo-file",
  });
  file.addEventListener("change", async () => {
    const [chosen] = file.files ?? [];
    file.value = "";
    if (chosen !== undefined) use(await takePhoto(chosen));
  });
  // Asked when it is pressed: a camera may open after the sheet has.
  const open = () => (sheet.scanner.isSeeing() ? aim() : file.click());
  function draw(): void {
    const text = t(photo === undefined ? "photo" : "photoAgain");
    fill(
      element,
      photo && picture(photo, t("photoTaken")),
      button(text, open, { icon: "camera", test: "photo-open" }),
      file,
    );
  }
  draw();
  return { element, note, photo: () => photo };
}

/** What an entry's evidence says of its photo. */
export async function photoEvidence(photo: TakenPhoto | undefined) {
  if (photo === undefined) return {};
  return { photo: { sha256: await photoDigest(photo), type: photo.type, bytes: photo.bytes.length } };
}

function picture(photo: TakenPhoto, label: string): HTMLElement {
  const address = URL.createObjectURL(new Blob([photo.bytes.slice()], { type: photo.type }));
  const image = h("img", { class: "photo", src: address, alt: label, test: "photo-taken" });
  image.addEventListener("load", () => URL.revokeObjectURL(address));
  return image;
}
