/** `npm run test:distributed [-- arguments of jest]`: the suites on the engines of `npm run stack`, which are started if they do not run and then also stopped. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { prepare, root } from './prepare.mjs';
import { runJest } from './run-jest.mjs';
import { say } from './run-step.mjs';
import { runScript } from './set-up-error.mjs';
import { setUpStack } from './setup-stack.mjs';

await runScript(async () => {
  await prepare({ testServer: true });
  await setUpStack(root);
});
const ranBefore = !stack('status').includes('stopped');
say(stack('start'));
const { code, passed, failed } = await runJest(['--config', 'jest.distributed.config.js', ...process.argv.slice(2)], 'distributed');
if (!ranBefore) stack('stop');
say(`${passed} passed, ${failed} failed`);
process.exitCode = code;

function stack(command) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'stack', command], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status === 0) return stdout;
  process.stderr.write(stderr);
  process.exit(1);
}
