/**
 * What a load may be taken as once other streams are in it. Mixing never makes waste cleaner: with anything
 * hazardous in it a lot is hazardous, with anything else it is residual. A receiver may always call a lot
 * worse than that, never better.
 */
import { STREAM_CODE } from "./types.ts";

/** A stream's bit in a mixture, or in a mandate's streams. */
export function bitOf(stream: number): number {
  return 1 << stream;
}

/** The cleanest stream that a lot with this mixture can still be. */
export function leastStream(stream: number, mixture: number): number {
  const isHazardous = stream === STREAM_CODE.hazardous || (mixture & bitOf(STREAM_CODE.hazardous)) !== 0;
  if (isHazardous) return STREAM_CODE.hazardous;
  return mixture !== 0 ? STREAM_CODE.residual : stream;
}

/** Says whether a lot may be taken as the wanted stream. */
export function mayBeTakenAs(wanted: number, lot: { stream: number; mixture: number }): boolean {
  const least = leastStream(lot.stream, lot.mixture);
  if (wanted === least || wanted === STREAM_CODE.hazardous) return true;
  return wanted === STREAM_CODE.residual && least !== STREAM_CODE.hazardous;
}

/** The mixture of what is taken under another stream: the old one joins it. */
export function mixtureTakenAs(wanted: number, lot: { stream: number; mixture: number }): number {
  return wanted === lot.stream ? lot.mixture : lot.mixture | bitOf(lot.stream);
}
