/** Fetches the route's directory, and puts it in place of the one before once every seal in it has been checked. */
import { type CheckedDirectory, DirectoryRefused, type ToldDirectory } from "../domain/directory.ts";
import { checkDirectory } from "../domain/directory_check.ts";
import { readDirectory } from "../domain/directory_form.ts";
import { type SortedRoots, sortRoots } from "../domain/directory_roots.ts";
import { type OrganisationId, organisationOf, type Seconds, type SiteId } from "../domain/types.ts";
import { isSealOf } from "../sign/device_key.ts";
import {
  type Database,
  type Directory,
  type DirectoryBin,
  dropSingle,
  type Identity,
  keepSingle,
  readSingle,
} from "../store/database.ts";
import { confirmDirectory, keepDirectory } from "../store/directory.ts";
import { type Api, slugOf } from "./api.ts";

/** Of its own work a phone does no more than this at once: then the screen has its turn. */
const SLICE_MILLISECONDS = 8;

export type Refreshed = "kept" | "same" | "refused" | "not-answered";

export async function refreshDirectory(
  db: Database,
  api: Api,
  identity: Identity,
  now: () => Seconds,
): Promise<Refreshed> {
  const before = await readSingle(db, "directory");
  const path = routePath(organisationOf(identity.device), (await readSingle(db, "route")) ?? []);
  const answer = await api.directory(path, before?.asked?.path === path ? before.asked.tag : "");
  if (answer.is === "problem" && slugOf(answer.problem) === "route-too-large") await dropSingle(db, "route");
  if (answer.is !== "ok") return "not-answered";
  if (answer.value.is === "same") {
    if (before !== undefined) await confirmDirectory(db, before, answer.value.at ?? now());
    return "same";
  }
  const refused = await readSingle(db, "directoryRefused");
  const known = (await readSingle(db, "directoryRoots")) ?? {};
  let roots: SortedRoots = { believed: known, waiting: refused?.waiting ?? {} };
  try {
    const told = readDirectory(answer.value.content);
    roots = sortRoots(told.roots, known, roots.waiting, now());
    const { network, certificate } = identity;
    const trust = {
      network,
      organisation: organisationOf(identity.device),
      roots: roots.believed,
      enrolledBy: certificate,
    };
    const checked = await checkDirectory(told, trust, { isSeal: isSealOf, pause: slices() });
    const asked = { path, tag: answer.value.tag };
    await keepDirectory(db, directoryOf(told, checked, asked), binsOf(told, checked), roots.believed);
    return "kept";
  } catch (problem) {
    if (!(problem instanceof DirectoryRefused)) throw problem;
    const { reason, about } = problem;
    await keepSingle(db, "directoryRefused", { reason, about, at: now(), waiting: roots.waiting });
    return "refused";
  }
}

/** What people call the organisations, as the server says; for a phone that belongs to none yet. */
export async function fetchNames(
  api: Api,
  organisation: OrganisationId,
): Promise<Pick<Directory, "organisations"> | undefined> {
  const answer = await api.directory(routePath(organisation, []));
  if (answer.is !== "ok" || answer.value.is !== "new") return undefined;
  try {
    return readDirectory(answer.value.content);
  } catch (problem) {
    if (problem instanceof DirectoryRefused) return undefined;
    throw problem;
  }
}

function routePath(organisation: OrganisationId, streets: readonly SiteId[]): string {
  const parts = [`organisation=${organisation}`, ...streets.map((site) => `site=${site}`)];
  return `/directory?${parts.join("&")}`;
}

/** Lets other work in whenever this has gone on for a slice. */
function slices(): () => Promise<void> {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < SLICE_MILLISECONDS) return;
    await new Promise((resume) => setTimeout(resume, 0));
    began = performance.now();
  };
}

function directoryOf(
  told: ToldDirectory,
  checked: CheckedDirectory,
  asked: { path: string; tag: string },
): Directory {
  const { dated_at, organisations, sites, streets, bins_left_out } = told;
  const { seals, devices } = checked;
  const roots = told.roots
    .filter(({ device }) => organisationOf(device) === told.organisation)
    .map(({ device }) => ({ device, role: "registrar" as const }));
  return {
    dated_at,
    organisations,
    sites: sites.map(({ id, kind, organisation, name }) => ({ id, kind, organisation, name })),
    devices: [...roots, ...devices].map(({ device, role }) => ({ device, role })),
    asked,
    streets,
    bins_left_out,
    checked: {
      seals,
      devices,
      sites: checked.sites,
      bins: checked.bins.filter(({ isSealed }) => isSealed).length,
    },
  };
}

function binsOf(told: ToldDirectory, checked: CheckedDirectory): DirectoryBin[] {
  return checked.bins.map((bin) => ({
    number: bin.number,
    serial_digest: bin.serialDigest,
    stream: bin.stream,
    site: bin.site,
    point: told.points[bin.point] ?? { zh: "", en: "" },
    placed_from: bin.placedFrom,
    is_sealed: bin.isSealed,
  }));
}
