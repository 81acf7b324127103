/** Reads a directory that anybody may have written: every field that is used later has its form, or it is refused. */
import { DIRECTORY_FORMAT, DirectoryRefused, type ToldDirectory } from "./directory.ts";
import { SEQ_MAX } from "./journal.ts";

type Check = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Check>>;

const BIN_HEX = 86;
const SERIAL_MAX = 2 ** 40 - 1;

const isWhole =
  (max: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
const isHex = (digits: number): Check => {
  const form = new RegExp(`^[0-9a-f]{${digits}}$`);
  return (value) => typeof value === "string" && form.test(value);
};
const isBytes: Check = (value) => typeof value === "string" && /^(?:[0-9a-f]{2})*$/.test(value);
const isText: Check = (value) => typeof value === "string";
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const isList =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const has =
  (shape: Shape): Check =>
  (value) =>
    typeof value === "object" &&
    value !== null &&
    Object.entries(shape).every(([name, check]) => check((value as Readonly<Record<string, unknown>>)[name]));

const seq = isWhole(SEQ_MAX);
const place = { run: isWhole(1e6), seq };
const name = has({ zh: isText, en: isText });
const organisation = isHex(6);
const device = isHex(16);
const word = isHex(64);

const SHAPE: Shape = {
  format: (value) => value === DIRECTORY_FORMAT,
  chain_id: isWhole(Number.MAX_SAFE_INTEGER),
  ledger: isHex(40),
  organisation,
  dated_at: (value) => typeof value === "string" && !Number.isNaN(Date.parse(value)),
  organisations: isList(has({ id: organisation, name })),
  sites: isList(
    has({
      id: device,
      kind: isWhole(255),
      organisation,
      name,
      run: orNull(place.run),
      seq: orNull(place.seq),
    }),
  ),
  streets: isList(has({ site: device, bins: isWhole(SERIAL_MAX) })),
  bins_left_out: (value) => typeof value === "boolean",
  points: isList(name),
  placements: isList(
    has({
      ...place,
      site: device,
      bins: (value) => isBytes(value) && (value as string).length % BIN_HEX === 0,
      points: isList(orNull(isWhole(1e6))),
    }),
  ),
  bins: isList(
    has({
      number: isHex(10),
      serial_digest: word,
      stream: isWhole(255),
      site: device,
      point: isWhole(1e6),
      placed_from: isWhole(SERIAL_MAX),
    }),
  ),
  devices: isList(has({ ...place, device, role: isWhole(255) })),
  roots: isList(has({ device, key_hash: isHex(40) })),
  registrars: isList(has({ ...place, device, seen_seq: orNull(seq) })),
  runs: isList(
    has({
      registrar: device,
      first_seq: isWhole(SEQ_MAX),
      prev_head: word,
      words: isBytes,
      key: has({ x: word, y: word }),
      seal: has({ r: word, s: word }),
      assertion: isBytes,
    }),
  ),
};

export function readDirectory(value: unknown): ToldDirectory {
  if (typeof value !== "object" || value === null) throw new DirectoryRefused("form", "");
  const told = value as Readonly<Record<string, unknown>>;
  const wrong = Object.entries(SHAPE).find(([field, check]) => !check(told[field]));
  if (wrong !== undefined) throw new DirectoryRefused("form", wrong[0]);
  return told as unknown as ToldDirectory;
}
