/** Scan a bin, three taps, sealed; the camera stays open for the next one. */
import { type Label, type NotOurBin, readLabel, readTyped } from "../../domain/label.ts";
import type { Grade } from "../../domain/types.ts";
import {
  BIN_LITRES_USUAL,
  estimateGrams,
  type Fill,
  FILLS,
  gramsOfKilograms,
} from "../../domain/weighing.ts";
import type { TextKey } from "../../i18n/index.ts";
import { signalDone, signalRead, signalWarning } from "../../scan/signal.ts";
import { readSingle } from "../../store/database.ts";
import type { App, Screen } from "../app.ts";
import { type Child, fill as put, h } from "../dom.ts";
import { fillPicture, gradePicture, icon } from "../icons.ts";
import { actions, button, choice, iconButton, notice, streamTag } from "../pieces.ts";
import { trySeal } from "../sealing.ts";
import { makeScanner } from "../scanner.ts";
import { massText, nameIn, shortId } from "../words.ts";
import { lookUpBin, type Oddity, REPEAT_MINUTES, sealLift, type SeenBin } from "./lift.ts";
import { askDecline } from "./decline.ts";
import { justSealed } from "./just_sealed.ts";
import { type OwnLot, ownLots } from "./lots.ts";
import { photoPlace, type Sheet } from "./photo_place.ts";
import { startScreen } from "./home.ts";
import { type ScaleMass, truckScale } from "./truck_scale.ts";

const FOREIGN: Readonly<Record<NotOurBin, TextKey>> = {
  "empty-label": "wrongLabelLength",
  "not-our-label": "notOurLabel",
  "foreign-prefix": "notOurLabel",
  "wrong-label-length": "wrongLabelLength",
  "bad-label-character": "badLabelCharacter",
  "bad-check-character": "badCheckCharacter",
  "serial-out-of-range": "serialOutOfRange",
};
const FOREIGN_MILLISECONDS = 4000;

export async function scanScreen(app: App): Promise<Screen> {
  const { current } = await ownLots(app);
  return current === undefined ? startScreen(app) : new BinScan(app, current).screen();
}

class BinScan {
  private readonly sheet = h("div", {
    class: "sheet",
    role: "dialog",
    tabindex: "-1",
    "aria-live": "polite",
    hidden: true,
    on: { keydown: (event) => this.closeByKey(event as KeyboardEvent) },
  });
  private readonly foreign = h("div", {
    class: "foreign",
    role: "status",
    test: "scan-foreign",
    hidden: true,
  });
  private readonly scanner;
  private readonly just;
  private foreignTimer = 0;
  private foreignText = "";
  private stopScale: () => void = () => undefined;

  constructor(
    private readonly app: App,
    private readonly lot: OwnLot,
  ) {
    this.scanner = makeScanner(app, app.t("scanHint"), (text) => this.sawText(text));
    this.just = justSealed(app);
  }

  screen(): Screen {
    const { t } = this.app;
    return {
      title: t("scanTitle"),
      back: "/",
      isFull: true,
      body: h(
        "div",
        { class: "scan-page" },
        this.scanner.element,
        h("div", { class: "scan-lot" }, streamTag(t, this.lot.streamName)),
        this.foreign,
        this.just.element,
        h(
          "div",
          { class: "scan-tools" },
          button(t("manual"), () => this.askNumber(), { icon: "keyboard", test: "manual-open" }),
        ),
        this.sheet,
      ),
      leave: () => {
        clearTimeout(this.foreignTimer);
        this.just.stop();
        this.stopScale();
        this.scanner.stop();
      },
    };
  }

  private open(...children: readonly Child[]): void {
    this.scanner.pause();
    this.hideForeign();
    this.lay(...children);
    this.sheet.hidden = false;
    this.sheet.focus({ preventScroll: true });
  }

  private closeByKey(event: KeyboardEvent): void {
    if (event.key !== "Escape") return;
    event.preventDefault();
    this.close();
  }

  /** Puts something on the sheet; its heading names it to those who hear the page. */
  private lay(...children: readonly Child[]): void {
    put(this.sheet, ...children);
    const heading = this.sheet.querySelector("h2")?.textContent;
    this.sheet.setAttribute("aria-label", heading ?? this.app.t("scanTitle"));
  }

  private close(): void {
    this.stopScale();
    this.sheet.hidden = true;
    put(this.sheet);
    this.scanner.resume();
  }

  private sawText(text: string): void {
    const read = readLabel(text);
    if (read.is === "bin") {
      signalRead();
      return void this.sawBin(read.label, false);
    }
    if (text === this.foreignText) return;
    signalWarning();
    this.warnOf(text, this.app.t(FOREIGN[read.why]));
  }

  private async sawBin(label: Label, wasTyped: boolean): Promise<void> {
    this.scanner.hold();
    const seen = await lookUpBin(this.app, this.lot, label, wasTyped);
    if (seen.oddities.length > 0) signalWarning();
    this.askOddities(seen, [...seen.oddities]);
  }

  /** Each oddity is a question of its own; only "record anyway" leads on. */
  private askOddities(seen: SeenBin, left: readonly Oddity[]): void {
    const [first, ...rest] = left;
    if (first === undefined) return this.judge(seen);
    void this.oddityText(seen, first).then(({ title, text, test, isBad }) =>
      this.open(
        h("div", { class: `warning-head ${isBad ? "bad" : ""}`, test }, icon("warning"), h("h2", {}, title)),
        h("p", {}, text),
        actions(
          button(this.app.t("warnContinue"), () => this.askOddities(seen, rest), {
            look: isBad ? "danger" : "plain",
            test: "warn-continue",
          }),
          button(this.app.t("warnBack"), () => this.close(), { look: "primary", test: "warn-back" }),
        ),
      ),
    );
  }

  private async oddityText(
    seen: SeenBin,
    oddity: Oddity,
  ): Promise<{ title: string; text: string; test: string; isBad: boolean }> {
    const { t } = this.app;
    switch (oddity) {
      case "wrong-stream": {
        const names = { bin: t(seen.bin?.stream ?? "residual"), lot: t(this.lot.streamName) };
        return {
          title: t("warnStreamTitle"),
          text: t("warnStream", names),
          test: "warn-wrong-stream",
          isBad: true,
        };
      }
      case "repeated": {
        const text = t("warnRepeat", { minutes: REPEAT_MINUTES });
        return { title: t("warnRepeatTitle"), text, test: "warn-repeat", isBad: false };
      }
      case "unknown-bin": {
        const directory = await readSingle(this.app.db, "directory");
        const text = t("warnUnknown", { date: directory?.dated_at.slice(0, 10) ?? t("none") });
        return { title: t("warnUnknownTitle"), text, test: "warn-unknown", isBad: false };
      }
    }
  }

  private judge(seen: SeenBin): void {
    const { app, lot } = this;
    const { t } = app;
    const litres = seen.bin?.volumeLitres ?? BIN_LITRES_USUAL;
    let grade: Grade = 0;
    let fill: Fill | undefined;
    let typed: number | undefined;
    let weighed: ScaleMass | undefined;

    const caption = h("span", {}, t("mass"));
    const mass = h("output", { class: "mass-value", test: "mass" }, "—");
    const field = h("input", {
      class: "field mass-field",
      inputmode: "decimal",
      label: t("massEdit"),
      test: "mass-input",
      hidden: true,
      autocomplete: "off",
    });
    const save = button(t("saveLift"), () => keep(), {
      look: "primary",
      icon: "seal",
      test: "save-lift",
      disabled: true,
    });
    const gramsNow = () =>
      typed ??
      weighed?.grams ??
      (fill === undefined ? undefined : estimateGrams(lot.streamName, fill, litres));
    const redraw = () => {
      const grams = gramsNow();
      caption.textContent = t(weighed === undefined ? "mass" : "truckScaleMass");
      mass.textContent = grams === undefined ? "—" : massText(app, grams);
      const isKnown = fill !== undefined || weighed !== undefined;
      save.disabled = !isKnown || grams === undefined || grams <= 0 || grams >= 2 ** 32;
    };
    const edit = iconButton(
      "pencil",
      t("massEdit"),
      () => {
        field.hidden = false;
        mass.hidden = true;
        const grams = gramsNow();
        field.value = grams === undefined ? "" : String(grams / 1000);
        field.focus();
        field.select();
      },
      "mass-edit",
    );
    field.addEventListener("input", () => {
      typed = gramsOfKilograms(field.value);
      weighed = undefined;
      field.setAttribute("aria-invalid", String(typed === undefined));
      redraw();
      if (typed === undefined) save.disabled = true;
    });
    const keep = async () => {
      const grams = gramsNow();
      if (grams === undefined || save.disabled) return;
      save.disabled = true;
      const wasMassTyped = typed !== undefined;
      const judged = { grade, fill, grams, wasMassTyped, scale: weighed, photo: place.photo() };
      const written = await trySeal(app, () => sealLift(app, lot, seen, judged));
      if (written === undefined) {
        save.disabled = false;
        return;
      }
      signalDone();
      // The sheet makes way for a list that already says so: one picture, not two.
      await this.just.shown();
      this.close();
    };

    const point = seen.bin === undefined ? t("unknownBin") : nameIn(app, seen.bin.point, seen.bin.number);
    this.stopScale();
    const scale = truckScale(app, (shown) => {
      weighed = shown;
      typed = undefined;
      field.hidden = true;
      mass.hidden = false;
      signalRead();
      redraw();
    });
    this.stopScale = () => scale?.stop();
    const place = photoPlace(app, this.asSheet(), () => {
      this.scanner.pause();
      this.lay(...content);
    });
    const content: Child[] = [
      h(
        "div",
        {
          class: "bin-head",
          test: "bin-found",
          data: { bin: seen.bin?.number ?? "", digest: seen.label.serialDigest },
        },
        h("span", { class: `bin-stripe ${seen.bin?.stream ?? "unknown"}` }),
        h(
          "div",
          {},
          h("h2", {}, point),
          h(
            "p",
            { class: "quiet" },
            t("binNumber", { n: shortId(seen.bin?.number ?? seen.label.giai) }),
            seen.bin && ` · ${t(seen.bin.stream)}`,
          ),
        ),
        iconButton("close", t("close"), () => this.close(), "bin-close"),
      ),
      seen.oddities.length > 0 &&
        h(
          "div",
          { class: "chips" },
          ...seen.oddities.map((oddity) => h("span", { class: "chip warning" }, t(ODDITY_TITLE[oddity]))),
        ),
      choice(
        t("grade"),
        ([1, 2, 3] as const).map((value) => ({
          value,
          text: t(`grade${value}`),
          picture: gradePicture(value),
          test: `grade-${value}`,
          look: `grade-${value}`,
        })),
        (value) => {
          grade = value;
        },
      ),
      choice(
        t("fill"),
        FILLS.map((value) => ({
          value,
          text: ["¼", "½", "¾", "1"][value - 1] ?? "",
          picture: fillPicture(value),
          test: `fill-${value}`,
          look: lot.streamName,
        })),
        (value) => {
          fill = value;
          typed = undefined;
          weighed = undefined;
          field.hidden = true;
          mass.hidden = false;
          redraw();
        },
      ),
      scale?.element,
      h("div", { class: "mass" }, caption, mass, field, edit),
      place.element,
      place.note,
      actions(
        save,
        button(t("decline"), () => this.decline(seen), { icon: "refuse", test: "decline-open" }),
      ),
    ];
    this.open(...content);
  }

  private asSheet(): Sheet {
    return {
      scanner: this.scanner,
      put: (...children) => this.lay(...children),
      close: () => this.close(),
    };
  }

  private decline(seen: SeenBin): void {
    askDecline(this.app, this.lot, seen, this.asSheet());
  }

  private askNumber(): void {
    const { t } = this.app;
    const field = h("input", {
      class: "field mono",
      test: "manual-input",
      label: t("manualTitle"),
      autocapitalize: "off",
      autocorrect: "off",
      spellcheck: "false",
      autocomplete: "off",
    });
    const problem = h("p", { class: "field-problem", role: "alert", test: "manual-problem" });
    const use = () => {
      const read = readTyped(field.value);
      if (read.is === "bin") return void this.sawBin(read.label, true);
      problem.textContent = t(FOREIGN[read.why]);
    };
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") use();
    });
    this.open(
      h("h2", {}, t("manualTitle")),
      h("p", { class: "quiet" }, t("manualHelp")),
      field,
      problem,
      actions(
        h(
          "div",
          { class: "pair" },
          button(t("cancel"), () => this.close(), { test: "manual-cancel" }),
          button(t("manualUse"), use, { look: "primary", test: "manual-submit" }),
        ),
      ),
    );
    field.focus();
  }

  /** A code that is not ours is told of in a place of its own, for a while: it covers nothing that was sealed. */
  private warnOf(code: string, warning: string): void {
    this.foreignText = code;
    put(this.foreign, notice("warning", warning));
    this.foreign.hidden = false;
    clearTimeout(this.foreignTimer);
    const hide = () => this.hideForeign();
    this.foreignTimer = globalThis.setTimeout(hide, FOREIGN_MILLISECONDS) as unknown as number;
  }

  private hideForeign(): void {
    this.foreignText = "";
    this.foreign.hidden = true;
  }
}

const ODDITY_TITLE: Readonly<Record<Oddity, TextKey>> = {
  "wrong-stream": "warnStreamTitle",
  repeated: "warnRepeatTitle",
  "unknown-bin": "warnUnknownTitle",
};
