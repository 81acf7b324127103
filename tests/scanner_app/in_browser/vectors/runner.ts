/** As much of vitest as the vectors' tests use, for a page: what is run is the same files, not copies of them. */
export interface Test {
  readonly name: string;
  readonly body: () => unknown;
}
export interface Report {
  readonly passed: number;
  readonly failed: readonly string[];
}

let tests: Test[] = [];
let place: string[] = [];

export function begin(): void {
  tests = [];
}

export const told = (): readonly Test[] => tests;

export async function run(tests: readonly Test[]): Promise<Report> {
  const failed: string[] = [];
  for (const { name, body } of tests) {
    try {
      await body();
    } catch (problem) {
      failed.push(`${name}: ${problem instanceof Error ? problem.message : String(problem)}`);
    }
  }
  return { passed: tests.length - failed.length, failed };
}

export function describe(name: string, body: () => void): void {
  place = [...place, name];
  body();
  place = place.slice(0, -1);
}

export function it(name: string, body: () => unknown): void {
  tests.push({ name: [...place, name].join(" "), body });
}

it.each =
  <Case>(cases: readonly Case[]) =>
  (name: string, body: (given: Case, ...more: never[]) => unknown): void =>
    cases.forEach((given, at) =>
      it(`${name} [${at}]`, () => (Array.isArray(given) ? (body as Function)(...given) : body(given))),
    );

class Broken extends Error {}

export function expect(found: unknown, about = "") {
  const hold = (holds: boolean, wanted: unknown) => {
    if (!holds) throw new Broken(`${about} ${show(found)} is not ${show(wanted)}`);
  };
  return {
    toBe: (wanted: unknown) => hold(Object.is(found, wanted), wanted),
    toEqual: (wanted: unknown) => hold(isEqual(found, wanted), wanted),
    toMatchObject: (wanted: object) => hold(isPart(found, wanted), wanted),
    toBeUndefined: () => hold(found === undefined, undefined),
    toHaveLength: (length: number) => hold((found as ArrayLike<unknown>).length === length, length),
    toBeGreaterThan: (least: number) => hold(Number(found) > least, `over ${least}`),
    toThrow: (wanted: unknown) => {
      const thrown = thrownBy(found as () => unknown);
      hold(thrown instanceof Error && isWanted(thrown, wanted), wanted);
    },
  };
}

function thrownBy(body: () => unknown): unknown {
  try {
    body();
  } catch (problem) {
    return problem;
  }
  return undefined;
}

function isWanted(thrown: Error, wanted: unknown): boolean {
  if (typeof wanted === "string") return thrown.message.includes(wanted);
  if (typeof wanted === "function") return thrown instanceof wanted;
  if (wanted instanceof Error) return thrown.message === wanted.message && thrown.name === wanted.name;
  throw new Broken("no such matcher here");
}

/** Equal in all that is there; a member that is undefined counts as absent. */
function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Map && b instanceof Map) return isEqual([...a], [...b]);
  if (a instanceof Set && b instanceof Set) return isEqual([...a], [...b]);
  const [mine, theirs] = [membersOf(a), membersOf(b)];
  return mine.length === theirs.length && mine.every((name) => theirs.includes(name) && isEqual(at(a, name), at(b, name)));
}

function isPart(found: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return Object.is(found, wanted);
  if (typeof found !== "object" || found === null) return false;
  if (Array.isArray(wanted) && (!Array.isArray(found) || found.length !== wanted.length)) return false;
  return membersOf(wanted).every((name) => isPart(at(found, name), at(wanted, name)));
}

const at = (value: object, name: string) => (value as Record<string, unknown>)[name];
const membersOf = (value: object) => Object.keys(value).filter((name) => at(value, name) !== undefined);

function show(value: unknown): string {
  if (typeof value === "function") return value.name;
  const text = JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? `${each}n` : each));
  return (text ?? String(value)).slice(0, 300);
}
