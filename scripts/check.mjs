/** `npm run check`: format, lint, types, architecture, dead code, generated documents. All of them run, then all failures are shown. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { checkNode } from './check-node.mjs';
import { installPackages } from './install-packages.mjs';
import { root } from './prepare.mjs';
import { runStep, say, secondsSince } from './run-step.mjs';
import { runScript } from './set-up-error.mjs';

const tool = (path, ...args) => [join(root, 'node_modules', path), ...args];

const steps = [
  // The longest step. What rules need lives shortly: a larger young generation takes a tenth of the time.
  { label: 'lint', args: ['--max-semi-space-size=128', ...tool('eslint/bin/eslint.js', '.')] },
  { label: 'types', args: tool('typescript/bin/tsc', '-p', '.') },
  { label: 'architecture', args: tool('dependency-cruiser/bin/dependency-cruise.mjs', '--config', '.dependency-cruiser.js', '.') },
  { label: 'dead code', args: tool('knip/bin/knip.js') },
  { label: 'format', args: tool('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.') },
  { label: 'generated documents', args: ['--import', 'tsx', 'scripts/generate.ts', '--check'] },
];

const failures = [];

async function work(queue) {
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
    const startMs = Date.now();
    const { label, args } = step;
    const { code, output } = await runStep({ label, command: process.execPath, args, cwd: root, reminderMs: 60_000 });
    say(`${code === 0 ? 'ok    ' : 'FAILED'}  ${label.padEnd(20)} ${secondsSince(startMs)}`);
    if (code !== 0) failures.push({ label, output });
  }
}

await runScript(async () => {
  checkNode();
  await installPackages(root);
  const queue = [...steps];
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, () => work(queue)));
  for (const { label, output } of failures) say(`\n--- ${label} ---\n${output.trim()}`);
  process.exitCode = failures.length === 0 ? 0 : 1;
});
