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
const run = (config) => runJest(['--config', config, '--passWithNoTests', ...process.argv.slice(2)], 'distributed');
const runs = [await run('jest.distributed.config.js')];
if (!runs[0].isCutShort) runs.push(await run('jest.engines.config.js'));
if (!ranBefore) await stack.stop();
const sum = (of) => runs.reduce((total, one) => total + of(one), 0);
const passed = sum((one) => one.passed);
const failed = sum((one) => one.failed);
say(`${passed} passed, ${failed} failed`);
process.exitCode = passed === 0 || runs.some(({ code }) => code !== 0) ? 1 : 0;
