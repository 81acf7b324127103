/** What Ponder's documentation advises: the rows of an event written in one insert, which it copies in bulk. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import { hexToBytes, numberToHex } from "viem";

import { splitWords, unpackEntry } from "../../../../scanner_app/src/domain/journal.ts";

const hexOf = (value: bigint, size: number) => numberToHex(value, { size });
const lots = new Map<bigint, `0x${string}`>();

ponder.on("CustodyLedger:SegmentRecorded", async ({ event, context }) => {
  const { device, head, words, outcomes } = event.args;
  const firstSeq = BigInt(event.args.firstSeq);
  const [block, tx] = [event.block.number, event.transaction.hash];
  await context.db.insert(schema.segment).values({ device, firstSeq, head, block, tx });
  const answers = hexToBytes(outcomes);
  const rows: (typeof schema.lift.$inferInsert)[] = [];
  splitWords(hexToBytes(words)).forEach((each, at) => {
    const read = unpackEntry(each);
    if (read.is !== "known") return;
    if (read.entry.kind === "load") lots.set(device, hexOf(read.entry.fields.lot, 12));
    if (read.entry.kind !== "lift") return;
    const f = read.entry.fields;
    rows.push({
      device,
      seq: firstSeq + BigInt(at),
      bin: f.bin,
      lot: lots.get(device) ?? "0x",
      stream: Number(f.stream),
      grade: Number(f.grade),
      basis: Number(f.basis),
      occurredAt: f.occurred_at,
      grams: f.grams,
      outcome: answers[at] ?? 0,
      evidence: hexOf(f.evidence, 15),
    });
  });
  if (rows.length > 0) await context.db.insert(schema.lift).values(rows);
});
