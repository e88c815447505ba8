import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem, type } from 'node:os';
import { join } from 'node:path';

import { median } from './median.js';

const syncs = 200;
const blockBytes = 4096;

/** One line about where figures come from: cores, memory, system, Node, and how long the disk takes to make 4 KiB durable. */
export function describeMachine(): string {
  const [first] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const model = first?.model.trim() ?? 'unknown processor';
  return `${cpus().length} cores (${model}), ${gigabytes} GiB, ${type()} ${release()}, Node ${process.versions.node}, fdatasync of 4 KiB ${measureSyncMs().toFixed(2)} ms`;
}

function measureSyncMs(): number {
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-sync-'));
  const file = openSync(join(directory, 'block'), 'w');
  try {
    const block = Buffer.alloc(blockBytes, 1);
    const times = Array.from({ length: syncs }, (_, index) => {
      const startMs = performance.now();
      writeSync(file, block, 0, blockBytes, index * blockBytes);
      fdatasyncSync(file);
      return performance.now() - startMs;
    });
    return median(times);
  } finally {
    closeSync(file);
    rmSync(directory, { recursive: true });
  }
}
