/** Whether a device's clock can be right, from the times that it has heard of. It decides nothing: people are told. */
import type { Seconds } from "./types.ts";

/** What the server's books bear with, too (backend/usecases/strange_entries.py). */
export const CLOCK_SKEW_SECONDS = 15 * 60;

/** The server's time when it last answered, and what this device's clock showed then. */
export interface ServerTime {
  readonly serverAt: Seconds;
  readonly deviceAt: Seconds;
}

/**
 * How many seconds the clock is ahead, negative when it is behind; 0 while nothing speaks against it.
 *
 * 1. It can be no earlier now than when the server last answered; where it never has, than when this device was
 *    enrolled, by the registrar's clock.
 * 2. Else it is as wrong as it was when the server last answered.
 */
export function clockError(known: {
  readonly now: Seconds;
  readonly heard: ServerTime | undefined;
  readonly enrolledAt: Seconds;
}): number {
  const { now, heard, enrolledAt } = known;
  // 1.
  const earliest = heard?.serverAt ?? enrolledAt;
  if (now < earliest - CLOCK_SKEW_SECONDS) return now - earliest;
  // 2.
  const error = heard === undefined ? 0 : heard.deviceAt - heard.serverAt;
  return Math.abs(error) > CLOCK_SKEW_SECONDS ? error : 0;
}
