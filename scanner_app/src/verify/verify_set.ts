/** Checks many facts at once: a lot's journey, or a site's day. */
import type { RecordedSegment } from "../domain/announced.ts";
import type { Inclusion } from "../domain/blocks.ts";
import type { Bundle } from "../domain/bundle.ts";
import { type BundleSet, type ProvedSegment, readSet, SET_FORMAT } from "../domain/bundle_set.ts";
import { bytesToHex } from "../domain/bytes.ts";
import {
  type Network,
  requireCertificates,
  requireNamedRoot,
  requireRecord,
  requireSeal,
  requireSettled,
  requireTrustedNetwork,
  StepFailed,
} from "../domain/proof.ts";
import type { CheckSeal } from "../domain/seal.ts";
import { entriesAbout, linesOf, tell } from "../domain/set_facts.ts";
import { type DeviceId, deviceId } from "../domain/types.ts";
import type { Trust } from "./trust.ts";
import {
  checkBlocks,
  type Node,
  type ProvedBlock,
  type Report,
  Steps,
  verdictOf,
  verifyBundle,
} from "./verify.ts";

/** Checks a bundle or a set, whichever the file calls itself; what it is worth is for the steps to say. */
export function verifyFile(data: Uint8Array, trust: Trust, check: CheckSeal, node?: Node): Promise<Report> {
  const isSet = new TextDecoder().decode(data).includes(`"format":"${SET_FORMAT}"`);
  return (isSet ? verifySet : verifyBundle)(data, trust, check, node);
}

async function verifySet(data: Uint8Array, trust: Trust, check: CheckSeal, node?: Node): Promise<Report> {
  const steps = new Steps();
  let blocks: readonly ProvedBlock[] = [];
  let lines: readonly string[] = [];
  try {
    const content = await steps.do(
      1,
      () => readSet(data),
      () => `${data.length} bytes`,
    );
    ({ blocks, lines } = await checkContent(content, trust, check, steps));
    await checkBlocks(blocks, trust, node, steps);
  } catch (problem) {
    if (!(problem instanceof StepFailed)) throw problem;
  }
  const verdict = verdictOf(steps.results);
  return {
    steps: steps.results,
    verdict,
    blocks,
    fact: undefined,
    lines: verdict === "INVALID" ? [] : lines,
  };
}

async function checkContent(content: BundleSet, trust: Trust, check: CheckSeal, steps: Steps) {
  const { network } = trust;
  const { segments } = content;
  await steps.do(
    2,
    () => requireTrustedNetwork({ ...asBundle(content), chainId: content.chainId }, network),
    () => `chain ${network.chainId}, ledger 0x${network.ledger}`,
  );
  const found = await steps.do(
    3,
    () => segments.map((segment) => requireRecord(asBundle(content, segment), network)),
    (records) => `${records.length} segments`,
  );
  const settlings: ProvedBlock[] = [];
  const told = await steps.do(
    4,
    () => {
      const timed = found.map(({ header, record }, at) => ({
        record: settledRecord(record, segments[at]?.settled ?? [], network, settlings),
        prevHead: segments[at]?.prevHead ?? new Uint8Array(),
        blockTime: header.timestamp,
      }));
      return entriesAbout(tell(timed), content.about);
    },
    (entries) => `${entries.length} entries`,
  );
  const parts = found.map(({ header, record }, at) => {
    const bundle = { ...asBundle(content, segments[at]), device: deviceId(record.device) };
    return { bundle, header, record };
  });
  await steps.do(
    5,
    () => parts.forEach(({ bundle, record }) => requireSeal(bundle, record, network, check)),
    () => `${parts.length} seals`,
  );
  const roots = await steps.do(
    6,
    () => parts.map(({ bundle, record }) => requireCertificates(bundle, record, network, check)),
    (all) => `${new Set(all.map(({ path }) => path.join())).size} devices`,
  );
  const named = await steps.do(
    7,
    () =>
      parts.map(({ bundle }, at) => {
        const root = roots[at];
        if (root === undefined) throw new StepFailed("no root");
        return requireNamedRoot(bundle, trust.actorRegistry, root);
      }),
    () => `${new Set(roots.map(({ device }) => device)).size} registrars`,
  );
  const blocks = [
    ...parts.map(({ bundle, header }) => ({
      number: header.number,
      hash: bytesToHex(bundle.recorded.blockHash),
    })),
    ...parts.map(({ bundle }, at) => ({
      number: named[at]?.number ?? 0,
      hash: bytesToHex(bundle.named.blockHash),
    })),
    ...settlings,
  ];
  return { blocks, lines: linesOf(told, content.about) };
}

/** A record with the last outcomes of its entries that had to wait. */
function settledRecord(
  record: RecordedSegment,
  ways: readonly Inclusion[],
  trusted: Network,
  blocks: ProvedBlock[],
): RecordedSegment {
  const outcomes = record.outcomes.slice();
  for (const way of ways) {
    const { header, seq, outcome } = requireSettled(way, record, trusted);
    outcomes[Number(seq - record.firstSeq)] = outcome;
    blocks.push({ number: header.number, hash: bytesToHex(way.blockHash) });
  }
  return { ...record, outcomes };
}

/** A segment in the form that the steps check; its entry is set apart from it. */
function asBundle(content: BundleSet, segment?: ProvedSegment): Bundle {
  const none = new Uint8Array();
  const nowhere = { blockHash: none, header: none, receipt: 0, nodes: [], log: 0 };
  return {
    chainId: content.chainId,
    ledger: content.ledger,
    device: "" as DeviceId,
    seq: 0,
    words: none,
    head: none,
    prevHead: segment?.prevHead ?? none,
    recorded: segment?.recorded ?? nowhere,
    certificates: segment?.certificates ?? [],
    named: segment?.named ?? nowhere,
  };
}
