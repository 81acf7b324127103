/** What a scale's indicator shows, heard from the gateway on this machine: no server and no network needed. */
import type { Grams, Seconds } from "../domain/types.ts";

/** Why an indicator shows no mass, as the gateway names it. */
export const TROUBLES = ["overload", "underload", "not-executable", "away", "wrong-scale"] as const;
export type Trouble = (typeof TROUBLES)[number];

export interface Scale {
  readonly serial: string;
  readonly calibration: number;
  readonly calibratedUntil: Seconds;
}
export type Reading =
  | { readonly is: "mass"; readonly grams: Grams; readonly isStable: boolean; readonly answer: string }
  | { readonly is: "trouble"; readonly trouble: Trouble };
export type Shown =
  | { readonly is: "connecting" | "lost" }
  | { readonly is: "shown"; readonly scale: Scale; readonly reading: Reading };

/** The gateway's port on this machine unless somebody chose another. */
export const USUAL_PORT = 8790;
const PORT_KEY = "huanlian-scale-port";
const TRUCK_PORT_KEY = "huanlian-truck-scale-port";

/** The port at which this device last listened to a gateway; undefined when nobody ever connected it. */
export function readScalePort(): number | undefined {
  return portOf(localStorage.getItem(PORT_KEY) ?? "");
}

export function keepScalePort(port: number): void {
  localStorage.setItem(PORT_KEY, String(port));
}

/** The port at which this crew's phone listens to its truck's scale; undefined unless somebody switched it on. */
export function readTruckScalePort(): number | undefined {
  return portOf(localStorage.getItem(TRUCK_PORT_KEY) ?? "");
}

export function keepTruckScalePort(port: number | undefined): void {
  if (port === undefined) localStorage.removeItem(TRUCK_PORT_KEY);
  else localStorage.setItem(TRUCK_PORT_KEY, String(port));
}

/** A port as somebody typed it; undefined when it is none. */
export function portOf(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** Tells every reading until the returned function is called; the browser connects again by itself. */
export function listenToScale(port: number, tell: (shown: Shown) => void): () => void {
  const source = new EventSource(`http://127.0.0.1:${port}/readings`);
  let scale: Scale | undefined;
  source.addEventListener("scale", ({ data }) => {
    scale = readScale(JSON.parse(data as string));
  });
  source.addEventListener("reading", ({ data }) => {
    const reading = readReading(JSON.parse(data as string));
    if (scale !== undefined && reading !== undefined) tell({ is: "shown", scale, reading });
  });
  source.addEventListener("error", () => tell({ is: "lost" }));
  tell({ is: "connecting" });
  return () => source.close();
}

/** Undefined for what is no gateway's word: it is then not shown. */
export function readScale(told: Readonly<Record<string, unknown>>): Scale | undefined {
  const { serial, calibration, calibration_until: until } = told;
  if (typeof serial !== "string" || !isWhole(calibration) || !isWhole(until)) return undefined;
  return { serial, calibration, calibratedUntil: until };
}

export function readReading(told: Readonly<Record<string, unknown>>): Reading | undefined {
  const { grams, is_stable: isStable, trouble, answer } = told;
  if (typeof trouble === "string") {
    return { is: "trouble", trouble: TROUBLES.find((each) => each === trouble) ?? "not-executable" };
  }
  if (!Number.isSafeInteger(grams) || typeof isStable !== "boolean" || typeof answer !== "string")
    return undefined;
  return { is: "mass", grams: Number(grams), isStable, answer };
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
