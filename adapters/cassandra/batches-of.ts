import type { Batch, Statement } from './cassandra-client.js';

/** Cassandra refuses a batch of 50 KiB, and has no gain from long ones. */
const maxBytes = 32 * 1_024;
const maxStatements = 20;
const bytesBesideContent = 200;

export interface SizedStatement extends Statement {
  /** Of its blobs. */
  readonly bytes: number;
}

/** Statements of one partition, in their order, as batches that Cassandra takes. */
export function batchesOf(statements: readonly SizedStatement[]): readonly Batch[] {
  const batches: Statement[][] = [];
  let bytes = Infinity;
  for (const statement of statements) {
    const size = statement.bytes + bytesBesideContent;
    const batch = batches.at(-1);
    if (batch === undefined || batch.length === maxStatements || bytes + size > maxBytes) {
      batches.push([statement]);
      bytes = size;
    } else {
      batch.push(statement);
      bytes += size;
    }
  }
  return batches;
}
