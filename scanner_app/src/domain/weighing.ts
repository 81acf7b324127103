/** Gross, tare, net; estimated masses; declared mass against weighed mass. All masses are whole grams. */
import type { Grams, Stream } from "./types.ts";

export const FILLS = [1, 2, 3, 4] as const;
/** Quarters of a bin. */
export type Fill = (typeof FILLS)[number];

/** The wheelie bin that most collection points use, when the directory does not say. */
export const BIN_LITRES_USUAL = 240;

/**
 * Loose density in a street bin, grams per litre: the middle of the ranges that collection crews plan with.
 * An estimate, and recorded as one (basis 1); the weighbridge decides.
 */
const GRAMS_PER_LITRE: Readonly<Record<Stream, number>> = {
  recyclable: 60,
  hazardous: 250,
  food: 600,
  residual: 150,
};

export function estimateGrams(stream: Stream, fill: Fill, litres: number): Grams {
  return Math.round((GRAMS_PER_LITRE[stream] * litres * fill) / 4);
}

/** Gross minus tare, or undefined when the two contradict each other. */
export function netGrams(weighing: { grossGrams: Grams; tareGrams: Grams }): Grams | undefined {
  const net = weighing.grossGrams - weighing.tareGrams;
  return net > 0 && weighing.tareGrams >= 0 ? net : undefined;
}

/** How far the weighed mass lies from the declared one, in per cent of the declared; undefined for 0. */
export function differencePercent(masses: { declaredGrams: Grams; weighedGrams: Grams }): number | undefined {
  if (masses.declaredGrams === 0) return undefined;
  return ((masses.weighedGrams - masses.declaredGrams) / masses.declaredGrams) * 100;
}

/**
 * Grams of a number typed in kilograms; undefined when it is no mass. Full-width digits count. A comma only
 * groups thousands, as in Chinese and English: read as a decimal sign, 9,860 would be a thousandth of itself.
 */
export function gramsOfKilograms(text: string): Grams | undefined {
  const plain = text.normalize("NFKC").trim();
  if (!/^(\d{1,9}|\d{1,3}(,\d{3}){1,2})(\.\d{0,3})?$/.test(plain)) return undefined;
  return Math.round(Number(plain.replaceAll(",", "")) * 1000);
}
