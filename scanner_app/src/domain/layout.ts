/**
 * Kinds and fields, as in docs/spec/entries.md. A row is one 32-byte word, first field in the highest bits.
 * Field names are the treaty's, so they keep its spelling. "spare" bits are written as zero; rules ignore them.
 */
export type Field = readonly [name: string, bits: number];
interface Kind {
  readonly code: number;
  readonly words: readonly (readonly Field[])[];
  /** A word that may repeat after those listed: a transformation's outputs, a transcribed entry's words. */
  readonly repeated?: readonly Field[];
}

const HEAD = [
  ["kind", 8],
  ["words", 8],
  ["flags", 16],
  ["occurred_at", 40],
] as const;
const WHOLE = <Name extends string>(name: Name) => [[name, 256]] as const;

export const KINDS = {
  lift: {
    code: 1,
    words: [
      [
        ["kind", 8],
        ["bin", 40],
        ["stream", 4],
        ["grade", 4],
        ["basis", 4],
        ["flags", 4],
        ["occurred_at", 40],
        ["grams", 32],
        ["evidence", 120],
      ],
    ],
  },
  load: { code: 2, words: [[...HEAD, ["lot", 96], ["stream", 8], ["vehicle", 64], ["spare0", 16]]] },
  give: {
    code: 3,
    words: [
      [...HEAD, ["lot", 96], ["grams", 48], ["last_seq", 40]],
      [
        ["to", 64],
        ["to_seq", 40],
        ["lifts", 32],
        ["evidence", 120],
      ],
      WHOLE("lifts_root"),
      WHOLE("to_head"),
    ],
  },
  take: {
    code: 4,
    words: [
      [...HEAD, ["lot", 96], ["grams", 48], ["give_seq", 40]],
      [
        ["giver", 64],
        ["weigh_seq", 40],
        ["stream", 8],
        ["spare1", 24],
        ["evidence", 120],
      ],
      WHOLE("give_head"),
      [
        ["weigher", 64],
        ["into", 96],
        ["spare3", 96],
      ],
      [
        ["principal", 64],
        ["mandate_seq", 40],
        ["site", 64],
        ["spare4", 88],
      ],
    ],
  },
  withdraw: { code: 5, words: [[...HEAD, ["lot", 96], ["undone_seq", 40], ["spare0", 48]]] },
  weigh: {
    code: 6,
    words: [
      [...HEAD, ["lot", 96], ["net", 48], ["ticket", 40]],
      [
        ["gross", 48],
        ["tare", 48],
        ["spare1", 40],
        ["evidence", 120],
      ],
      [
        ["vehicle", 64],
        ["calibration", 64],
        ["calibration_until", 40],
        ["spare2", 88],
      ],
    ],
  },
  merge: {
    code: 7,
    words: [
      [...HEAD, ["lot", 96], ["grams", 48], ["spare0", 40]],
      [
        ["into", 96],
        ["stream", 8],
        ["spare1", 32],
        ["evidence", 120],
      ],
    ],
  },
  split: {
    code: 8,
    words: [
      [...HEAD, ["lot", 96], ["grams", 48], ["spare0", 40]],
      [
        ["into", 96],
        ["stream", 8],
        ["spare1", 32],
        ["evidence", 120],
      ],
    ],
  },
  transform: {
    code: 9,
    repeated: [
      ["lot", 96],
      ["amount", 48],
      ["product", 16],
      ["spare", 96],
    ],
    words: [
      [...HEAD, ["lot", 96], ["grams", 48], ["outputs", 8], ["spare0", 32]],
      [
        ["site", 64],
        ["loss", 48],
        ["is_gain", 8],
        ["spare1", 16],
        ["evidence", 120],
      ],
    ],
  },
  refuse: {
    code: 10,
    words: [
      [...HEAD, ["lot", 96], ["grams", 48], ["give_seq", 40]],
      [
        ["giver", 64],
        ["reason", 16],
        ["spare1", 56],
        ["evidence", 120],
      ],
      WHOLE("give_head"),
    ],
  },
  redirect: {
    code: 11,
    words: [
      [...HEAD, ["lot", 96], ["grams", 48], ["give_seq", 40]],
      [
        ["to", 64],
        ["reason", 16],
        ["spare1", 56],
        ["evidence", 120],
      ],
    ],
  },
  close: {
    code: 12,
    words: [
      [...HEAD, ["lot", 96], ["grams", 48], ["spare0", 40]],
      [
        ["fate", 8],
        ["product", 16],
        ["site", 64],
        ["spare1", 48],
        ["evidence", 120],
      ],
    ],
  },
  amend: {
    code: 13,
    words: [
      [...HEAD, ["op", 8], ["device", 64], ["seq", 40], ["field", 8], ["until", 40], ["spare0", 24]],
      WHOLE("value"),
      [
        ["spare2", 136],
        ["evidence", 120],
      ],
    ],
  },
  dispute: {
    code: 14,
    words: [
      [...HEAD, ["op", 8], ["device", 64], ["seq", 40], ["rule", 16], ["until", 40], ["spare0", 16]],
      WHOLE("value"),
      [
        ["spare2", 136],
        ["evidence", 120],
      ],
    ],
  },
  mandate: {
    code: 15,
    words: [
      [...HEAD, ["op", 8], ["to", 64], ["grams", 48], ["until", 40], ["depth", 8], ["streams", 16]],
      [
        ["site", 64],
        ["parent", 64],
        ["parent_seq", 40],
        ["spare1", 88],
      ],
    ],
  },
  acknowledge: {
    code: 16,
    words: [
      [...HEAD, ["device", 64], ["seq", 40], ["verdict", 8], ["spare0", 72]],
      [
        ["head17", 136],
        ["evidence", 120],
      ],
    ],
  },
  anchor: {
    code: 17,
    words: [[...HEAD, ["schema", 32], ["subject", 96], ["spare0", 56]], WHOLE("digest")],
  },
  mark: { code: 18, words: [[...HEAD, ["block", 64], ["spare0", 120]], WHOLE("hash")] },
  shift_end: { code: 19, words: [[...HEAD, ["lifts", 40], ["grams", 48], ["spare0", 96]]] },
  decline: { code: 20, words: [[...HEAD, ["bin", 40], ["stream", 8], ["reason", 16], ["evidence", 120]]] },
  enrol: {
    code: 32,
    words: [
      [...HEAD, ["device", 64], ["role", 8], ["scheme", 8], ["not_after", 40], ["origin", 64]],
      WHOLE("x"),
      WHOLE("y"),
    ],
  },
  revoke: {
    code: 33,
    words: [[...HEAD, ["device", 64], ["reason", 8], ["seen_seq", 40], ["spare0", 72]]],
  },
  rotate: {
    code: 34,
    words: [
      [...HEAD, ["device", 64], ["role", 8], ["scheme", 8], ["not_after", 40], ["origin", 64]],
      WHOLE("x"),
      WHOLE("y"),
      [
        ["replaced", 64],
        ["spare3", 192],
      ],
    ],
  },
  close_gap: {
    code: 35,
    words: [[...HEAD, ["device", 64], ["from_seq", 40], ["to_seq", 40], ["spare0", 40]], WHOLE("head")],
  },
  moved: { code: 36, words: [[...HEAD, ["spare0", 24], ["ledger", 160]]] },
  transcribed: {
    code: 37,
    repeated: WHOLE("word"),
    words: [
      [...HEAD, ["device", 64], ["first_seq", 40], ["spare0", 80]],
      WHOLE("before"),
      WHOLE("x"),
      WHOLE("y"),
      WHOLE("r"),
      WHOLE("s"),
    ],
  },
  site: {
    code: 40,
    words: [[...HEAD, ["site", 64], ["site_kind", 8], ["spare0", 112]], WHOLE("digest")],
  },
  place: {
    code: 41,
    words: [[...HEAD, ["site", 64], ["count", 40], ["spare0", 80]], WHOLE("digest")],
  },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;
type Written = "kind" | "words" | `spare${string}`;

/** The fields a writer gives: all but those that the layout itself knows. */
export type FieldName<K extends KindName> = Exclude<(typeof KINDS)[K]["words"][number][number][0], Written>;

export const KIND_NAMES = Object.keys(KINDS) as KindName[];
const NAME_BY_CODE = new Map<number, KindName>(KIND_NAMES.map((name) => [KINDS[name].code, name]));

export function kindName(code: number): KindName | undefined {
  return NAME_BY_CODE.get(code);
}

export function layoutOf(name: KindName): Kind {
  return KINDS[name];
}
