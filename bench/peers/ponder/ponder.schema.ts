/** The tables of the other peer: a row a segment, a row a lift, lifts indexed by bin and by lot. */
import { index, onchainTable, primaryKey } from "ponder";

export const segment = onchainTable(
  "segment",
  (t) => ({
    device: t.bigint().notNull(),
    firstSeq: t.bigint().notNull(),
    head: t.hex().notNull(),
    block: t.bigint().notNull(),
    tx: t.hex().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.device, table.firstSeq] }) }),
);

export const lift = onchainTable(
  "lift",
  (t) => ({
    device: t.bigint().notNull(),
    seq: t.bigint().notNull(),
    bin: t.bigint().notNull(),
    lot: t.hex().notNull(),
    stream: t.integer().notNull(),
    grade: t.integer().notNull(),
    basis: t.integer().notNull(),
    occurredAt: t.bigint().notNull(),
    grams: t.bigint().notNull(),
    outcome: t.integer().notNull(),
    evidence: t.hex().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.device, table.seq] }),
    bin: index().on(table.bin),
    lot: index().on(table.lot),
  }),
);
