const FIRST_SECONDS = 1;
const LAST_SECONDS = 120;

/** How long to wait after so many failures in a row: doubling, half of it at random, so phones spread out. */
export function backoffSeconds(failures: number, random: () => number): number {
  const whole = Math.min(LAST_SECONDS, FIRST_SECONDS * 2 ** Math.min(failures - 1, 20));
  return whole / 2 + (whole / 2) * random();
}
