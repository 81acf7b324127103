/** How the app looks on this device: print size, and day or night. The browser remembers it. */
export const PRINTS = ["normal", "large"] as const;
export type Print = (typeof PRINTS)[number];
export const LIGHTS = ["phone", "day", "night"] as const;
export type Light = (typeof LIGHTS)[number];

export interface Look {
  readonly print: Print;
  readonly light: Light;
}

const KEYS = { print: "huanlian-print", light: "huanlian-light" } as const;
/** As in style.css, --paper. */
const PAPER = { day: "#f4f5f1", night: "#101513" } as const;

export function readLook(): Look {
  const [print, light] = [localStorage.getItem(KEYS.print), localStorage.getItem(KEYS.light)];
  return {
    print: PRINTS.find((each) => each === print) ?? "normal",
    light: LIGHTS.find((each) => each === light) ?? "phone",
  };
}

export function keepLook(look: Look): void {
  localStorage.setItem(KEYS.print, look.print);
  localStorage.setItem(KEYS.light, look.light);
  apply(look);
}

/** Applies what was chosen, and goes along when the phone itself turns from day to night. */
export function watchLook(): void {
  apply(readLook());
  nightOfPhone().addEventListener("change", () => apply(readLook()));
}

function apply({ print, light }: Look): void {
  const shown = light !== "phone" ? light : nightOfPhone().matches ? "night" : "day";
  const { dataset } = document.documentElement;
  dataset["print"] = print;
  dataset["light"] = shown;
  for (const meta of document.querySelectorAll('meta[name="theme-color"]'))
    meta.setAttribute("content", PAPER[shown]);
}

function nightOfPhone(): MediaQueryList {
  return matchMedia("(prefers-color-scheme: dark)");
}
