import type { Fill } from "../domain/weighing.ts";
import type { Grade, Stream } from "../domain/types.ts";
import { drawing } from "./dom.ts";

const LINE = {
  back: '<path d="M15 5l-7 7 7 7"/>',
  close: '<path d="M6 6l12 12M18 6L6 18"/>',
  scan: '<path d="M4 8V5.500A1.5 1.5 0 0 1 5.5 4H8M16 4h2.500A1.5 1.5 0 0 1 20 5.500V8M20 16v2.500a1.5 1.5 0 0 1-1.5 1.500H16M8 20H5.500A1.5 1.5 0 0 1 4 18.500V16M4 12h16"/>',
  give: '<path d="M4 12h13M12 6l6 6-6 6"/><path d="M21 5v14"/>',
  list: '<path d="M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01"/>',
  torch: '<path d="M8 3h8v4l-2 3v10a1 1 0 0 1-1 1h-2a1 1 0 0 1-1-1V10L8 7zM8 6h8M12 13v2"/>',
  keyboard:
    '<rect x="3" y="6" width="18" height="12" rx="2"/><path d="M7 10h.01M11 10h.01M15 10h.01M8 14h8"/>',
  check: '<path d="M5 12.500l4.5 4.500L19 7.5"/>',
  warning: '<path d="M12 4l9 16H3zM12 10v4M12 17h.01"/>',
  phone: '<rect x="7" y="3" width="10" height="18" rx="2"/><path d="M11 18h2"/>',
  scale: '<path d="M4 20h16M6 20l1.5-9h9L18 20M12 11V8M8 8h8a4 4 0 0 0-8 0z"/>',
  truck:
    '<path d="M3 6h11v10H3zM14 10h4l3 3v3h-7z"/><circle cx="7" cy="18" r="2"/><circle cx="17" cy="18" r="2"/>',
  send: '<path d="M12 19V6M6 11l6-6 6 6"/>',
  refresh: '<path d="M20 11a8 8 0 1 0-2.3 6M20 5v6h-6"/>',
  plus: '<path d="M12 5v14M5 12h14"/>',
  save: '<path d="M12 4v10M8 10l4 4 4-4M5 19h14"/>',
  seal: '<circle cx="12" cy="10" r="6"/><path d="M9 15l-1.5 6 4.5-2.5 4.5 2.5-1.5-6M9.5 10l2 2 3.5-3.5"/>',
  refuse: '<circle cx="12" cy="12" r="8.500"/><path d="M6.5 6.500l11 11"/>',
  camera: '<path d="M4 8h3.500l1.5-2.500h6L16.5 8H20v11H4z"/><circle cx="12" cy="13" r="3.500"/>',
  clock: '<circle cx="12" cy="12" r="8.500"/><path d="M12 7v5l3.500 2"/>',
  settings:
    '<path d="M4 8h9M19 8h1M4 16h1M11 16h9"/><circle cx="16" cy="8" r="2.500"/><circle cx="8" cy="16" r="2.500"/>',
  pencil: '<path d="M5 19l1-4L16 5l3 3L9 18z"/>',
} as const;
export type IconName = keyof typeof LINE;

const parsed = new Map<string, SVGElement>();

/** Each is parsed once: a sheet has two dozen of them. */
function picture(svg: string): SVGElement {
  let kept = parsed.get(svg);
  if (kept === undefined) {
    kept = drawing(svg);
    parsed.set(svg, kept);
  }
  return kept.cloneNode(true) as SVGElement;
}

export function icon(name: IconName): SVGElement {
  return picture(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${LINE[name]}</svg>`);
}

const STREAM_MARK: Readonly<Record<Stream, string>> = {
  // Simple marks of our own; colour and word carry the meaning of GB/T 19095-2019.
  recyclable:
    '<path d="M8.5 9.500L12 4l3.5 5.500M17 11l3 5.500h-6.500M10.5 16.500H4l3-5.5"/><path d="M15.8 14.200l-2.3 2.3 2.3 2.3"/>',
  hazardous: '<path d="M12 4l9 16H3z"/><path d="M12 10v5M12 17.3h.01"/>',
  food: '<path d="M5 11h14a7 7 0 0 1-14 0zM12 11c0-4 2-6 5-6.5-.3 3-1.8 5-5 6.500zM8.5 11C8 8.8 7 7.5 5.5 7"/>',
  residual: '<path d="M6 8h12l-1 12H7zM4.5 8h15M9.5 8V5h5v3M10 12v5M14 12v5"/>',
};

export function streamIcon(stream: Stream): SVGElement {
  return picture(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${STREAM_MARK[stream]}</svg>`);
}

const BIN = '<path d="M12 20h40l-4 38H16z"/><path d="M8 20h48M25 20v-6h14v6"/>';
const ROUND = (x: number, y: number) => `<circle class="own" cx="${x}" cy="${y}" r="4.5"/>`;
const ODD = (x: number, y: number) =>
  `<rect class="odd" x="${x - 4.5}" y="${y - 4.5}" width="9" height="9"/>`;
const PLACES: readonly (readonly [number, number])[] = [
  [22, 30],
  [32, 30],
  [42, 30],
  [23, 41],
  [32, 41],
  [41, 41],
  [24, 51],
  [32, 51],
  [40, 51],
];
const ODD_AT: Readonly<Record<Exclude<Grade, 0>, readonly number[]>> = {
  1: [],
  2: [2, 6],
  3: [0, 2, 4, 5, 6, 7],
};

/** A bin whose content is clean, partly mixed, or badly mixed: squares among circles. */
export function gradePicture(grade: Exclude<Grade, 0>): SVGElement {
  const content = PLACES.map(([x, y], at) => (ODD_AT[grade].includes(at) ? ODD(x, y) : ROUND(x, y)));
  return picture(
    `<svg class="picture" viewBox="4 8 56 54" aria-hidden="true">${BIN}${content.join("")}</svg>`,
  );
}

export function fillPicture(fill: Fill): SVGElement {
  const top = 58 - fill * 9.5;
  const inset = ((58 - top) / 38) * 4;
  const level = `<path class="level" d="M${16 - inset} ${top}H${48 + inset}L48 58H16z"/>`;
  return picture(`<svg class="picture" viewBox="4 8 56 54" aria-hidden="true">${level}${BIN}</svg>`);
}

export function brandMark(): SVGElement {
  return picture(
    '<svg class="brand" viewBox="0 0 40 24" aria-hidden="true"><circle cx="14" cy="12" r="8"/><circle class="second" cx="26" cy="12" r="8"/></svg>',
  );
}
