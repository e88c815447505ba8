import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bundleWorkflowCode } from '@temporalio/worker';

/**
 * Bundles the workflows for Temporal's sandbox: `node --import tsx scripts/bundle-workflows.ts [outFile] [workflowsPath]`.
 * Without arguments: workflows/index.ts to dist/workflows/bundle.js.
 */
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const outFile = resolve(root, process.argv[2] ?? 'dist/workflows/bundle.js');
const workflowsPath = resolve(root, process.argv[3] ?? 'workflows/index.ts');

const quiet = () => undefined;
const logger = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: console.warn, error: console.error };

const { code } = await bundleWorkflowCode({ workflowsPath, logger });
await mkdir(dirname(outFile), { recursive: true });
const partFile = `${outFile}.${process.pid}.part`;
await writeFile(partFile, code);
await rename(partFile, outFile);
console.log(`${outFile}: ${Math.round(code.length / 1024)} KiB`);
