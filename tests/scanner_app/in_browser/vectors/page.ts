/** The very tests that Node runs over the treaty's vectors, on a page of their own. */
import { begin, run, type Test, told } from "./runner.ts";
import { readSoFar } from "./read_vectors.ts";

const FILES = {
  custody: () => import("../../domain/custody.test.ts"),
  journal: () => import("../../domain/journal.test.ts"),
  label: () => import("../../domain/label.test.ts"),
  lifts_root: () => import("../../domain/lifts_root.test.ts"),
  renewal: () => import("../../domain/renewal.test.ts"),
  seal: () => import("../../domain/seal.test.ts"),
  segment_bytes: () => import("../../domain/segment_bytes.test.ts"),
  tolerances: () => import("../../domain/tolerances.test.ts"),
  webauthn: () => import("../../domain/webauthn.test.ts"),
  verify: () => import("../../verify/verify.test.ts"),
  // Shows that a test which fails here is told of.
  broken: () => import("./broken.ts"),
} as const;

type File = keyof typeof FILES;
const loaded = new Map<File, readonly Test[]>();

/** A module is evaluated once, so what it told of is kept. */
async function load(name: File): Promise<readonly Test[]> {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  begin();
  await FILES[name]();
  const tests = told();
  loaded.set(name, tests);
  return tests;
}

async function runFile(name: File) {
  return run(await load(name));
}

async function readAll() {
  for (const name of Object.keys(FILES) as File[]) await load(name);
  return readSoFar();
}

Object.assign(window, { vectors: { files: Object.keys(FILES), runFile, readAll } });
