/** The page's texts, which its server wrote into it in the reader's language. */
export type Say = (key: string, values?: Readonly<Record<string, string | number>>) => string;

export function wordsOf(place: HTMLElement): Say {
  const texts = JSON.parse(place.dataset["words"] ?? "{}") as Record<string, string>;
  return (key, values = {}) =>
    Object.entries(values).reduce(
      (text, [name, value]) => text.replaceAll(`{${name}}`, String(value)),
      texts[`act.${key}`] ?? key,
    );
}
