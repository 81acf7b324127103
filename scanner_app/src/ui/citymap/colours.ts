/** The map's colours are those of the page's sheet, by day and by night: a canvas cannot inherit them. */

export interface Colours {
  ground: string;
  grid: string;
  ink: string;
  quiet: string;
  card: string;
  tones: Record<"good" | "behind" | "silent" | "red" | "plain", string>;
  streams: string[];
  lift: string;
  receipt: string;
}

export function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    ground: of("--map-ground"),
    grid: of("--map-grid"),
    ink: of("--ink"),
    quiet: of("--quiet"),
    card: of("--card"),
    tones: {
      good: of("--tone-good"),
      behind: of("--tone-behind"),
      silent: of("--tone-silent"),
      red: of("--tone-red"),
      plain: of("--tone-plain"),
    },
    streams: ["", of("--recyclable"), of("--hazardous"), of("--food"), of("--residual")],
    lift: of("--map-lift"),
    receipt: of("--map-receipt"),
  };
}
