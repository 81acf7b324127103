/** Print size, and day or night: for rain, for old eyes, and for five in the morning. A crew's phone: its truck's scale. */
import type { TextKey } from "../i18n/index.ts";
import { readSingle } from "../store/database.ts";
import type { Page, Screen } from "./app.ts";
import { truckScaleSetting } from "./crew/truck_scale_setting.ts";
import { directoryLine } from "./directory_line.ts";
import { h } from "./dom.ts";
import { keepLook, type Light, LIGHTS, type Print, PRINTS, readLook } from "./look.ts";
import { button, radios } from "./pieces.ts";

const PRINT: Readonly<Record<Print, TextKey>> = { normal: "printNormal", large: "printLarge" };
const LIGHT: Readonly<Record<Light, TextKey>> = { phone: "lightPhone", day: "lightDay", night: "lightNight" };

export function settingsScreen(page: Page): Screen {
  const { t } = page;
  const look = readLook();
  const scale = h("div", { hidden: true });
  void readSingle(page.db, "identity").then((identity) => {
    if (identity?.role !== "crew") return;
    scale.append(truckScaleSetting(page));
    scale.hidden = false;
  });
  return {
    title: t("settings"),
    back: "/",
    body: h(
      "div",
      { class: "stack" },
      radios(
        t("print"),
        PRINTS.map((value) => ({ value, text: t(PRINT[value]), test: `print-${value}` })),
        (print) => keepLook({ ...readLook(), print }),
        look.print,
      ),
      radios(
        t("light"),
        LIGHTS.map((value) => ({ value, text: t(LIGHT[value]), test: `light-${value}` })),
        (light) => keepLook({ ...readLook(), light }),
        look.light,
      ),
      h("p", { class: "quiet" }, t("settingsHelp")),
      scale,
      directoryLine(page),
      button(t("privacyOpen"), () => page.go("/privacy"), {
        look: "quiet",
        icon: "list",
        test: "privacy-open",
      }),
    ),
  };
}
