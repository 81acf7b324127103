/** A few lines instead of a framework: build elements, nothing more. */
export type Child = Node | string | false | null | undefined | readonly Child[];

type Listener = (event: Event) => void;
export interface Attributes {
  readonly class?: string;
  readonly id?: string;
  readonly test?: string;
  readonly label?: string;
  readonly on?: Readonly<Record<string, Listener>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly [name: string]: unknown;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  const { test, label, on, data, ...rest } = attributes;
  if (test !== undefined) element.dataset["testid"] = test;
  if (label !== undefined) element.setAttribute("aria-label", label);
  for (const [name, value] of Object.entries(data ?? {})) element.dataset[name] = value;
  for (const [name, listener] of Object.entries(on ?? {})) element.addEventListener(name, listener);
  for (const [name, value] of Object.entries(rest)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null)
      element.setAttribute(name, String(value));
  }
  place(element, children);
  return element;
}

/** Replaces what an element holds. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren();
  place(element, children);
}

function place(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (Array.isArray(child)) place(element, child as readonly Child[]);
    else if (child !== false && child !== null && child !== undefined) element.append(child as Node | string);
  }
}

/** An element from markup that this app itself wrote. */
export function drawing(svg: string): SVGElement {
  const holder = document.createElement("template");
  holder.innerHTML = svg;
  return holder.content.firstElementChild as SVGElement;
}
