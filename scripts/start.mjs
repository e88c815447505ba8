/**
 * `node scripts/start.mjs [entry [arguments]]`: prepares the checkout, then becomes the program `dist/<entry>` (default: the whole server).
 * Becomes, not starts: the program runs in this process, so signals, exit code and terminal are its own.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { prepare, root } from './prepare.mjs';
import { runScript } from './set-up-error.mjs';

const [entry = 'workers/all-in-one.js', ...args] = process.argv.slice(2);

await runScript(async () => {
  const { temporalCli } = await prepare();
  if (temporalCli !== undefined) process.env.HELIOGRAPH_TEMPORAL_CLI = temporalCli;
});

const program = join(root, 'dist', entry);
process.argv.splice(1, process.argv.length, program, ...args);
await import(pathToFileURL(program).href);
