/** `npm run test:distributed [-- arguments of jest]`: the suites on the engines of `npm run stack`, which are started if they do not run and then also stopped. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { prepare, root } from './prepare.mjs';
import { runJest } from './run-jest.mjs';
import { say } from './run-step.mjs';
import { runScript } from './set-up-error.mjs';
import { setUpStack } from './setup-stack.mjs';

await runScript(async () => {
  await prepare({ testServer: true });
  await setUpStack(root);
});
const { engineNames, Stack } = await import(pathToFileURL(join(root, 'dist', 'app', 'stack', 'stack.js')).href);
const stack = new Stack(join(root, '.stack'));
const ranBefore = stack.status().every(({ name, pid }) => pid !== undefined || !engineNames.includes(name));
await runScript(() => stack.startEngines((name, tookMs) => say(`  ${name.padEnd(10)} ready after ${(tookMs / 1_000).toFixed(1)} s`)));
const { code, passed, failed } = await runJest(['--config', 'jest.distributed.config.js', ...process.argv.slice(2)], 'distributed');
if (!ranBefore) await stack.stop();
say(`${passed} passed, ${failed} failed`);
process.exitCode = code;
